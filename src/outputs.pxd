"""A visit of the features of a row with several outputs: weigh, add up, step.

A feature's record is [K values][K accumulators], and the loops over K vectorise. The outputs are
the classes of one model, or those of several models that learn the same rows side by side, each
with a learning rate and penalty of its own: model m has the outputs from m K / n_models on. What
is a model's own stands in `own`: [K rates][K l1][K l2], of the weights' type.
"""

from libc.stdint cimport int64_t, uint8_t

from dtypes cimport index_t, weight_t
from losses cimport Loss, LossPoint
from records cimport is_stamped, steps_of
from targets cimport Targets, normalised_loss, slopes_of
from training cimport Settings, out_of_bounds
from updates cimport (
    Comid,
    ComidDecay,
    ComidElastic,
    ComidL1,
    Ftrl,
    Rda,
    current_weight,
    decayed,
    holds_weights,
    is_near_zero,
    kept_after,
    pulled_near_zero,
    rule_t,
    take_step,
)


cdef enum:
    BLOCK = 8  # and the steps of ranges, which Cython wants as literals


cdef struct OneModel:
    int64_t n_models


cdef struct Models:
    int64_t n_models
    const double *intercept_rate  # of each output
    double *loss                  # of each model: sum of s_i loss_i, each before it is learned
    uint8_t *diverged             # of each model: it stands still since a row was out of bounds


ctypedef fused models_t:
    OneModel
    Models


cdef inline rule_t rule_of_output(
    rule_t rule, models_t models, const weight_t *own, int64_t n_outputs, int64_t k
) noexcept nogil:
    if models_t is Models:
        rule.rate = own[k]
        if rule_t is ComidL1:
            rule.l1 = own[n_outputs + k]
        elif rule_t is ComidElastic or rule_t is Rda or rule_t is Ftrl:
            rule.l1 = own[n_outputs + k]
            rule.l2 = own[2 * n_outputs + k]
    return rule


cdef inline double intercept_rate_of(
    Settings settings, models_t models, int64_t k
) noexcept nogil:
    if models_t is Models:
        return models.intercept_rate[k]
    else:
        return settings.intercept_rate


# The K weights of a record as the rule has them now.
cdef inline const weight_t *weigh(
    rule_t rule, models_t models, const weight_t *own, const weight_t *record, int64_t n_outputs,
    weight_t now, weight_t *weight,
) noexcept nogil:
    cdef weight_t steps
    cdef int64_t k
    if rule_t is Comid or rule_t is ComidDecay:
        return record
    else:
        steps = steps_of(rule, record, n_outputs, now)
        if rule_t is ComidElastic and weight_t is float:
            if is_near_zero(rule, steps):
                for k in range(n_outputs):
                    weight[k] = pulled_near_zero(
                        rule_of_output(rule, models, own, n_outputs, k),
                        record[k], record[n_outputs + k], steps)
                return weight
        for k in range(n_outputs):
            weight[k] = current_weight(
                rule_of_output(rule, models, own, n_outputs, k),
                record[k], record[n_outputs + k], steps)
        return weight


# A step of BLOCK outputs. What a step writes goes to arrays of its own, which nothing else can
# point to, so that the loop vectorises without asking.
cdef inline void step_block(
    rule_t rule, models_t models, const weight_t *own, weight_t *record, int64_t n_outputs,
    const weight_t *weight, const weight_t *slope, weight_t x, int64_t begin,
) noexcept nogil:
    cdef weight_t value[BLOCK]
    cdef weight_t accumulator[BLOCK]
    cdef int64_t k
    for k in range(BLOCK):
        value[k] = record[begin + k]
        accumulator[k] = record[n_outputs + begin + k]
    for k in range(BLOCK):
        take_step(
            rule_of_output(rule, models, own, n_outputs, begin + k),
            &value[k], &accumulator[k], weight[begin + k], slope[begin + k] * x)
    for k in range(BLOCK):
        record[begin + k] = value[k]
        record[n_outputs + begin + k] = accumulator[k]


cdef inline void step_record(
    rule_t rule, models_t models, const weight_t *own, weight_t *record, int64_t n_outputs,
    weight_t now, const weight_t *weight, const weight_t *slope, weight_t x,
) noexcept nogil:
    cdef weight_t kept
    cdef int64_t k
    if rule_t is ComidDecay:
        kept = kept_after(rule, now + <weight_t>1 - record[2 * n_outputs])
        for k in range(n_outputs, 2 * n_outputs):
            record[k] = decayed(rule, record[k], kept)
    # Fewer outputs than a block has get a loop of their own, which GCC then makes much shorter.
    if n_outputs < BLOCK:
        for k in range(n_outputs):
            take_step(
                rule_of_output(rule, models, own, n_outputs, k),
                &record[k], &record[n_outputs + k], weight[k], slope[k] * x)
    else:
        for k in range(0, n_outputs - 7, 8):
            step_block(rule, models, own, record, n_outputs, weight, slope, x, k)
        for k in range(n_outputs - n_outputs % BLOCK, n_outputs):
            take_step(
                rule_of_output(rule, models, own, n_outputs, k),
                &record[k], &record[n_outputs + k], weight[k], slope[k] * x)
    if is_stamped(rule):
        record[2 * n_outputs] = now + <weight_t>1


cdef inline void add_scaled(
    weight_t *total, const weight_t *term, weight_t x, int64_t n_outputs
) noexcept nogil:
    cdef int64_t k
    for k in range(n_outputs):
        total[k] += term[k] * x


# Where the weights of entry p lie: in its record or, entry after entry, in `weight`.
cdef inline const weight_t *weights_of(
    rule_t rule, const weight_t *state, int64_t width, const weight_t *weight, int64_t n_outputs,
    const index_t *columns, int64_t p,
) noexcept nogil:
    if holds_weights(rule):
        return &state[columns[p] * width]
    else:
        return &weight[p * n_outputs]


# W x of one row for BLOCK outputs, whose sums stay in registers from entry to entry.
cdef inline void add_up_block(
    rule_t rule, const weight_t *state, int64_t width, const weight_t *weight, int64_t n_outputs,
    const index_t *columns, const weight_t *x, int64_t length, weight_t *sums, int64_t begin,
) noexcept nogil:
    cdef weight_t total[BLOCK]
    cdef const weight_t *term
    cdef int64_t p, k
    for k in range(BLOCK):
        total[k] = 0
    for p in range(length):
        term = weights_of(rule, state, width, weight, n_outputs, columns, p) + begin
        for k in range(BLOCK):
            total[k] += term[k] * x[p]
    for k in range(BLOCK):
        sums[begin + k] = total[k]


cdef inline void add_up(
    rule_t rule, const weight_t *state, int64_t width, const weight_t *weight, int64_t n_outputs,
    const index_t *columns, const weight_t *x, int64_t length, weight_t *sums,
) noexcept nogil:
    cdef int64_t p, k
    if n_outputs < BLOCK:
        for k in range(n_outputs):
            sums[k] = 0
        for p in range(length):
            add_scaled(
                sums, weights_of(rule, state, width, weight, n_outputs, columns, p), x[p],
                n_outputs)
        return
    for k in range(0, n_outputs - 7, 8):
        add_up_block(rule, state, width, weight, n_outputs, columns, x, length, sums, k)
    if n_outputs % BLOCK:  # Some of them once more.
        add_up_block(
            rule, state, width, weight, n_outputs, columns, x, length, sums, n_outputs - BLOCK)


# From the margins of a row to the slopes, in place. Returns whether all is within bounds; of
# several models, those that are not stand still from here on. `row_loss`, unless NULL, gets each
# model's loss, that of normalised probabilities where there are such; `loss_sum` gets what is
# minimised.
cdef inline bint take_slopes(
    Settings settings, models_t models, Targets targets, Loss loss, int64_t row, double s,
    double *margin, double *row_loss, double *loss_sum,
) noexcept nogil:
    cdef int64_t m, k, n_outputs = targets.n_outputs
    cdef double label_margin = 0
    cdef double *slope
    cdef LossPoint point
    for m in range(models.n_models):
        slope = &margin[m * n_outputs]
        if targets.label != NULL:
            label_margin = slope[targets.label[row]]
        point = slopes_of(targets, loss, row, settings.gain * s, slope)
        if row_loss != NULL:
            row_loss[m] = normalised_loss(
                targets, loss, row, settings.gain * s, slope, label_margin, point.value)
        if models_t is OneModel:
            loss_sum[0] = point.value
            return not out_of_bounds(settings, point.value, point.slope)
        else:
            if out_of_bounds(settings, point.value, point.slope):
                models.diverged[m] = 1
            if models.diverged[m]:
                for k in range(n_outputs):
                    slope[k] = 0
            else:
                models.loss[m] += s * point.value
    return True
