"""How the movements of several replicas of a state become one.

In a round K workers start from the same record (w0, G0), and each learns rows of its own on a
replica. A sum of what they change would step too far where several learn the same feature, an
average not far enough where one does. Two things put that right.

While it learns, worker k takes each of its steps for p_k steps, p_k = (steps of all) / (its own):
as if every other worker met a row like this one at the same time,

    G += p_k g^2        w -= rate p_k g / H        H = epsilon + sqrt(G)

(by src/training.pxd: gradients times sqrt(p_k), and so the rate). It thus sees how far all of
them come together, and does not overshoot. And its clock counts p_k steps, so that a penalty
shrinks its weights as the steps of all do. Ma et al. (2015), "Adding vs. averaging in distributed
primal-dual optimization", scale the local problems of CoCoA+ for the same reason.

At the end it tells of each coordinate its own share of that, its movement, by two sums:

    squares = (G_k - G0) / p_k      change = (w_k - w0) H_k / p_k.

Movements of several workers are one movement: their sum, in any grouping. It is applied at the
step length that AdaGrad has, having seen the gradients of all:

    G = G0 + sum_k squares          w = w0 + sum_k change / H.

Where all K have learned the same, H_k = H, and w is the mean of the w_k. Where one alone has met a
rare feature, G is near G0, and w moves by what its own p_k-fold step was before the p_k. One
worker alone gives what it has, exactly.

With a penalty, what a worker leaves of w0 without any gradient, all others leave as well, and it
counts once. With S(w0, H) for w0 after the T proximal steps of the round at H,

    change = (w_k - S(w0, (H0 + H_k) / 2)) H_k / p_k
    w = S(w0, (H0 + H) / 2) + sum_k change / H.

(H0 + H_k) / 2 stands for the H that grew from H0 to H_k while G grew by even steps: the mean of
1 / H over them is 2 / (H0 + H_k). A feature that nobody has had shrinks by T steps, exactly. A
weight of which nothing would be left (S = 0) owes all it has to the workers who moved it, and of
its shrinkage they have told the part that is theirs of the round, `share` = sum_k 1 / p_k over
those who left it alive; as for the rest, it shrinks by half of the round's other steps, those that
come after a row in its middle. What nobody left alive is zero.

Rda's sums of gradients add up. Ftrl's z is a sum of gradients too, less sigma w, which telescopes
to w0 (sqrt(G_k) - sqrt(G0)) / rate where w stays near w0, and counts once as well:

    change = (z_k - z0 + w0 (sqrt(G_k) - sqrt(G0)) / rate) / p_k
    z = z0 + sum_k change - w0 (sqrt(G) - sqrt(G0)) / rate.
"""

from libc.stdint cimport int64_t

from dtypes cimport weight_t
from records cimport is_stamped, steps_of
from updates cimport (
    Comid,
    Ftrl,
    Rda,
    current_weight,
    pull_of,
    pulled,
    rule_t,
    square_root,
)


# When a round began and how many steps all workers together take in it.
cdef struct Round:
    double start
    double n_steps


cdef inline weight_t scale_of(rule_t rule, weight_t accumulator) noexcept nogil:
    if rule_t is Rda or rule_t is Ftrl:
        return 1
    else:
        return <weight_t>rule.epsilon + square_root(accumulator)


# What the workers' changes add to: the coordinate after the round as it would be had they moved
# nothing but the accumulator, from G0 to G. `missed` is how many steps a stamped record had missed
# when the round began, for Rda all steps.
cdef inline weight_t unmoved(
    rule_t rule, weight_t value, weight_t G0, weight_t G, weight_t missed, weight_t n_steps
) noexcept nogil:
    cdef weight_t H
    if rule_t is Comid or rule_t is Rda:
        return value
    elif rule_t is Ftrl:
        return value - current_weight(rule, value, G0, missed) * (
            square_root(G) - square_root(G0)) / <weight_t>rule.rate
    else:
        H = <weight_t>0.5 * (scale_of(rule, G0) + scale_of(rule, G))
        return pulled(
            rule, current_weight(rule, value, G0, missed),
            pull_of(rule, <weight_t>rule.rate / H), n_steps)


# Add what the record `own` of a worker, whose steps stand for `pace` each, has to tell.
cdef inline void add_movement(
    rule_t rule, Round round, double pace, const weight_t *base, const weight_t *own,
    int64_t n_outputs, weight_t *change, weight_t *squares, weight_t *share,
) noexcept nogil:
    cdef weight_t missed = steps_of(rule, base, n_outputs, <weight_t>round.start)
    cdef weight_t of_round = <weight_t>(1 / pace)
    cdef weight_t value, G0, G
    cdef int64_t k
    for k in range(n_outputs):
        G0, G = base[n_outputs + k], own[n_outputs + k]
        value = own[k]
        if is_stamped(rule):
            value = current_weight(
                rule, value, G,
                steps_of(rule, own, n_outputs, <weight_t>(round.start + round.n_steps)))
            if value != 0:
                share[k] += of_round
        change[k] += of_round * scale_of(rule, G) * (
            value - unmoved(rule, base[k], G0, G, missed, <weight_t>round.n_steps))
        squares[k] += of_round * (G - G0)


# Move a record by what the workers told of it.
cdef inline void move_record(
    rule_t rule, Round round, weight_t *base, int64_t n_outputs,
    const weight_t *change, const weight_t *squares, const weight_t *share,
) noexcept nogil:
    cdef weight_t missed = steps_of(rule, base, n_outputs, <weight_t>round.start)
    cdef weight_t n_steps = <weight_t>round.n_steps
    cdef weight_t G0, G, left
    cdef int64_t k
    for k in range(n_outputs):
        G0 = base[n_outputs + k]
        G = G0 + squares[k]
        left = unmoved(rule, base[k], G0, G, missed, n_steps)
        base[k] = left + change[k] / scale_of(rule, G)
        if is_stamped(rule) and share[k] == 0:
            base[k] = 0
        elif is_stamped(rule) and left == 0:
            base[k] = pulled(
                rule, base[k], pull_of(rule, <weight_t>rule.rate / scale_of(rule, G)),
                <weight_t>0.5 * n_steps * max(1 - share[k], <weight_t>0))
        base[n_outputs + k] = G
    if is_stamped(rule):
        base[2 * n_outputs] = <weight_t>(round.start + round.n_steps)
        if n_outputs == 1:
            base[3] = pull_of(rule, <weight_t>rule.rate / scale_of(rule, base[1]))
