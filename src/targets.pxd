"""The targets of several outputs and the slopes of a row's loss at each.

One-vs-rest and multilabel sum K losses, with targets -1 or +1. Multinomial is

    loss = log sum_k exp(z_k) - z_y,    d loss / d z_k = exp(z_k) / sum_j exp(z_j) - [k = y].
"""

from libc.math cimport log
from libc.stdint cimport int64_t, uint8_t

from exponential cimport exp_not_positive
from losses cimport (
    LOG_LOSS,
    LogSum,
    Loss,
    LossPoint,
    add_log_of_one_plus,
    log_loss,
    log_loss_less_log,
    loss_at,
    no_logs,
    sum_of_logs,
)


cdef struct Targets:
    int64_t n_outputs
    bint multinomial
    const double *value        # with one output: -1 or +1, or a number to regress on, or
    const int64_t *label       # the class of each row, or
    const uint8_t *indicator   # row-major, n_outputs a row: 1 where the row has the label


# Of the three arrays one is there, the others are None.
cdef inline Targets targets_of(
    int64_t n_outputs, bint multinomial,
    const double[::1] value, const int64_t[::1] label, const uint8_t[:, ::1] indicator,
) noexcept:
    cdef Targets targets
    targets.n_outputs, targets.multinomial = n_outputs, multinomial
    targets.value, targets.label, targets.indicator = NULL, NULL, NULL
    if value is not None:
        targets.value = &value[0]
    elif label is not None:
        targets.label = &label[0]
    else:
        targets.indicator = &indicator[0, 0]
    return targets


cdef inline double target_sign(Targets targets, int64_t row, int64_t k) noexcept nogil:
    if targets.indicator != NULL:
        return 1 if targets.indicator[row * targets.n_outputs + k] else -1
    return 1 if targets.label[row] == k else -1


# From the margins to the slopes, in place, each times the sample weight s. Returns the loss in
# `value` and the largest |slope| in `slope`.
cdef inline LossPoint slopes_of(
    Targets targets, Loss loss, int64_t row, double s, double *margin
) noexcept nogil:
    cdef int64_t k
    cdef double largest, e, total = 0
    cdef LossPoint point, sum
    cdef LogSum logs = no_logs()
    sum.value, sum.slope = 0, 0
    if targets.value != NULL:
        point = loss_at(loss, margin[0], targets.value[row])
        margin[0] = point.slope = s * point.slope
        return point
    if targets.multinomial:
        largest = margin[0]
        for k in range(1, targets.n_outputs):
            # Not max(): a NaN must come through.
            largest = largest if largest > margin[k] else margin[k]
        sum.value = largest - margin[targets.label[row]]
        for k in range(targets.n_outputs):
            margin[k] = exp_not_positive(margin[k] - largest)
            total += margin[k]
        sum.value += log(total)
        for k in range(targets.n_outputs):
            margin[k] = s * (margin[k] / total - (k == targets.label[row]))
        sum.slope = s
        return sum
    for k in range(targets.n_outputs):
        if loss.kind == LOG_LOSS:
            point = log_loss_less_log(margin[k], target_sign(targets, row, k), &e)
            add_log_of_one_plus(&logs, e)
        else:
            point = loss_at(loss, margin[k], target_sign(targets, row, k))
        margin[k] = s * point.slope
        sum.value += point.value
        sum.slope = max(sum.slope, abs(margin[k]))
    sum.value += sum_of_logs(logs)
    return sum


# What a user sees of the log loss: one-vs-rest probabilities p_k are divided by their sum, and the
# loss is  -log(p_y / sum_k p_k).  Any other is given as it is. `slope` holds s (p_k - [k = y]).
cdef inline double normalised_loss(
    Targets targets, Loss loss, int64_t row, double s, const double *slope, double label_margin,
    double loss_value,
) noexcept nogil:
    cdef int64_t k
    cdef double total = 0, of_label
    if targets.label == NULL or targets.multinomial or loss.kind != LOG_LOSS:
        return loss_value
    for k in range(targets.n_outputs):
        if k != targets.label[row]:
            total += slope[k]
    of_label = log_loss(label_margin, 1).value
    total = total / s + exp_not_positive(-of_label)
    # Where every class is out of the question, all are equally so.
    return of_label + log(total) if total > 0 else log(<double>targets.n_outputs)
