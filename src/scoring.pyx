"""Reading the state: the weights that it stands for, and the margins of rows under weights.

The kernels trust their arguments, as src/single.pyx says.
"""

from libc.math cimport fabs
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from decay cimport expm1_near_zero
from dtypes cimport index_t, weight_t
from intercept cimport Intercept, intercept_weight
from margins cimport row_margins
from prefetch cimport Ahead, ask_for_entries, ask_for_first_rows, look_ahead, prefetch_lines
from records cimport record_width, steps_of
from training cimport (
    COMID,
    COMID_DECAY,
    COMID_ELASTIC,
    COMID_L1,
    COMID_PLAIN,
    DUAL_AVERAGING,
    RDA,
    Settings,
    comid,
    comid_decay,
    comid_elastic,
    comid_l1,
    ftrl,
    rda,
    rule_of,
)
from updates cimport (
    ComidElastic,
    current_weight,
    is_near_zero,
    pull_of,
    pulled_near_zero,
    rule_t,
    shrunk_near_zero,
    step_size,
)


cdef enum:
    COLUMNS_AHEAD = 8


cdef struct Norms:
    double l1
    double l2_squared
    int64_t n_nonzero


# The weights that a record stands for. A value of zero is a weight of zero under every rule, and
# most features of a hashed text have never been seen.
cdef inline void read_record(
    rule_t rule, const weight_t *record, double now, int64_t n_outputs, weight_t *weight
) noexcept nogil:
    cdef weight_t steps = steps_of(rule, record, n_outputs, <weight_t>now)
    cdef int32_t n_nonzero = 0
    cdef int64_t k
    for k in range(n_outputs):
        n_nonzero += record[k] != 0
    if n_nonzero == 0:
        memset(weight, 0, n_outputs * sizeof(weight_t))
        return
    # Adding zero makes a zero of either sign a plain one.
    if rule_t is ComidElastic and weight_t is float:
        if is_near_zero(rule, steps):
            if n_outputs == 1:
                weight[0] = <float>0 + shrunk_near_zero(
                    rule, record[0], expm1_near_zero(-steps * record[3]))
                return
            for k in range(n_outputs):
                weight[k] = <float>0 + pulled_near_zero(
                    rule, record[k], record[n_outputs + k], steps)
            return
    for k in range(n_outputs):
        weight[k] = current_weight(rule, record[k], record[n_outputs + k], steps) + <weight_t>0


# The weights of all features, or of those in `columns`, brought up to date; the records stay as
# they are, so that looking at a model in the middle of its training does not change a bit of what
# follows.
cdef void read_weights(
    rule_t rule, const weight_t *state, double now, const int64_t *columns, int64_t n_features,
    int64_t n_outputs, weight_t *weight,
) noexcept nogil:
    cdef int64_t i, ahead, j, width = record_width(rule, n_outputs)
    for i in range(n_features):
        j = i
        if columns != NULL:
            j = columns[i]
            ahead = columns[min(i + COLUMNS_AHEAD, n_features - 1)]
            prefetch_lines(&state[ahead * width], n_outputs * sizeof(weight_t))
        read_record(rule, &state[j * width], now, n_outputs, &weight[i * n_outputs])


# The same, summed: |W|_1 and |W|_2^2. `weight` has room for one record's weights.
cdef Norms read_norms(
    rule_t rule, const weight_t *state, double now, int64_t n_features, int64_t n_outputs,
    weight_t *weight,
) noexcept nogil:
    cdef Norms norms
    cdef int64_t j, k
    norms.l1, norms.l2_squared, norms.n_nonzero = 0, 0, 0
    for j in range(n_features):
        read_record(rule, &state[j * record_width(rule, n_outputs)], now, n_outputs, weight)
        for k in range(n_outputs):
            norms.l1 += fabs(weight[k])
            norms.l2_squared += <double>weight[k] * weight[k]
            norms.n_nonzero += weight[k] != 0
    return norms


def weights(
    const weight_t[:, ::1] state, const int64_t[::1] clock, settings, weight_t[:, ::1] out,
    const int64_t[::1] columns=None,
):
    """Write the weights that the records stand for into out, (n_features, n_outputs).

    Of all features, or of those in columns, in that order.
    """
    cdef Settings s = settings
    cdef double now = clock[0] - clock[1]
    cdef int64_t n_features = out.shape[0], n_outputs = out.shape[1]
    cdef const int64_t *some = NULL
    if n_features == 0:
        return
    if columns is not None:
        some = &columns[0]
    with nogil:
        if rule_of(s) == COMID_ELASTIC:
            read_weights(
                comid_elastic(s), &state[0, 0], now, some, n_features, n_outputs, &out[0, 0])
        elif rule_of(s) == COMID_L1:
            read_weights(
                comid_l1(s), &state[0, 0], now, some, n_features, n_outputs, &out[0, 0])
        elif rule_of(s) == COMID_DECAY:
            read_weights(
                comid_decay(s), &state[0, 0], now, some, n_features, n_outputs, &out[0, 0])
        elif rule_of(s) == COMID_PLAIN:
            read_weights(
                comid(s), &state[0, 0], now, some, n_features, n_outputs, &out[0, 0])
        elif rule_of(s) == DUAL_AVERAGING:
            read_weights(
                rda(s), &state[0, 0], now, some, n_features, n_outputs, &out[0, 0])
        else:
            read_weights(
                ftrl(s), &state[0, 0], now, some, n_features, n_outputs, &out[0, 0])


def norms(const weight_t[:, ::1] state, const int64_t[::1] clock, settings, weight_t[::1] scratch):
    """Return {"l1", "l2_squared", "n_nonzero"} of all weights; scratch has room for a record's."""
    cdef Settings s = settings
    cdef double now = clock[0] - clock[1]
    cdef int64_t n_features = state.shape[0], n_outputs = scratch.shape[0]
    cdef Norms sums
    sums.l1, sums.l2_squared, sums.n_nonzero = 0, 0, 0
    if n_features == 0:
        return sums
    with nogil:
        if rule_of(s) == COMID_ELASTIC:
            sums = read_norms(
                comid_elastic(s), &state[0, 0], now, n_features, n_outputs, &scratch[0])
        elif rule_of(s) == COMID_L1:
            sums = read_norms(comid_l1(s), &state[0, 0], now, n_features, n_outputs, &scratch[0])
        elif rule_of(s) == COMID_DECAY:
            sums = read_norms(
                comid_decay(s), &state[0, 0], now, n_features, n_outputs, &scratch[0])
        elif rule_of(s) == COMID_PLAIN:
            sums = read_norms(comid(s), &state[0, 0], now, n_features, n_outputs, &scratch[0])
        elif rule_of(s) == DUAL_AVERAGING:
            sums = read_norms(rda(s), &state[0, 0], now, n_features, n_outputs, &scratch[0])
        else:
            sums = read_norms(ftrl(s), &state[0, 0], now, n_features, n_outputs, &scratch[0])
    return sums


def restart_stamps(
    weight_t[:, ::1] state, int64_t[::1] clock, settings, const weight_t[:, ::1] weight
):
    """Take the weights as of now into stamped records, and count their stamps from here.

    The settings are those of the steps to come.
    """
    cdef int64_t j, k, n_outputs = weight.shape[1]
    for j in range(state.shape[0]):
        for k in range(n_outputs):
            state[j, k] = weight[j, k]
        state[j, 2 * n_outputs] = 0
    if n_outputs == 1:
        set_pulls(state, settings)
    clock[1] = clock[0]


def set_pulls(weight_t[:, ::1] state, settings):
    """Write into stamped records of one output how fast their weights shrink."""
    cdef Settings s = settings
    cdef int64_t j
    for j in range(state.shape[0]):
        if s.l2 > 0:
            state[j, 3] = pull_of(comid_elastic(s), step_size(s.rate, s.epsilon, state[j, 1]))
        elif s.l1 > 0:
            state[j, 3] = pull_of(comid_l1(s), step_size(s.rate, s.epsilon, state[j, 1]))


def intercepts(const double[:, ::1] intercept, settings, double[::1] out):
    """Write the intercepts that their records stand for into out, (n_outputs,)."""
    cdef Settings s = settings
    cdef const Intercept *record = <const Intercept *>&intercept[0, 0]
    cdef int64_t k
    for k in range(out.shape[0]):
        if s.update == COMID:
            out[k] = intercept_weight(comid(s), record[k], s.intercept_rate)
        elif s.update == RDA:
            out[k] = intercept_weight(rda(s), record[k], s.intercept_rate)
        else:
            out[k] = intercept_weight(ftrl(s), record[k], s.intercept_rate)


def margins(
    const weight_t[:, ::1] weight, const double[::1] intercept,
    const int64_t[::1] indptr, const index_t[::1] indices, const weight_t[::1] data,
    const int64_t[::1] order, weight_t[:, ::1] out,
):
    """Write W x + b of each row, in the given order, into out, (n_rows, n_outputs)."""
    cdef int64_t n_outputs = weight.shape[1], n_rows = order.shape[0]
    cdef int64_t i, row
    cdef const weight_t *values = NULL
    cdef const index_t *columns = NULL
    cdef const weight_t *w = NULL
    cdef Ahead ahead
    if n_rows == 0:
        return
    if indices.shape[0]:
        columns, values, w = &indices[0], &data[0], &weight[0, 0]
    with nogil:
        ahead = look_ahead(&order[0], n_rows, &indptr[0])
        ask_for_first_rows(&ahead, w, n_outputs, columns)
        for i in range(n_rows):
            ask_for_entries(&ahead, i + ahead.distance, columns, values)
            row = order[min(i + ahead.distance, n_rows - 1)]
            row_margins(
                w, n_outputs, &intercept[0], columns + indptr[order[i]], values + indptr[order[i]],
                indptr[order[i] + 1] - indptr[order[i]],
                columns + indptr[row], indptr[row + 1] - indptr[row], &out[i, 0],
            )
