"""What the training kernels are given and what they give back, whatever the number of outputs."""

from libc.math cimport fabs, isfinite, log, sqrt
from libc.stdint cimport int64_t

from updates cimport Comid, ComidDecay, ComidElastic, ComidL1, Ftrl, Rda


cdef enum UpdateKind:
    COMID = 0
    RDA = 1
    FTRL = 2


# Filled from a dict of the same keys: fastada/settings.py names each.
cdef struct Settings:
    int update             # an UpdateKind
    double rate
    double epsilon
    double beta
    double l1
    double l2
    double smallest_accumulator            # G_0: no G is smaller
    double smallest_intercept_accumulator  # and that of the intercepts
    double decay           # of the accumulators, a step; 1 for none
    int loss               # a LossKind
    double delta           # of Huber's loss
    int64_t batch_size
    bint fit_intercept
    double intercept_rate
    double largest_value     # max |x|: with the slope it bounds every |gradient|
    double largest_gradient  # its square still fits the accumulators
    double pace              # steps that are counted while this replica takes one
    double gain              # of a replica: what it multiplies gradients by


# The rows to learn from, in their order.
cdef struct Rows:
    const int64_t *order
    int64_t n_rows
    const int64_t *indptr
    const double *sample_weight
    double *row_loss  # of every visit before it is learned, unless NULL


# What a call has done. It stops before the first row whose loss or gradient is out of bounds.
cdef struct Progress:
    int64_t n_rows
    int64_t n_steps
    double loss        # sum of s_i loss_i, each row's before it is learned
    double weight      # sum of s_i


# The count of steps, still a whole number, after n_steps more.
cdef inline double count_on(double start, double pace, int64_t n_steps) noexcept nogil:
    return start + <double><int64_t>(pace * n_steps)


cdef inline bint out_of_bounds(Settings settings, double loss, double slope) noexcept nogil:
    return not (
        isfinite(loss)
        and fabs(slope) * max(settings.largest_value, 1) <= settings.largest_gradient
    )


cdef inline int64_t longest_row(Rows rows) noexcept nogil:
    cdef int64_t place, row, longest = 0
    for place in range(rows.n_rows):
        row = rows.order[place]
        longest = max(longest, rows.indptr[row + 1] - rows.indptr[row])
    return longest


# The most features that one batch of these rows can touch.
cdef inline int64_t most_touched(Rows rows, int64_t batch_size, int64_t n_features) noexcept nogil:
    cdef int64_t place, row, here = 0, most = 0
    for place in range(rows.n_rows):
        if place % batch_size == 0:
            here = 0
        row = rows.order[place]
        here += rows.indptr[row + 1] - rows.indptr[row]
        most = max(most, here)
    return min(most, n_features)


# Which of the rules in updates.pxd settings name. A kernel is compiled for each of them, and Cython
# calls what is compiled for a static type alone: so every kernel lists its calls by rule.
cdef enum RuleKind:
    COMID_PLAIN
    COMID_DECAY
    COMID_L1
    COMID_ELASTIC
    DUAL_AVERAGING
    FTRL_PROXIMAL


cdef inline RuleKind rule_of(Settings settings) noexcept nogil:
    if settings.update == RDA:
        return DUAL_AVERAGING
    elif settings.update == FTRL:
        return FTRL_PROXIMAL
    elif settings.l2 > 0:
        return COMID_ELASTIC
    elif settings.l1 > 0:
        return COMID_L1
    elif settings.decay < 1:
        return COMID_DECAY
    else:
        return COMID_PLAIN


cdef inline Comid comid(Settings settings) noexcept nogil:
    cdef Comid rule
    rule.rate, rule.epsilon = settings.rate, settings.epsilon
    return rule


cdef inline ComidDecay comid_decay(Settings settings) noexcept nogil:
    cdef ComidDecay rule
    rule.rate, rule.epsilon = settings.rate, settings.epsilon
    rule.decay, rule.log_decay = settings.decay, log(settings.decay)
    rule.floor = settings.smallest_accumulator
    rule.intercept_floor = settings.smallest_intercept_accumulator
    return rule


cdef inline ComidL1 comid_l1(Settings settings) noexcept nogil:
    cdef ComidL1 rule
    rule.rate, rule.epsilon, rule.l1 = settings.rate, settings.epsilon, settings.l1
    return rule


cdef inline ComidElastic comid_elastic(Settings settings) noexcept nogil:
    cdef ComidElastic rule
    rule.rate, rule.epsilon = settings.rate, settings.epsilon
    rule.l1, rule.l2 = settings.l1, settings.l2
    rule.largest_kappa = settings.rate * settings.l2 / (
        settings.epsilon + sqrt(settings.smallest_accumulator))
    return rule


cdef inline Rda rda(Settings settings) noexcept nogil:
    cdef Rda rule
    rule.rate, rule.epsilon = settings.rate, settings.epsilon
    rule.l1, rule.l2 = settings.l1, settings.l2
    rule.gain = settings.gain
    return rule


cdef inline Ftrl ftrl(Settings settings) noexcept nogil:
    cdef Ftrl rule
    rule.rate, rule.beta = settings.rate, settings.beta
    rule.l1, rule.l2 = settings.l1, settings.l2
    rule.gain = settings.gain
    return rule
