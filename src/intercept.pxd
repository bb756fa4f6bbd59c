"""The intercept: the rule in force without its penalty, in float64, with its own accumulator."""

from updates cimport Comid, ComidDecay, Ftrl, Rda, current_weight, rule_t, take_step


cdef struct Intercept:
    double value
    double accumulator


cdef inline double intercept_weight(rule_t rule, Intercept intercept, double rate) noexcept nogil:
    if rule_t is Rda or rule_t is Ftrl:
        rule.rate, rule.l1, rule.l2 = rate, 0, 0
        return current_weight(rule, intercept.value, intercept.accumulator, <double>0)
    else:
        return intercept.value


cdef inline void intercept_step(
    rule_t rule, Intercept *intercept, double rate, double slope
) noexcept nogil:
    cdef double weight = intercept_weight(rule, intercept[0], rate)
    cdef Comid plain
    if rule_t is Rda or rule_t is Ftrl:
        rule.rate, rule.l1, rule.l2 = rate, 0, 0
        take_step(rule, &intercept.value, &intercept.accumulator, weight, slope)
    else:
        if rule_t is ComidDecay:
            intercept.accumulator = rule.intercept_floor + rule.decay * (
                intercept.accumulator - rule.intercept_floor)
        plain.rate, plain.epsilon = rate, rule.epsilon
        take_step(plain, &intercept.value, &intercept.accumulator, weight, slope)
