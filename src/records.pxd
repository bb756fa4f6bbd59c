"""The state: one record of neighbouring numbers per feature, so that a visit costs one cache line.

With K outputs a record is [K values][K accumulators], and for COMID with a penalty
or decay [step last seen][pull] behind them, all of the weights' type; the pull is kept
for one output, and there to fill 16 bytes for more. Steps are
whole numbers, which a record holds exactly up to 2^24 (float32) or 2^53
(float64); the caller starts the count again from zero before that.
"""

from libc.stdint cimport int64_t

from dtypes cimport weight_t
from updates cimport ComidDecay, ComidElastic, ComidL1, rule_t


cdef inline bint is_stamped(rule_t rule) noexcept nogil:
    return rule_t is ComidDecay or rule_t is ComidL1 or rule_t is ComidElastic


# How many numbers a record of K outputs holds.
cdef inline int64_t record_width(rule_t rule, int64_t n_outputs) noexcept nogil:
    return 2 * n_outputs + 2 * is_stamped(rule)


# What current_weight takes for `steps`: those that a stamped record has missed, else all so far.
cdef inline weight_t steps_of(
    rule_t rule, const weight_t *record, int64_t n_outputs, weight_t now
) noexcept nogil:
    return now - record[2 * n_outputs] if is_stamped(rule) else now
