"""The optimizers: one step of an update rule on the weights of one parameter, in place.

A dense gradient steps every weight. A CSR gradient visits the weights of its
stored entries only, so that the cost is in proportion to those; a weight that
was left out for a while first takes the steps it has missed, in closed form.

The kernel trusts its arguments: arrays of matching lengths, column indices
without duplicates in a row and inside the columns, indptr that runs forward,
finite gradients, slots as wide as the rule's record. fastada/optim sees to it.
"""

from libc.math cimport INFINITY, expm1, pow, sqrt
from libc.stdint cimport int64_t

from coasting cimport Coasting, coast_from
from dtypes cimport index_t, weight_t
from powers cimport Powers, powers_of
from prefetch cimport prefetch
from updates cimport (
    AdaDelta,
    Adam,
    Comid,
    ComidElastic,
    ComidL1,
    Momentum,
    RmsProp,
    Sgd,
    catch_up as catch_up_one,
    descend,
    is_lazy,
    may_miss_none,
    n_slots,
    optimizer_t,
)


cdef enum:
    PREFETCH_DISTANCE = 32


cdef enum Storage:
    DENSE_GRADIENT
    CSR_GRADIENT
    NO_GRADIENT  # catch up only: all weights, or those at the places in `indices`


cdef enum Algorithm:
    ADAGRAD
    SGD
    MOMENTUM
    RMSPROP
    ADADELTA
    ADAM


ALGORITHMS = {
    "adagrad": ADAGRAD,
    "sgd": SGD,
    "momentum": MOMENTUM,
    "rmsprop": RMSPROP,
    "adadelta": ADADELTA,
    "adam": ADAM,
}


# The numbers of every rule; each reads its own.
cdef struct Settings:
    Algorithm algorithm
    double learning_rate
    double epsilon
    double l1
    double l2
    double momentum
    double nesterov
    double rho
    double beta_1
    double beta_2


# `step` is the number of the step being taken, from 1.
cdef struct Job:
    Storage storage
    int64_t step
    int64_t n_weights
    int64_t n_places  # of NO_GRADIENT; -1 for all weights
    int64_t n_rows
    int64_t n_columns
    const int64_t *indptr


cdef inline Comid comid(Settings s) noexcept nogil:
    cdef Comid rule
    rule.rate, rule.epsilon = s.learning_rate, s.epsilon
    return rule


cdef inline ComidL1 comid_l1(Settings s) noexcept nogil:
    cdef ComidL1 rule
    rule.rate, rule.epsilon, rule.l1 = s.learning_rate, s.epsilon, s.l1
    return rule


cdef inline ComidElastic comid_elastic(Settings s) noexcept nogil:
    cdef ComidElastic rule
    rule.rate, rule.epsilon, rule.l1, rule.l2 = s.learning_rate, s.epsilon, s.l1, s.l2
    rule.largest_kappa = INFINITY  # not bounded by what is known here
    return rule


cdef inline Sgd sgd(Settings s) noexcept nogil:
    cdef Sgd rule
    rule.rate = s.learning_rate
    return rule


cdef inline Momentum momentum(Settings s, const Powers *powers) noexcept nogil:
    cdef Momentum rule
    rule.rate, rule.momentum, rule.nesterov = s.learning_rate, s.momentum, s.nesterov != 0
    rule.powers = powers
    return rule


cdef inline RmsProp rms_prop(Settings s, const Powers *powers) noexcept nogil:
    cdef RmsProp rule
    rule.rate, rule.epsilon = s.learning_rate, s.epsilon
    rule.rho, rule.powers = s.rho, powers
    return rule


cdef inline AdaDelta ada_delta(Settings s, const Powers *powers) noexcept nogil:
    cdef AdaDelta rule
    rule.rate, rule.epsilon = s.learning_rate, s.epsilon
    rule.rho, rule.powers = s.rho, powers
    return rule


cdef inline Adam adam(Settings s, const Coasting *coasting) noexcept nogil:
    cdef Adam rule
    rule.rate, rule.epsilon = s.learning_rate, s.epsilon
    rule.beta_1, rule.beta_2 = s.beta_1, s.beta_2
    rule.step_size = s.learning_rate / (1 - pow(s.beta_1, coasting.step))
    rule.root_scale = 1 / sqrt(-expm1(coasting.step * coasting.powers_2.log_base))
    rule.coasting = coasting
    return rule


# Bring one weight to the step before `step`.
cdef inline void bring_current(
    optimizer_t rule, int64_t step, int64_t place,
    weight_t *weights, weight_t *slots, int64_t *last_step,
) noexcept nogil:
    cdef int64_t missed
    if is_lazy(rule):
        missed = step - 1 - last_step[place]
        if missed > 0 or may_miss_none(rule):
            catch_up_one(rule, &weights[place], &slots[place * n_slots(rule)], missed)


cdef inline void step_one(
    optimizer_t rule, int64_t step, int64_t place, weight_t g,
    weight_t *weights, weight_t *slots, int64_t *last_step,
) noexcept nogil:
    bring_current(rule, step, place, weights, slots, last_step)
    descend(rule, &weights[place], &slots[place * n_slots(rule)], g)
    if is_lazy(rule):
        last_step[place] = step


# Ask for what a step of one weight will read.
cdef inline void ask_for(
    optimizer_t rule, int64_t place,
    weight_t *weights, weight_t *slots, int64_t *last_step,
) noexcept nogil:
    prefetch(&weights[place])
    prefetch(&slots[place * n_slots(rule)])
    if n_slots(rule) == 3:  # may reach into the next cache line
        prefetch(&slots[place * n_slots(rule) + 2])
    if is_lazy(rule):
        prefetch(&last_step[place])


cdef void run(
    optimizer_t rule, Job job, const index_t *indices, const weight_t *gradient,
    weight_t *weights, weight_t *slots, int64_t *last_step,
) noexcept nogil:
    cdef int64_t row, p, place
    if job.storage == DENSE_GRADIENT:
        for place in range(job.n_weights):
            step_one(rule, job.step, place, gradient[place], weights, slots, last_step)
    elif job.storage == CSR_GRADIENT:
        for row in range(job.n_rows):
            for p in range(job.indptr[row], job.indptr[row + 1]):
                if p + PREFETCH_DISTANCE < job.indptr[row + 1]:
                    ask_for(rule, row * job.n_columns + indices[p + PREFETCH_DISTANCE],
                            weights, slots, last_step)
                place = row * job.n_columns + indices[p]
                step_one(rule, job.step, place, gradient[p], weights, slots, last_step)
    elif is_lazy(rule):
        for p in range(job.n_weights if job.n_places < 0 else job.n_places):
            place = p if job.n_places < 0 else indices[p]
            if p + PREFETCH_DISTANCE < job.n_places:
                ask_for(rule, indices[p + PREFETCH_DISTANCE], weights, slots, last_step)
            bring_current(rule, job.step + 1, place, weights, slots, last_step)
            last_step[place] = job.step


cdef void dispatch(
    Settings s, Job job, const index_t *indices, const weight_t *gradient,
    weight_t *weights, weight_t *slots, int64_t *last_step,
) noexcept nogil:
    cdef Coasting coasting
    cdef Powers powers
    if s.algorithm == SGD:
        run(sgd(s), job, indices, gradient, weights, slots, last_step)
    elif s.algorithm == MOMENTUM:
        powers = powers_of(s.momentum, True)
        run(momentum(s, &powers), job, indices, gradient, weights, slots, last_step)
    elif s.algorithm == RMSPROP:
        powers = powers_of(s.rho, False)
        run(rms_prop(s, &powers), job, indices, gradient, weights, slots, last_step)
    elif s.algorithm == ADADELTA:
        powers = powers_of(s.rho, False)
        run(ada_delta(s, &powers), job, indices, gradient, weights, slots, last_step)
    elif s.algorithm == ADAM:
        # Catching up to `step` is what is done before step + 1.
        coasting = coast_from(
            job.step + (job.storage == NO_GRADIENT), s.beta_1, s.beta_2, s.epsilon)
        run(adam(s, &coasting), job, indices, gradient, weights, slots, last_step)
    elif s.l2 > 0:
        run(comid_elastic(s), job, indices, gradient, weights, slots, last_step)
    elif s.l1 > 0:
        run(comid_l1(s), job, indices, gradient, weights, slots, last_step)
    else:
        run(comid(s), job, indices, gradient, weights, slots, last_step)


# The address of the first item, where there is one.
cdef inline weight_t *start(weight_t[::1] items) noexcept nogil:
    return &items[0] if items.shape[0] else NULL


def step_dense(
    settings, int64_t step, weight_t[::1] weights, weight_t[::1] slots, int64_t[::1] last_step,
    const weight_t[::1] gradient,
):
    """Step every weight; weights, slots and last_step change in place."""
    cdef Settings s = settings
    cdef Job job
    cdef int64_t *stamps = &last_step[0] if last_step.shape[0] else NULL
    if gradient.shape[0] == 0:
        return
    job.storage, job.step, job.n_weights = DENSE_GRADIENT, step, weights.shape[0]
    with nogil:
        dispatch(s, job, <const int64_t *>NULL, &gradient[0], start(weights), start(slots), stamps)


def step_csr(
    settings, int64_t step, weight_t[::1] weights, weight_t[::1] slots, int64_t[::1] last_step,
    const int64_t[::1] indptr, const index_t[::1] indices, const weight_t[::1] gradient,
    int64_t n_columns,
):
    """Step the weights of the stored entries; weights, slots and last_step change in place."""
    cdef Settings s = settings
    cdef Job job
    cdef int64_t *stamps = &last_step[0] if last_step.shape[0] else NULL
    if gradient.shape[0] == 0:
        return
    job.storage, job.step, job.n_weights = CSR_GRADIENT, step, weights.shape[0]
    job.indptr, job.n_rows, job.n_columns = &indptr[0], indptr.shape[0] - 1, n_columns
    with nogil:
        dispatch(s, job, &indices[0], &gradient[0], start(weights), start(slots), stamps)


def catch_up(
    settings, int64_t step, weight_t[::1] weights, weight_t[::1] slots, int64_t[::1] last_step,
    const int64_t[::1] places,
):
    """Bring the weights at some places, or with None all, to `step`; all three change in place."""
    cdef Settings s = settings
    cdef Job job
    cdef const int64_t *some = NULL
    if last_step.shape[0] == 0 or (places is not None and places.shape[0] == 0):
        return
    job.storage, job.step, job.n_weights, job.n_places = NO_GRADIENT, step, weights.shape[0], -1
    if places is not None:
        some, job.n_places = &places[0], places.shape[0]
    with nogil:
        dispatch(s, job, some, <const weight_t *>NULL, start(weights), start(slots), &last_step[0])
