"""The losses and their slopes at given margins, and the first losses of rows visited.

The kernel trusts its arguments, as src/single.pyx says.
"""

from libc.math cimport isnan
from libc.stdint cimport int64_t, uint8_t

from losses cimport Loss, LossPoint
from targets cimport Targets, normalised_loss, slopes_of, targets_of


def losses_at(
    double[:, ::1] margin, int kind, double delta, bint multinomial, const double[::1] value,
    const int64_t[::1] label, const uint8_t[:, ::1] indicator, double[::1] out,
    double[::1] normalised=None,
):
    """Write each row's loss, summed over outputs, into out; margin is overwritten by the slopes.

    `normalised`, unless None, gets the losses of normalised probabilities where there are such.
    `kind` is a LossKind, `delta` that of Huber's loss. The targets are `value` with one output,
    else `label` or `indicator`; the others are None.
    """
    cdef Loss loss
    cdef LossPoint point
    cdef Targets targets
    cdef int64_t row
    cdef double label_margin = 0
    cdef double *of_probabilities = NULL
    loss.kind, loss.delta = kind, delta
    if margin.shape[0] == 0:
        return
    if normalised is not None:
        of_probabilities = &normalised[0]
    targets = targets_of(margin.shape[1], multinomial, value, label, indicator)
    with nogil:
        for row in range(margin.shape[0]):
            if targets.label != NULL:
                label_margin = margin[row, targets.label[row]]
            point = slopes_of(targets, loss, row, 1, &margin[row, 0])
            out[row] = point.value
            if of_probabilities != NULL:
                of_probabilities[row] = normalised_loss(
                    targets, loss, row, 1, &margin[row, 0], label_margin, point.value)


def note_first(const int64_t[::1] order, const double[::1] loss, double[::1] first):
    """Write the losses of visits to the rows in `order` into first[row] where that is NaN."""
    cdef int64_t i
    with nogil:
        for i in range(order.shape[0]):
            if isnan(first[order[i]]):
                first[order[i]] = loss[i]
