"""The update rules: one coordinate at a time.

Notation (docs: the textbook forms sweep every coordinate at every step; these
give the same weights and touch a coordinate only where its feature occurs):

    g           gradient of this step              rate      eta
    G           G_0 + sum of g^2                   epsilon   delta
    H           epsilon + sqrt(G)                  l1, l2    lambda_1, lambda_2

A record holds {value, G} per coordinate, and for COMID with a penalty or decay the
step at which it was last touched. What `value` is depends on the rule:

    Comid, ComidDecay               the weight w
    ComidL1, ComidElastic           the weight w as of the last touch
    Rda                             the sum of gradients
    Ftrl                            McMahan et al.'s z

Two functions are all that a rule is:

    current_weight   the weight that the dense algorithm would hold now
    take_step        the record after a step with gradient g from that weight
"""

from libc.math cimport sqrt, sqrtf
from libc.stdint cimport int64_t

from coasting cimport Coasting, coast, way_left
from decay cimport (
    LARGEST_NEAR_ZERO,
    exp_minus_one,
    expm1_near_zero,
    exponential,
    log1p_near_zero,
    log1plus,
)
from dtypes cimport weight_t
from powers cimport Powers, power, power_minus_one


# COMID, composite mirror descent (Duchi, Hazan, Singer 2011), without penalty: plain AdaGrad.
cdef struct Comid:
    double rate
    double epsilon


# The same with an accumulator that forgets: over a step  G <- G_0 + decay (G - G_0) + g^2,  so that
# over k steps without gradient  G <- G_0 + decay^k (G - G_0).
cdef struct ComidDecay:
    double rate
    double epsilon
    double decay
    double log_decay
    double floor            # G_0
    double intercept_floor  # and that of the intercepts


cdef struct ComidL1:
    double rate
    double epsilon
    double l1


cdef struct ComidElastic:
    double rate
    double epsilon
    double l1
    double l2
    double largest_kappa  # no rate l2 / H is larger


# Dual averaging (Duchi, Hazan, Singer 2011, eq. 3 with diagonal H).
cdef struct Rda:
    double rate
    double epsilon
    double l1
    double l2
    double gain  # 1, but for replicas: see src/combine.pxd


# FTRL-Proximal (McMahan et al. 2013, Algorithm 1; rate is its alpha).
cdef struct Ftrl:
    double rate
    double beta
    double l1
    double l2
    double gain


ctypedef fused rule_t:
    Comid
    ComidDecay
    ComidL1
    ComidElastic
    Rda
    Ftrl


cdef inline weight_t square_root(weight_t x) noexcept nogil:
    if weight_t is float:
        return sqrtf(x)
    else:
        return sqrt(x)


# sign(x) max(|x| - threshold, 0): x less what of it lies between -threshold and threshold.
cdef inline weight_t soft_threshold(weight_t x, weight_t threshold) noexcept nogil:
    cdef weight_t inside = x if x > -threshold else -threshold
    inside = inside if inside < threshold else threshold
    return x - inside


# rate / H
cdef inline weight_t step_size(
    double rate, double epsilon, weight_t accumulator
) noexcept nogil:
    return <weight_t>rate / (<weight_t>epsilon + square_root(accumulator))


# Whether `value` is the weight at all times.
cdef inline bint holds_weights(rule_t rule) noexcept nogil:
    return rule_t is Comid or rule_t is ComidDecay


# decay^steps
cdef inline weight_t kept_after(ComidDecay rule, weight_t steps) noexcept nogil:
    return exponential(<weight_t>rule.log_decay * steps)


cdef inline weight_t decayed(
    ComidDecay rule, weight_t accumulator, weight_t kept
) noexcept nogil:
    return <weight_t>rule.floor + kept * (accumulator - <weight_t>rule.floor)


# COMID over k missed steps, each w <- soft(w, kappa_1) / (1 + kappa_2) with
# kappa_i = rate l_i / H. Zero absorbs and the path is monotone, so with a = (1 + kappa_2)^-k
#     |w| <- max(0, |w| a - (l1 / l2)(1 - a)).
# `pull` is what stays the same while a feature is absent: kappa_1, or log(1 + kappa_2).
cdef inline weight_t pull_of(rule_t rule, weight_t step) noexcept nogil:
    if rule_t is ComidL1:
        return step * <weight_t>rule.l1
    elif rule_t is ComidElastic:
        return log1plus(step * <weight_t>rule.l2)
    else:
        return 0


cdef inline weight_t shrunk(
    ComidElastic rule, weight_t value, weight_t a, weight_t a_minus_one
) noexcept nogil:
    return soft_threshold(value * a, -<weight_t>(rule.l1 / rule.l2) * a_minus_one)


# The same for a near one, whose rounding the weight is spared.
cdef inline weight_t shrunk_near_zero(
    ComidElastic rule, weight_t value, weight_t a_minus_one
) noexcept nogil:
    return soft_threshold(
        value + value * a_minus_one, -<weight_t>(rule.l1 / rule.l2) * a_minus_one)


cdef inline weight_t pulled(
    rule_t rule, weight_t value, weight_t pull, weight_t steps
) noexcept nogil:
    if rule_t is ComidL1:
        return soft_threshold(value, steps * pull)
    elif rule_t is ComidElastic:
        return shrunk(rule, value, exponential(-steps * pull), exp_minus_one(-steps * pull))
    else:
        return value


# Whether kappa_2, and its sum over so many steps, are near zero for any weight.
cdef inline bint is_near_zero(ComidElastic rule, double steps) noexcept nogil:
    return rule.largest_kappa <= LARGEST_NEAR_ZERO and steps * rule.largest_kappa <= 1


# The same in float32 where that is so.
cdef inline float pulled_near_zero(
    ComidElastic rule, float value, float accumulator, float steps
) noexcept nogil:
    cdef float kappa = <float>rule.l2 * step_size(rule.rate, rule.epsilon, accumulator)
    return shrunk_near_zero(rule, value, expm1_near_zero(-steps * log1p_near_zero(kappa)))


# `steps` is how many steps the record has missed for the COMID rules, all the
# steps so far for Rda, and not looked at by Comid, ComidDecay and Ftrl.
cdef inline weight_t current_weight(
    rule_t rule, weight_t value, weight_t accumulator, weight_t steps
) noexcept nogil:
    if rule_t is Rda:
        # w = -sign(sum g) rate max(|sum g| - t l1, 0) / (H + rate t l2)
        return -<weight_t>rule.rate * soft_threshold(value, steps * <weight_t>rule.l1) / (
            <weight_t>rule.epsilon + square_root(accumulator)
            + steps * <weight_t>(rule.rate * rule.l2))
    elif rule_t is Ftrl:
        # w = -sign(z) max(|z| - l1, 0) / ((beta + sqrt(n)) / rate + l2), times rate above and below
        return -<weight_t>rule.rate * soft_threshold(value, <weight_t>rule.l1) / (
            <weight_t>(rule.beta + rule.rate * rule.l2) + square_root(accumulator))
    else:
        return pulled(
            rule, value, pull_of(rule, step_size(rule.rate, rule.epsilon, accumulator)), steps)


# ComidDecay takes an accumulator that has decayed already.
cdef inline void take_step(
    rule_t rule, weight_t *value, weight_t *accumulator, weight_t weight, weight_t g
) noexcept nogil:
    cdef weight_t G = accumulator[0] + g * g
    cdef weight_t step, sigma
    if rule_t is Rda:
        value[0] += <weight_t>rule.gain * g
    elif rule_t is Ftrl:
        # (sqrt(G + g^2) - sqrt(G)) / rate
        sigma = <weight_t>(1 / rule.rate) * (square_root(G) - square_root(accumulator[0]))
        value[0] += <weight_t>rule.gain * g - sigma * weight
    else:
        # u = w - rate g / H, then the proximal step soft(u, rate l1 / H) / (1 + rate l2 / H)
        step = step_size(rule.rate, rule.epsilon, G)
        if rule_t is Comid or rule_t is ComidDecay:
            value[0] = weight - step * g
        elif rule_t is ComidL1:
            value[0] = soft_threshold(weight - step * g, step * <weight_t>rule.l1)
        else:
            value[0] = soft_threshold(weight - step * g, step * <weight_t>rule.l1) / (
                <weight_t>1 + step * <weight_t>rule.l2)
    accumulator[0] = G


# Stochastic gradient descent: w <- w - rate g.
cdef struct Sgd:
    double rate


# v <- mu v - rate g; w <- w + v, or with Nesterov's gradient (Sutskever et al. 2013)
# w <- w + mu v - rate g.
cdef struct Momentum:
    double rate
    double momentum
    bint nesterov
    const Powers *powers  # minus one


# s <- rho s + (1 - rho) g^2; w <- w - rate g / (sqrt(s) + epsilon)   (Tieleman, Hinton 2012).
cdef struct RmsProp:
    double rate
    double epsilon
    double rho
    const Powers *powers


# s <- rho s + (1 - rho) g^2; d = g sqrt(u + epsilon) / sqrt(s + epsilon);
# u <- rho u + (1 - rho) d^2; w <- w - rate d   (Zeiler 2012).
cdef struct AdaDelta:
    double rate
    double epsilon
    double rho
    const Powers *powers


# m <- b1 m + (1 - b1) g; s <- b2 s + (1 - b2) g^2;
# w <- w - rate m / (1 - b1^t) / (sqrt(s / (1 - b2^t)) + epsilon)   (Kingma, Ba 2015),
# t being the step of all weights. What it needs to coast is in coasting.pxd.
cdef struct Adam:
    double rate
    double beta_1
    double beta_2
    double step_size      # rate / (1 - b1^t)
    double root_scale     # 1 / sqrt(1 - b2^t)
    double epsilon
    const Coasting *coasting


# The optimizers of fastada.optim. The weight lies in the caller's array, and a record of `n_slots`
# numbers beside it; again two functions are all that a rule is:
#
#     catch_up   the weight and its record after `missed` steps whose gradient was zero
#     descend    the weight and its record after a step with gradient g
#
# is_lazy: a step with zero gradient changes something, so that missed steps must be counted.
ctypedef fused optimizer_t:
    Comid
    ComidL1
    ComidElastic
    Sgd
    Momentum
    RmsProp
    AdaDelta
    Adam


cdef inline bint is_lazy(optimizer_t rule) noexcept nogil:
    return not (optimizer_t is Comid or optimizer_t is Sgd)


# Over no missed steps catch_up changes nothing, at less cost than a branch that is hard to predict.
cdef inline bint may_miss_none(optimizer_t rule) noexcept nogil:
    return optimizer_t is Momentum or optimizer_t is RmsProp or optimizer_t is AdaDelta


cdef inline int64_t n_slots(optimizer_t rule) noexcept nogil:
    if optimizer_t is Sgd:
        return 0
    elif optimizer_t is AdaDelta:
        return 2
    elif optimizer_t is Adam:
        return 3
    else:
        return 1


# Without a gradient RMSProp and AdaDelta stand still while their averages decay, and momentum goes
# on by v (mu + ... + mu^k) = v mu (1 - mu^k) / (1 - mu), Nesterov's by mu times that.
cdef inline void catch_up(
    optimizer_t rule, weight_t *weight, weight_t *slots, int64_t missed
) noexcept nogil:
    cdef weight_t change
    if optimizer_t is Sgd:
        pass
    elif optimizer_t is Momentum:
        change = <weight_t>power_minus_one(rule.powers, missed) * slots[0]
        weight[0] -= <weight_t>(rule.momentum / (1 - rule.momentum)) * change * (
            <weight_t>rule.momentum if rule.nesterov else 1)
        slots[0] += change
    elif optimizer_t is RmsProp:
        slots[0] *= <weight_t>power(rule.powers, missed)
    elif optimizer_t is AdaDelta:
        change = <weight_t>power(rule.powers, missed)
        slots[0] *= change
        slots[1] *= change
    elif optimizer_t is Adam:
        weight[0] -= <weight_t>rule.rate * coast(
            rule.coasting, &slots[0], &slots[1], &slots[2], missed)
    else:
        weight[0] = current_weight(rule, weight[0], slots[0], <weight_t>missed)


cdef inline void descend(
    optimizer_t rule, weight_t *weight, weight_t *slots, weight_t g
) noexcept nogil:
    cdef weight_t step, root
    if optimizer_t is Sgd:
        weight[0] -= <weight_t>rule.rate * g
    elif optimizer_t is Momentum:
        step = <weight_t>rule.rate * g
        slots[0] = <weight_t>rule.momentum * slots[0] - step
        weight[0] += <weight_t>rule.momentum * slots[0] - step if rule.nesterov else slots[0]
    elif optimizer_t is RmsProp:
        slots[0] = <weight_t>rule.rho * slots[0] + <weight_t>(1 - rule.rho) * g * g
        weight[0] -= <weight_t>rule.rate * g / (square_root(slots[0]) + <weight_t>rule.epsilon)
    elif optimizer_t is AdaDelta:
        slots[0] = <weight_t>rule.rho * slots[0] + <weight_t>(1 - rule.rho) * g * g
        step = g * square_root(
            (slots[1] + <weight_t>rule.epsilon) / (slots[0] + <weight_t>rule.epsilon))
        slots[1] = <weight_t>rule.rho * slots[1] + <weight_t>(1 - rule.rho) * step * step
        weight[0] -= <weight_t>rule.rate * step
    elif optimizer_t is Adam:
        slots[0] = <weight_t>rule.beta_1 * slots[0] + <weight_t>(1 - rule.beta_1) * g
        slots[1] = <weight_t>rule.beta_2 * slots[1] + <weight_t>(1 - rule.beta_2) * g * g
        root = square_root(slots[1])
        weight[0] -= <weight_t>rule.step_size * slots[0] / (
            <weight_t>rule.root_scale * root + <weight_t>rule.epsilon)
        slots[2] = way_left(&rule.coasting.after, slots[0], root)
    else:
        take_step(rule, weight, slots, weight[0], g)
