"""Combining replicas of a state: src/combine.pxd says how for one record.

A movement is what one or several workers have to tell of a round: sorted columns, and for each
the numbers of src/combine.pxd. Movements of workers that are far apart travel; src/merge.pyx
combines replicas in one memory where they lie.

The kernels trust their arguments: sorted columns without duplicates and inside the state,
arrays of matching shapes, settings of one round.
"""

from libc.stdint cimport int64_t
from libc.string cimport memcpy

from combine cimport Round, add_movement, move_record
from dtypes cimport index_t, weight_t
from records cimport record_width
from training cimport (
    COMID_ELASTIC,
    COMID_L1,
    COMID_PLAIN,
    DUAL_AVERAGING,
    Settings,
    comid,
    comid_elastic,
    comid_l1,
    ftrl,
    rda,
    rule_of,
)
from updates cimport rule_t


cdef void extract_by(
    rule_t rule, Round round, double pace, const weight_t *base, const weight_t *own,
    int64_t n_outputs, const index_t *columns, int64_t n_columns,
    weight_t *change, weight_t *squares, weight_t *share,
) noexcept nogil:
    cdef int64_t width = record_width(rule, n_outputs)
    cdef int64_t i
    for i in range(n_columns):
        add_movement(
            rule, round, pace, &base[columns[i] * width], &own[columns[i] * width], n_outputs,
            &change[i * n_outputs], &squares[i * n_outputs], &share[i * n_outputs])


cdef void apply_by(
    rule_t rule, Round round, weight_t *base, int64_t n_outputs,
    const index_t *columns, int64_t n_columns,
    const weight_t *change, const weight_t *squares, const weight_t *share,
) noexcept nogil:
    cdef int64_t width = record_width(rule, n_outputs)
    cdef int64_t i
    for i in range(n_columns):
        move_record(
            rule, round, &base[columns[i] * width], n_outputs,
            &change[i * n_outputs], &squares[i * n_outputs], &share[i * n_outputs])


def extract(
    const weight_t[:, ::1] base, const weight_t[:, ::1] own, settings, double start,
    double n_steps, double pace, const index_t[::1] columns,
    weight_t[:, ::1] change, weight_t[:, ::1] squares, weight_t[:, ::1] share,
):
    """Add the movement from base to own to change, squares and share, (n_columns, n_outputs).

    share is empty where records are not stamped.
    """
    cdef Settings s = settings
    cdef Round round
    cdef int64_t n = columns.shape[0], k = change.shape[1]
    cdef weight_t *shares = NULL
    round.start, round.n_steps = start, n_steps
    if n == 0:
        return
    if share.shape[0]:
        shares = &share[0, 0]
    with nogil:
        if rule_of(s) == COMID_ELASTIC:
            extract_by(comid_elastic(s), round, pace, &base[0, 0], &own[0, 0], k, &columns[0],
                       n, &change[0, 0], &squares[0, 0], shares)
        elif rule_of(s) == COMID_L1:
            extract_by(comid_l1(s), round, pace, &base[0, 0], &own[0, 0], k, &columns[0],
                       n, &change[0, 0], &squares[0, 0], shares)
        elif rule_of(s) == COMID_PLAIN:
            extract_by(comid(s), round, pace, &base[0, 0], &own[0, 0], k, &columns[0],
                       n, &change[0, 0], &squares[0, 0], shares)
        elif rule_of(s) == DUAL_AVERAGING:
            extract_by(rda(s), round, pace, &base[0, 0], &own[0, 0], k, &columns[0],
                       n, &change[0, 0], &squares[0, 0], shares)
        else:
            extract_by(ftrl(s), round, pace, &base[0, 0], &own[0, 0], k, &columns[0],
                       n, &change[0, 0], &squares[0, 0], shares)


def apply(
    weight_t[:, ::1] base, settings, double start, double n_steps, const index_t[::1] columns,
    const weight_t[:, ::1] change, const weight_t[:, ::1] squares, const weight_t[:, ::1] share,
):
    """Move the records of base by what extract has given, of one worker or summed up."""
    cdef Settings s = settings
    cdef Round round
    cdef int64_t n = columns.shape[0], k = change.shape[1]
    cdef const weight_t *shares = NULL
    round.start, round.n_steps = start, n_steps
    if n == 0:
        return
    if share.shape[0]:
        shares = &share[0, 0]
    with nogil:
        if rule_of(s) == COMID_ELASTIC:
            apply_by(comid_elastic(s), round, &base[0, 0], k, &columns[0], n,
                     &change[0, 0], &squares[0, 0], shares)
        elif rule_of(s) == COMID_L1:
            apply_by(comid_l1(s), round, &base[0, 0], k, &columns[0], n,
                     &change[0, 0], &squares[0, 0], shares)
        elif rule_of(s) == COMID_PLAIN:
            apply_by(comid(s), round, &base[0, 0], k, &columns[0], n,
                     &change[0, 0], &squares[0, 0], shares)
        elif rule_of(s) == DUAL_AVERAGING:
            apply_by(rda(s), round, &base[0, 0], k, &columns[0], n,
                     &change[0, 0], &squares[0, 0], shares)
        else:
            apply_by(ftrl(s), round, &base[0, 0], k, &columns[0], n,
                     &change[0, 0], &squares[0, 0], shares)


def add(
    const index_t[::1] columns, const weight_t[:, ::1] change, const weight_t[:, ::1] squares,
    const weight_t[:, ::1] share,
    const index_t[::1] more, const weight_t[:, ::1] more_change,
    const weight_t[:, ::1] more_squares, const weight_t[:, ::1] more_share,
    index_t[::1] out, weight_t[:, ::1] out_change, weight_t[:, ::1] out_squares,
    weight_t[:, ::1] out_share,
):
    """Add two movements. out has room for all columns of both; returns how many there are."""
    cdef int64_t n_outputs = change.shape[1]
    cdef int64_t i = 0, j = 0, n = 0, k
    cdef bint here, there
    with nogil:
        while i < columns.shape[0] or j < more.shape[0]:
            here = i < columns.shape[0] and (j == more.shape[0] or columns[i] <= more[j])
            there = j < more.shape[0] and (i == columns.shape[0] or more[j] <= columns[i])
            out[n] = columns[i] if here else more[j]
            for k in range(n_outputs):
                out_change[n, k] = (change[i, k] if here else 0) + (
                    more_change[j, k] if there else 0)
                out_squares[n, k] = (squares[i, k] if here else 0) + (
                    more_squares[j, k] if there else 0)
                if out_share.shape[0]:
                    out_share[n, k] = (share[i, k] if here else 0) + (
                        more_share[j, k] if there else 0)
            i += here
            j += there
            n += 1
    return n


def copy_records(
    const weight_t[:, ::1] source, weight_t[:, ::1] target, const index_t[::1] columns
):
    """Copy the records of the columns."""
    cdef int64_t width = source.shape[1], i
    with nogil:
        for i in range(columns.shape[0]):
            memcpy(&target[columns[i], 0], &source[columns[i], 0], width * sizeof(weight_t))
