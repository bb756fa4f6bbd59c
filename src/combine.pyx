"""Combining replicas of a state: src/combine.pxd says how for one record.

A movement is what one or several workers have to tell of a round: sorted columns, and for each
the numbers of src/combine.pxd. Movements of workers that are far apart travel; replicas in one
memory are combined where they lie, a range of columns per call, so that threads share the work.

The kernels trust their arguments: sorted columns without duplicates and inside the state,
arrays of matching shapes, settings of one round.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from combine cimport Round, add_movement, move_record, scale_of
from dtypes cimport index_t, weight_t
from records cimport record_width
from training cimport COMID, RDA, Settings, comid, comid_elastic, comid_l1, ftrl, rda
from updates cimport Comid, rule_t

cdef enum:
    BLOCK = 1024  # columns whose sums lie in the cache together


# A worker's replica and the columns that its rows have.
cdef struct Replica:
    void *records
    const void *columns
    int64_t n_columns
    double pace
    int64_t next_column  # place in columns


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


# The first place whose column is not below `column`.
cdef inline int64_t place_of(
    const index_t *columns, int64_t n_columns, int64_t column
) noexcept nogil:
    cdef int64_t low = 0, middle
    while low < n_columns:
        middle = (low + n_columns) // 2
        if columns[middle] < column:
            low = middle + 1
        else:
            n_columns = middle
    return low


# add_movement for the columns of a block, plain AdaGrad's: gathered side by side, so that the roots
# of several are taken at once.
cdef inline void add_plain_movements(
    rule_t rule, double pace, const weight_t *base, const weight_t *own,
    const index_t *columns, int64_t begin, int64_t n_columns, int64_t first, int64_t last,
    weight_t *sums, weight_t *squares,
) noexcept nogil:
    cdef weight_t of_round = <weight_t>(1 / pace)
    cdef weight_t change[BLOCK]
    cdef weight_t G[BLOCK]
    cdef int64_t i, n = 0
    while begin + n < n_columns and columns[begin + n] < last:
        i = 2 * columns[begin + n]
        change[n] = own[i] - base[i]
        G[n] = own[i + 1]
        n += 1
    for i in range(n):
        change[i] *= of_round * scale_of(rule, G[i])
    for i in range(n):
        sums[columns[begin + i] - first] += change[i]
        squares[columns[begin + i] - first] += of_round * (
            G[i] - base[2 * columns[begin + i] + 1])


# Columns begin to end, a block of them after the other: what the workers tell of each, and the new
# record to all who have had it. `sums` and `share` have room for a block; `touched` says which
# columns any worker has had.
cdef void merge_by(
    rule_t rule, Round round, weight_t *base, int64_t n_outputs,
    Replica *replicas, int64_t n_replicas, const index_t *_type, int64_t begin, int64_t end,
    weight_t *sums, weight_t *share, uint8_t *touched,
) noexcept nogil:
    cdef int64_t width = record_width(rule, n_outputs)
    cdef int64_t record_bytes = width * sizeof(weight_t)
    cdef weight_t *squares = sums + BLOCK * n_outputs
    cdef const index_t *columns
    cdef weight_t *own
    cdef int64_t r, i, place, first, last
    for r in range(n_replicas):
        replicas[r].next_column = place_of(
            <const index_t *>replicas[r].columns, replicas[r].n_columns, begin)
    while True:
        # Where columns are many and few of them occur, most blocks are empty.
        first = end
        for r in range(n_replicas):
            columns, i = <const index_t *>replicas[r].columns, replicas[r].next_column
            if i < replicas[r].n_columns and columns[i] < first:
                first = columns[i]
        if first == end:
            return
        last = min(end, first + BLOCK)
        memset(sums, 0, 2 * BLOCK * n_outputs * sizeof(weight_t))
        memset(share, 0, BLOCK * n_outputs * sizeof(weight_t))
        memset(touched, 0, BLOCK)
        for r in range(n_replicas):
            columns, own = <const index_t *>replicas[r].columns, <weight_t *>replicas[r].records
            i = replicas[r].next_column
            if rule_t is Comid and n_outputs == 1:
                add_plain_movements(
                    rule, replicas[r].pace, base, own, columns, i, replicas[r].n_columns, first,
                    last, sums, squares)
                continue
            while i < replicas[r].n_columns and columns[i] < last:
                place = columns[i] - first
                touched[place] = 1
                add_movement(
                    rule, round, replicas[r].pace, &base[columns[i] * width],
                    &own[columns[i] * width], n_outputs, &sums[place * n_outputs],
                    &squares[place * n_outputs], &share[place * n_outputs])
                i += 1
        if rule_t is Comid and n_outputs == 1:
            # What nobody has touched moves by 0.
            for place in range(last - first):
                squares[place] += base[2 * (first + place) + 1]
                sums[place] /= scale_of(rule, squares[place])
            for place in range(last - first):
                base[2 * (first + place)] += sums[place]
                base[2 * (first + place) + 1] = squares[place]
        for place in range(last - first):
            if touched[place]:
                move_record(
                    rule, round, &base[(first + place) * width], n_outputs,
                    &sums[place * n_outputs], &squares[place * n_outputs],
                    &share[place * n_outputs])
        for r in range(n_replicas):
            columns, own = <const index_t *>replicas[r].columns, <weight_t *>replicas[r].records
            i = replicas[r].next_column
            while i < replicas[r].n_columns and columns[i] < last:
                memcpy(&own[columns[i] * width], &base[columns[i] * width], record_bytes)
                i += 1
            replicas[r].next_column = i


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
        if s.update == COMID and s.l2 > 0:
            extract_by(comid_elastic(s), round, pace, &base[0, 0], &own[0, 0], k, &columns[0],
                       n, &change[0, 0], &squares[0, 0], shares)
        elif s.update == COMID and s.l1 > 0:
            extract_by(comid_l1(s), round, pace, &base[0, 0], &own[0, 0], k, &columns[0],
                       n, &change[0, 0], &squares[0, 0], shares)
        elif s.update == COMID:
            extract_by(comid(s), round, pace, &base[0, 0], &own[0, 0], k, &columns[0],
                       n, &change[0, 0], &squares[0, 0], shares)
        elif s.update == RDA:
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
        if s.update == COMID and s.l2 > 0:
            apply_by(comid_elastic(s), round, &base[0, 0], k, &columns[0], n,
                     &change[0, 0], &squares[0, 0], shares)
        elif s.update == COMID and s.l1 > 0:
            apply_by(comid_l1(s), round, &base[0, 0], k, &columns[0], n,
                     &change[0, 0], &squares[0, 0], shares)
        elif s.update == COMID:
            apply_by(comid(s), round, &base[0, 0], k, &columns[0], n,
                     &change[0, 0], &squares[0, 0], shares)
        elif s.update == RDA:
            apply_by(rda(s), round, &base[0, 0], k, &columns[0], n,
                     &change[0, 0], &squares[0, 0], shares)
        else:
            apply_by(ftrl(s), round, &base[0, 0], k, &columns[0], n,
                     &change[0, 0], &squares[0, 0], shares)


def merge(
    weight_t[:, ::1] base, list replicas, list columns, const index_t[::1] index_type,
    list paces, settings, double start, double n_steps, int64_t n_outputs, int64_t begin,
    int64_t end,
):
    """Combine columns begin to end of replicas into base, and give all who have them the result.

    columns[k] are those of worker k's rows, outside of which its replica need not be as base is;
    paces[k] is how many steps each of its steps stood for; index_type is any array of the type of
    the columns.
    """
    cdef Settings s = settings
    cdef Round round
    cdef int64_t r, n = len(replicas)
    cdef weight_t[:, ::1] records
    cdef const index_t[::1] columns_of
    cdef Replica *found = <Replica *>calloc(n, sizeof(Replica))
    cdef weight_t *sums = <weight_t *>malloc(2 * BLOCK * n_outputs * sizeof(weight_t))
    cdef weight_t *share = <weight_t *>malloc(BLOCK * n_outputs * sizeof(weight_t))
    cdef uint8_t *touched = <uint8_t *>malloc(BLOCK)
    cdef const index_t *typed = NULL
    round.start, round.n_steps = start, n_steps
    try:
        if found == NULL or sums == NULL or share == NULL or touched == NULL:
            raise MemoryError("no memory to combine replicas")
        for r in range(n):
            records, columns_of = replicas[r], columns[r]
            found[r].records, found[r].n_columns = &records[0, 0], columns_of.shape[0]
            found[r].pace = paces[r]
            if columns_of.shape[0]:
                found[r].columns = &columns_of[0]
        with nogil:
            if s.update == COMID and s.l2 > 0:
                merge_by(comid_elastic(s), round, &base[0, 0], n_outputs, found, n, typed,
                         begin, end, sums, share, touched)
            elif s.update == COMID and s.l1 > 0:
                merge_by(comid_l1(s), round, &base[0, 0], n_outputs, found, n, typed,
                         begin, end, sums, share, touched)
            elif s.update == COMID:
                merge_by(comid(s), round, &base[0, 0], n_outputs, found, n, typed,
                         begin, end, sums, share, touched)
            elif s.update == RDA:
                merge_by(rda(s), round, &base[0, 0], n_outputs, found, n, typed,
                         begin, end, sums, share, touched)
            else:
                merge_by(ftrl(s), round, &base[0, 0], n_outputs, found, n, typed,
                         begin, end, sums, share, touched)
    finally:
        free(found)
        free(sums)
        free(share)
        free(touched)


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


def mark(
    const int64_t[::1] indptr, const index_t[::1] indices, const int64_t[::1] order,
    uint8_t[::1] seen,
):
    """Set seen[j] for every column j that the rows in `order` have."""
    cdef int64_t i, p
    with nogil:
        for i in range(order.shape[0]):
            for p in range(indptr[order[i]], indptr[order[i] + 1]):
                seen[indices[p]] = 1
