"""Training with K outputs: multinomial, one-vs-rest and multilabel classification.

Solves   min_W,b  (1 / n) sum_i s_i loss(W x_i + b, y_i) + l1 |W|_1 + (l2 / 2) |W|_2^2

as src/single.pyx does, with one gather of a feature's record for all outputs, and likewise several
models at once, each with a rate and penalty of its own. src/outputs.pxd has what happens to a
record.

The kernel trusts its arguments, as src/single.pyx says.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport calloc, free, malloc

from dtypes cimport index_t, weight_t
from intercept cimport Intercept, intercept_step, intercept_weight
from losses cimport Loss
from outputs cimport (
    Models,
    OneModel,
    add_scaled,
    add_up,
    intercept_rate_of,
    models_t,
    step_record,
    take_slopes,
    weigh,
)
from prefetch cimport (
    Ahead,
    ask_for_entries,
    ask_for_first_rows,
    ask_for_row,
    ask_further_on,
    look_ahead,
)
from records cimport record_width
from targets cimport Targets, targets_of
from training cimport (
    COMID_DECAY,
    COMID_ELASTIC,
    COMID_L1,
    COMID_PLAIN,
    DUAL_AVERAGING,
    Progress,
    Rows,
    Settings,
    comid,
    comid_decay,
    comid_elastic,
    comid_l1,
    count_on,
    ftrl,
    longest_row,
    most_touched,
    rda,
    rule_of,
)
from updates cimport holds_weights, rule_t


# A step a row.
cdef Progress learn_rows(
    rule_t rule, models_t models, const weight_t *own,
    Settings settings, Loss loss, Rows rows, Targets targets,
    Intercept *intercept, double start, weight_t *state,
    const index_t *indices, const weight_t *data,
    weight_t *weight, weight_t *sums, double *margin,
) noexcept nogil:
    cdef int64_t n_outputs = models.n_models * targets.n_outputs
    cdef int64_t width = record_width(rule, n_outputs)
    cdef Progress done
    cdef int64_t row, begin, end, p, k
    cdef double s, row_value = 0, now = start
    cdef weight_t *record
    cdef Ahead ahead = look_ahead(rows.order, rows.n_rows, rows.indptr)
    ask_for_first_rows(&ahead, state, width, indices)
    done.n_steps, done.loss, done.weight = 0, 0, 0
    for done.n_rows in range(rows.n_rows):
        row = rows.order[done.n_rows]
        begin, end = rows.indptr[row], rows.indptr[row + 1]
        s = rows.sample_weight[row]
        ask_for_entries(&ahead, done.n_rows + ahead.distance, indices, data)
        for p in range(begin, end):
            ask_further_on(state, width, &indices[begin], end - begin, p - begin, 1)
            weigh(rule, models, own, &state[indices[p] * width], n_outputs, <weight_t>now,
                  &weight[(p - begin) * n_outputs])
        add_up(rule, state, width, weight, n_outputs, &indices[begin], &data[begin],
               end - begin, sums)
        for k in range(n_outputs):
            margin[k] = sums[k] + intercept_weight(
                rule, intercept[k], intercept_rate_of(settings, models, k))
        ask_for_row(&ahead, done.n_rows + ahead.distance, state, width, indices)
        if not take_slopes(
                settings, models, targets, loss, row, s, margin,
                NULL if rows.row_loss == NULL else &rows.row_loss[done.n_rows * models.n_models],
                &row_value):
            return done
        for k in range(n_outputs):
            sums[k] = <weight_t>margin[k]
        for p in range(begin, end):
            record = &state[indices[p] * width]
            step_record(
                rule, models, own, record, n_outputs, <weight_t>now,
                record if holds_weights(rule) else &weight[(p - begin) * n_outputs], sums, data[p])
        if settings.fit_intercept:
            for k in range(n_outputs):
                intercept_step(
                    rule, &intercept[k], intercept_rate_of(settings, models, k), margin[k])
        done.loss += s * row_value
        done.weight += s
        done.n_steps += 1
        now = count_on(start, settings.pace, done.n_steps)
    done.n_rows = rows.n_rows
    return done


# A step a batch: the mean gradient of its rows at fixed W, squared once per feature that occurs
# in them. `place[j]` is one more than feature j's place among those; all zero between batches.
cdef Progress learn_batches(
    rule_t rule, models_t models, const weight_t *own,
    Settings settings, Loss loss, Rows rows, Targets targets,
    Intercept *intercept, double start, weight_t *state,
    const index_t *indices, const weight_t *data,
    weight_t *weight, weight_t *sums, double *margin,
    weight_t *gradient, double *bias_slope, index_t *touched, index_t *place,
) noexcept nogil:
    cdef int64_t n_outputs = models.n_models * targets.n_outputs
    cdef int64_t width = record_width(rule, n_outputs)
    cdef Progress done
    cdef int64_t end, n_touched, i, row, p, k
    cdef double s, batch_loss, batch_weight, row_value = 0, now = start
    cdef weight_t scale
    done.n_rows, done.n_steps, done.loss, done.weight = 0, 0, 0, 0
    while done.n_rows < rows.n_rows:
        end = min(done.n_rows + settings.batch_size, rows.n_rows)
        scale = <weight_t>1 / <weight_t>(end - done.n_rows)
        n_touched = 0
        batch_loss, batch_weight = 0, 0
        for k in range(n_outputs):
            bias_slope[k] = 0
        for i in range(done.n_rows, end):
            row = rows.order[i]
            s = rows.sample_weight[row]
            for k in range(n_outputs):
                sums[k] = 0
            for p in range(rows.indptr[row], rows.indptr[row + 1]):
                if place[indices[p]] == 0:
                    touched[n_touched] = indices[p]
                    for k in range(n_outputs):
                        gradient[n_touched * n_outputs + k] = 0
                    weigh(rule, models, own, &state[indices[p] * width], n_outputs, <weight_t>now,
                          &weight[n_touched * n_outputs])
                    n_touched += 1
                    place[indices[p]] = <index_t>n_touched
                add_scaled(
                    sums,
                    &state[indices[p] * width] if holds_weights(rule)
                    else &weight[(place[indices[p]] - 1) * n_outputs],
                    data[p], n_outputs)
            for k in range(n_outputs):
                margin[k] = sums[k] + intercept_weight(
                    rule, intercept[k], intercept_rate_of(settings, models, k))
            if not take_slopes(
                    settings, models, targets, loss, row, s, margin,
                    NULL if rows.row_loss == NULL else &rows.row_loss[i * models.n_models],
                    &row_value):
                return done
            for k in range(n_outputs):
                sums[k] = <weight_t>margin[k]
                bias_slope[k] += margin[k]
            for p in range(rows.indptr[row], rows.indptr[row + 1]):
                add_scaled(
                    &gradient[(place[indices[p]] - 1) * n_outputs], sums, data[p], n_outputs)
            batch_loss += s * row_value
            batch_weight += s
        for i in range(n_touched):
            p = touched[i]
            place[p] = 0
            step_record(
                rule, models, own, &state[p * width], n_outputs, <weight_t>now,
                &state[p * width] if holds_weights(rule) else &weight[i * n_outputs],
                &gradient[i * n_outputs], scale)
        if settings.fit_intercept:
            for k in range(n_outputs):
                intercept_step(
                    rule, &intercept[k], intercept_rate_of(settings, models, k),
                    bias_slope[k] / (end - done.n_rows))
        done.n_rows = end
        done.n_steps += 1
        now = count_on(start, settings.pace, done.n_steps)
        done.loss += batch_loss
        done.weight += batch_weight
    return done


# Allocates what the rows at hand need; done.n_rows = -1 if there is no memory for it.
cdef Progress learn_by(
    rule_t rule, models_t models, const weight_t *own,
    Settings settings, Loss loss, Rows rows, Targets targets,
    Intercept *intercept, double now, weight_t *state, int64_t n_features,
    const index_t *indices, const weight_t *data,
) noexcept nogil:
    cdef bint by_rows = settings.batch_size == 1
    cdef int64_t n_outputs = models.n_models * targets.n_outputs
    cdef int64_t capacity = longest_row(rows) if by_rows else most_touched(
        rows, settings.batch_size, n_features)
    cdef int64_t n_weights = 1 if holds_weights(rule) else capacity * n_outputs + 1
    cdef weight_t *weight = <weight_t *>malloc(n_weights * sizeof(weight_t))
    cdef weight_t *sums = <weight_t *>malloc(n_outputs * sizeof(weight_t))
    cdef double *margin = <double *>malloc(2 * n_outputs * sizeof(double))
    cdef weight_t *gradient = NULL
    cdef index_t *touched = NULL
    cdef index_t *place = NULL
    cdef Progress done
    done.n_rows = -1
    if not by_rows:
        gradient = <weight_t *>malloc((capacity * n_outputs + 1) * sizeof(weight_t))
        touched = <index_t *>malloc((capacity + 1) * sizeof(index_t))
        # The pages of calloc cost nothing until they are touched, however many columns there are.
        place = <index_t *>calloc(n_features, sizeof(index_t))
    if weight != NULL and sums != NULL and margin != NULL:
        if by_rows:
            done = learn_rows(
                rule, models, own, settings, loss, rows, targets, intercept, now, state,
                indices, data, weight, sums, margin)
        elif gradient != NULL and touched != NULL and place != NULL:
            done = learn_batches(
                rule, models, own, settings, loss, rows, targets, intercept, now, state,
                indices, data, weight, sums, margin,
                gradient, margin + n_outputs, touched, place)
    free(weight)
    free(sums)
    free(margin)
    free(gradient)
    free(touched)
    free(place)
    return done


# By the rule that the settings name.
cdef Progress learn_as(
    Settings s, models_t models, const weight_t *own, Loss loss, Rows rows, Targets targets,
    Intercept *intercept, double now, weight_t *state, int64_t n_features,
    const index_t *indices, const weight_t *data,
) noexcept nogil:
    if rule_of(s) == COMID_ELASTIC:
        return learn_by(comid_elastic(s), models, own, s, loss, rows, targets, intercept, now,
                        state, n_features, indices, data)
    elif rule_of(s) == COMID_L1:
        return learn_by(comid_l1(s), models, own, s, loss, rows, targets, intercept, now,
                        state, n_features, indices, data)
    elif rule_of(s) == COMID_DECAY:
        return learn_by(comid_decay(s), models, own, s, loss, rows, targets, intercept, now,
                        state, n_features, indices, data)
    elif rule_of(s) == COMID_PLAIN:
        return learn_by(comid(s), models, own, s, loss, rows, targets, intercept, now,
                        state, n_features, indices, data)
    elif rule_of(s) == DUAL_AVERAGING:
        return learn_by(rda(s), models, own, s, loss, rows, targets, intercept, now,
                        state, n_features, indices, data)
    else:
        return learn_by(ftrl(s), models, own, s, loss, rows, targets, intercept, now,
                        state, n_features, indices, data)


def learn(
    weight_t[:, ::1] state, double[:, ::1] intercept, int64_t[::1] clock, settings,
    bint multinomial,
    const int64_t[::1] indptr, const index_t[::1] indices, const weight_t[::1] data,
    const double[::1] value, const int64_t[::1] label, const uint8_t[:, ::1] indicator,
    const double[::1] sample_weight, const int64_t[::1] order,
    double[:, ::1] row_loss=None,
    weight_t[:, ::1] own=None, const double[::1] intercept_rate=None,
    double[::1] loss_sum=None, uint8_t[::1] diverged=None,
):
    """Learn the rows of a CSR matrix in the given order; state, intercept, clock change in place.

    clock holds {steps so far, the step that the records' stamps count from}.

    The targets are `value`, `label` or `indicator`, the others being None. `row_loss`, unless None,
    gets the loss of every visit before it is learned, that of normalised probabilities where there
    are such. Returns what the `learn` of one output returns, the losses summed over the outputs.

    With `own` several models learn side by side: (3, n_outputs) rates, l1, l2, where the settings
    hold the largest of each. Their sums of weighted losses are added to loss_sum, and those that
    diverge are noted and stand still.
    """
    cdef Settings s = settings
    cdef Loss loss
    cdef Rows rows
    cdef Targets targets
    cdef Progress done
    cdef OneModel one
    cdef Models models
    cdef Intercept *bias = <Intercept *>&intercept[0, 0]
    cdef double now = clock[0] - clock[1]
    cdef int64_t n_features = state.shape[0]
    cdef const index_t *columns = NULL
    cdef const weight_t *values = NULL
    cdef const weight_t *own_settings = NULL
    done.n_rows, done.n_steps, done.loss, done.weight = 0, 0, 0, 0
    if order.shape[0] == 0:
        return done
    if indices.shape[0]:
        columns, values = &indices[0], &data[0]
    rows.row_loss = NULL
    if row_loss is not None:
        rows.row_loss = &row_loss[0, 0]
    one.n_models = models.n_models = 1
    models.intercept_rate, models.loss, models.diverged = NULL, NULL, NULL
    if own is not None:
        models.n_models, own_settings = loss_sum.shape[0], &own[0, 0]
        models.loss, models.diverged = &loss_sum[0], &diverged[0]
        models.intercept_rate = &intercept_rate[0]
    targets = targets_of(
        intercept.shape[0] // models.n_models, multinomial, value, label, indicator)
    loss.kind, loss.delta = s.loss, s.delta
    rows.order, rows.n_rows = &order[0], order.shape[0]
    rows.indptr, rows.sample_weight = &indptr[0], &sample_weight[0]
    with nogil:
        if own_settings == NULL:
            done = learn_as(s, one, own_settings, loss, rows, targets, bias, now,
                            &state[0, 0], n_features, columns, values)
        else:
            done = learn_as(s, models, own_settings, loss, rows, targets, bias, now,
                            &state[0, 0], n_features, columns, values)
    if done.n_rows < 0:
        raise MemoryError("no memory for the records of a batch: lower batch_size")
    # Here and not in Python, so that no Ctrl-C comes between the steps and their count.
    clock[0] += <int64_t>count_on(0, s.pace, done.n_steps)
    return done
