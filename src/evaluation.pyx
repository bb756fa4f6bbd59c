"""The losses and their slopes at given margins.

The kernel trusts its arguments, as src/single.pyx says.
"""

from libc.stdint cimport int64_t, uint8_t

from losses cimport Loss, LossPoint, loss_at
from targets cimport Targets, slopes_of
from training cimport Settings


def losses_at(
    double[:, ::1] margin, settings, bint multinomial, const double[::1] value,
    const int64_t[::1] label, const uint8_t[:, ::1] indicator, double[::1] out,
):
    """Write each row's loss, summed over outputs, into out; margin is overwritten by the slopes.

    The targets are `value` with one output, else `label` or `indicator`; the others are None.
    """
    cdef Settings s = settings
    cdef Loss loss
    cdef LossPoint point
    cdef Targets targets
    cdef int64_t row
    loss.kind, loss.delta = s.loss, s.delta
    targets.n_outputs, targets.multinomial = margin.shape[1], multinomial
    targets.label, targets.indicator = NULL, NULL
    if margin.shape[0] == 0:
        return
    if label is not None:
        targets.label = &label[0]
    elif indicator is not None:
        targets.indicator = &indicator[0, 0]
    with nogil:
        for row in range(margin.shape[0]):
            if targets.label == NULL and targets.indicator == NULL:
                point = loss_at(loss, margin[row, 0], value[row])
                margin[row, 0] = point.slope
            else:
                point = slopes_of(targets, loss, row, 1, &margin[row, 0])
            out[row] = point.value
