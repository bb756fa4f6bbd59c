"""The losses: one example at a time.

Each loss is a function of the margin z and the target y of one example, given
as its value and its slope d value / d z. Targets of classifiers are -1 or +1.
To add a loss, write its function here, give it a number in `LossKind`, and
name it in fastada/settings.py.
"""

from libc.math cimport fabs, log

from exponential cimport exp_not_positive


cdef enum LossKind:
    LOG_LOSS = 0
    HINGE = 1
    SQUARED_HINGE = 2
    MODIFIED_HUBER = 3
    SQUARED_ERROR = 4
    HUBER = 5


cdef struct Loss:
    int kind      # a LossKind
    double delta  # where Huber's loss turns from a parabola into a line


cdef struct LossPoint:
    double value
    double slope


# log(1 + e), 0 <= e <= 1, to the last digits: e less what 1 + e has kept of it has gone, and comes
# back by the first term of the series around u. The C library's log1p takes three times as long.
cdef inline double log_of_one_plus(double e) noexcept nogil:
    cdef double u = 1 + e
    return log(u) + (e - (u - 1)) / u


# A sum of log(1 + e), 0 <= e <= 1, by the logarithm of a product.
cdef struct LogSum:
    double sum
    double product


cdef inline LogSum no_logs() noexcept nogil:
    cdef LogSum logs
    logs.sum, logs.product = 0, 1
    return logs


cdef inline void add_log_of_one_plus(LogSum *logs, double e) noexcept nogil:
    cdef double u = 1 + e
    logs.sum += e - (u - 1)
    logs.product *= u
    if logs.product > 1e300:
        logs.sum += log(logs.product)
        logs.product = 1


cdef inline double sum_of_logs(LogSum logs) noexcept nogil:
    return logs.sum + log(logs.product)


# log(1 + exp(-yz)) = max(-yz, 0) + log(1 + e), e = exp(-|yz|), which never overflows; the value is
# without log(1 + e). Both cases are selected from, not branched to: which one it is, is known late
# and hard to predict.
cdef inline LossPoint log_loss_less_log(double z, double y, double *e) noexcept nogil:
    cdef LossPoint point
    cdef double s = y * z
    e[0] = exp_not_positive(-fabs(s))
    point.value = 0 if s >= 0 else -s
    point.slope = -y * (e[0] if s >= 0 else 1) / (1 + e[0])
    return point


cdef inline LossPoint log_loss(double z, double y) noexcept nogil:
    cdef double e
    cdef LossPoint point = log_loss_less_log(z, y, &e)
    point.value += log_of_one_plus(e)
    return point


# max(0, 1 - yz). The comparisons let a NaN through, so that training stops at it.
cdef inline LossPoint hinge(double z, double y) noexcept nogil:
    cdef LossPoint point
    cdef double gap = 1 - y * z
    point.value = 0 if gap <= 0 else gap
    point.slope = 0 if gap <= 0 else -y
    return point


# max(0, 1 - yz)^2
cdef inline LossPoint squared_hinge(double z, double y) noexcept nogil:
    cdef LossPoint point
    cdef double gap = 1 - y * z
    point.value = 0 if gap <= 0 else gap * gap
    point.slope = 0 if gap <= 0 else -2 * y * gap
    return point


# Zhang (2004): the squared hinge, continued as the line -4yz below yz = -1.
cdef inline LossPoint modified_huber(double z, double y) noexcept nogil:
    cdef LossPoint point
    if y * z < -1:
        point.value = -4 * y * z
        point.slope = -4 * y
        return point
    return squared_hinge(z, y)


# (z - y)^2 / 2
cdef inline LossPoint squared_error(double z, double y) noexcept nogil:
    cdef LossPoint point
    cdef double residual = z - y
    point.value = residual * residual / 2
    point.slope = residual
    return point


# Huber (1964): (z - y)^2 / 2 up to |z - y| = delta, then delta (|z - y| - delta / 2).
cdef inline LossPoint huber(double z, double y, double delta) noexcept nogil:
    cdef LossPoint point
    cdef double residual = z - y
    if fabs(residual) <= delta:
        return squared_error(z, y)
    point.value = delta * (fabs(residual) - delta / 2)
    point.slope = delta if residual > 0 else -delta
    return point


cdef inline LossPoint loss_at(Loss loss, double z, double y) noexcept nogil:
    if loss.kind == LOG_LOSS:
        return log_loss(z, y)
    if loss.kind == HINGE:
        return hinge(z, y)
    if loss.kind == SQUARED_HINGE:
        return squared_hinge(z, y)
    if loss.kind == MODIFIED_HUBER:
        return modified_huber(z, y)
    if loss.kind == SQUARED_ERROR:
        return squared_error(z, y)
    return huber(z, y, loss.delta)
