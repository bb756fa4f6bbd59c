"""Combining replicas in one memory: src/combine.pxd says how for one record.

A range of columns per call, so that threads share the work. Every replica has records of all
columns of the range; those that a replica's worker has not had are as in base.

The kernel trusts its arguments: arrays of matching shapes, settings of one round.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from combine cimport Round, add_movement, move_record, scale_of
from dtypes cimport weight_t
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
from updates cimport Comid, rule_t

cdef enum:
    BLOCK = 256  # columns, whose records and sums all lie in the fastest cache


cdef struct Replica:
    void *records
    const uint8_t *has  # whether its worker has had a column, NULL where it has had all
    double pace


# What a replica's record adds to the sums of a column: plain AdaGrad's, one output.
cdef inline void add_plain(
    rule_t rule, const weight_t *own, weight_t value, weight_t G0, weight_t of_round,
    weight_t *change, weight_t *squares,
) noexcept nogil:
    change[0] += (own[0] - value) * (of_round * scale_of(rule, own[1]))
    squares[0] += of_round * (own[1] - G0)


# The records of a block of columns, plain AdaGrad's with one output, so that roots and divisions of
# several are taken at once.
cdef inline void merge_plain_block(
    rule_t rule, weight_t *base, Replica *replicas, int64_t n_replicas, int64_t first, int64_t n,
) noexcept nogil:
    cdef weight_t value[BLOCK]
    cdef weight_t G0[BLOCK]
    cdef weight_t change[BLOCK]
    cdef weight_t G[BLOCK]
    cdef const weight_t *own
    cdef weight_t of_round
    cdef int64_t r, i
    for i in range(n):
        value[i] = base[2 * (first + i)]
        G0[i] = base[2 * (first + i) + 1]
        change[i], G[i] = 0, 0
    for r in range(n_replicas):
        own = <weight_t *>replicas[r].records + 2 * first
        of_round = <weight_t>(1 / replicas[r].pace)
        for i in range(n):
            add_plain(rule, own + 2 * i, value[i], G0[i], of_round, &change[i], &G[i])
    for i in range(n):
        G[i] += G0[i]
        value[i] += change[i] / scale_of(rule, G[i])
    for i in range(n):
        base[2 * (first + i)] = value[i]
        base[2 * (first + i) + 1] = G[i]


# The same of two replicas, which most often there are: no sum goes to memory, and the replicas get
# the result at once.
cdef inline void merge_plain_two(
    rule_t rule, weight_t *base, weight_t *a, weight_t *b,
    weight_t of_round_a, weight_t of_round_b, int64_t n,
) noexcept nogil:
    cdef weight_t value, G0, change, G
    cdef int64_t i
    for i in range(n):
        value, G0 = base[2 * i], base[2 * i + 1]
        change, G = 0, 0
        add_plain(rule, a + 2 * i, value, G0, of_round_a, &change, &G)
        add_plain(rule, b + 2 * i, value, G0, of_round_b, &change, &G)
        G += G0
        value += change / scale_of(rule, G)
        base[2 * i], base[2 * i + 1] = value, G
        a[2 * i], a[2 * i + 1] = value, G
        b[2 * i], b[2 * i + 1] = value, G


# The records of a block of columns. `sums` has room for [change][squares][share] of one.
cdef inline void merge_block(
    rule_t rule, Round round, weight_t *base, int64_t n_outputs,
    Replica *replicas, int64_t n_replicas, int64_t first, int64_t n, weight_t *sums,
) noexcept nogil:
    cdef int64_t width = record_width(rule, n_outputs)
    cdef const weight_t *own
    cdef int64_t r, column
    cdef bint anybody
    for column in range(first, first + n):
        memset(sums, 0, 3 * n_outputs * sizeof(weight_t))
        anybody = False
        for r in range(n_replicas):
            if replicas[r].has != NULL and not replicas[r].has[column]:
                continue
            anybody = True
            own = <weight_t *>replicas[r].records
            add_movement(
                rule, round, replicas[r].pace, &base[column * width], &own[column * width],
                n_outputs, sums, sums + n_outputs, sums + 2 * n_outputs)
        if anybody:
            move_record(
                rule, round, &base[column * width], n_outputs,
                sums, sums + n_outputs, sums + 2 * n_outputs)


cdef void merge_by(
    rule_t rule, Round round, weight_t *base, int64_t n_outputs,
    Replica *replicas, int64_t n_replicas, int64_t begin, int64_t end, weight_t *sums,
) noexcept nogil:
    cdef int64_t width = record_width(rule, n_outputs)
    cdef int64_t r, n, first = begin
    while first < end:
        n = min(end - first, BLOCK)
        if rule_t is Comid and n_outputs == 1 and n_replicas == 2:
            merge_plain_two(
                rule, base + 2 * first, <weight_t *>replicas[0].records + 2 * first,
                <weight_t *>replicas[1].records + 2 * first, <weight_t>(1 / replicas[0].pace),
                <weight_t>(1 / replicas[1].pace), n)
        else:
            if rule_t is Comid and n_outputs == 1:
                merge_plain_block(rule, base, replicas, n_replicas, first, n)
            else:
                merge_block(
                    rule, round, base, n_outputs, replicas, n_replicas, first, n, sums)
            for r in range(n_replicas):
                memcpy(<weight_t *>replicas[r].records + first * width, &base[first * width],
                       n * width * sizeof(weight_t))
        first += n


def merge(
    weight_t[:, ::1] base, list replicas, list has, list paces, settings,
    double start, double n_steps, int64_t n_outputs, int64_t begin, int64_t end,
):
    """Combine columns begin to end of replicas into base, and give all replicas the result.

    has[k], unless None, says which columns worker k has had in any round; paces[k] is how many
    steps each of its steps stood for.
    """
    cdef Settings s = settings
    cdef Round round
    cdef int64_t r, n = len(replicas)
    cdef weight_t[:, ::1] records
    cdef const uint8_t[::1] had
    cdef Replica *found = <Replica *>calloc(n, sizeof(Replica))
    cdef weight_t *sums = <weight_t *>malloc(3 * n_outputs * sizeof(weight_t))
    round.start, round.n_steps = start, n_steps
    try:
        if found == NULL or sums == NULL:
            raise MemoryError("no memory to combine replicas")
        if begin == end:
            return
        for r in range(n):
            records = replicas[r]
            found[r].records, found[r].pace = &records[0, 0], paces[r]
            if has[r] is not None:
                had = has[r]
                found[r].has = &had[0]
        with nogil:
            if rule_of(s) == COMID_ELASTIC:
                merge_by(comid_elastic(s), round, &base[0, 0], n_outputs, found, n,
                         begin, end, sums)
            elif rule_of(s) == COMID_L1:
                merge_by(comid_l1(s), round, &base[0, 0], n_outputs, found, n,
                         begin, end, sums)
            elif rule_of(s) == COMID_PLAIN:
                merge_by(comid(s), round, &base[0, 0], n_outputs, found, n, begin, end, sums)
            elif rule_of(s) == DUAL_AVERAGING:
                merge_by(rda(s), round, &base[0, 0], n_outputs, found, n, begin, end, sums)
            else:
                merge_by(ftrl(s), round, &base[0, 0], n_outputs, found, n, begin, end, sums)
    finally:
        free(found)
        free(sums)
