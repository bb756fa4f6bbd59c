"""Asking for records before they are needed.

A record lies anywhere in memory, and waiting for it costs more than all the
arithmetic on it. The column indices say long in advance which will be needed:
they are asked for ENTRIES_AHEAD before the work gets there, the first of a row
when the work is some rows before it, the rest of a long row as the work walks
on. Training asks for a row at once, while it waits for a loss; scoring, which
waits for nothing, walks through two rows side by side. The indices and values
of rows are asked for ROWS_AHEAD rows earlier still.

Where a loop ends, a CPU that guessed otherwise begins anew: rows are asked for
in blocks, the last of which may ask for some records twice.
"""

from libc.stdint cimport int64_t

from dtypes cimport index_t, weight_t


cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    /* A function that only prefetches has no effect that GCC knows of: it drops calls of such.
       Assembly, of no instructions, it keeps. */
    #define FASTADA_KEPT() __asm__ volatile("")
    #define FASTADA_PREFETCH(address) do { \
        __builtin_prefetch((address), 1, 3); FASTADA_KEPT(); } while (0)
    #define FASTADA_PREFETCH_TO_READ(address) do { \
        __builtin_prefetch((address), 0, 3); FASTADA_KEPT(); } while (0)
    #else
    #define FASTADA_PREFETCH(address) ((void)(address))
    #define FASTADA_PREFETCH_TO_READ(address) ((void)(address))
    #endif
    """
    void prefetch "FASTADA_PREFETCH"(const void *address) noexcept nogil
    # Of what other threads read too, so that their caches keep it.
    void prefetch_to_read "FASTADA_PREFETCH_TO_READ"(const void *address) noexcept nogil


cdef enum:
    ENTRIES_AHEAD = 128
    ROWS_AHEAD = 8
    ROWS_MEASURED = 256
    BLOCK_ASKED = 8  # and the step of a range, which Cython wants as a literal


# Of all cache lines that some bytes lie in.
cdef inline void prefetch_lines(const void *start, int64_t n_bytes) noexcept nogil:
    cdef int64_t offset
    for offset in range(0, n_bytes, 64):
        prefetch(<const char *>start + offset)
    prefetch(<const char *>start + n_bytes - 1)


# Where the rows in the order visited lie, and how many rows before its visit one is asked for.
cdef struct Ahead:
    const int64_t *order
    int64_t n_rows
    const int64_t *indptr
    int64_t distance


# The distance is such that the usual rows between have ENTRIES_AHEAD entries.
cdef inline Ahead look_ahead(
    const int64_t *order, int64_t n_rows, const int64_t *indptr
) noexcept nogil:
    cdef Ahead ahead
    cdef int64_t place, row, n_measured = min(n_rows, ROWS_MEASURED), n_entries = 0
    ahead.order, ahead.n_rows, ahead.indptr = order, n_rows, indptr
    for place in range(n_measured):
        row = order[place]
        n_entries += min(indptr[row + 1] - indptr[row], ENTRIES_AHEAD)
    ahead.distance = (ENTRIES_AHEAD * n_measured + n_entries) // (n_entries + 1)
    ahead.distance = min(ahead.distance, ENTRIES_AHEAD)
    return ahead


# The first record lies at the border of a cache line, and those whose size is a small power of two
# cross none.
cdef inline void ask_for_records(
    const weight_t *state, int64_t width, const index_t *columns, int64_t count
) noexcept nogil:
    cdef int64_t p, n_bytes = width * sizeof(weight_t)
    for p in range(count):
        if n_bytes <= 32 and n_bytes & (n_bytes - 1) == 0:
            prefetch(&state[<int64_t>columns[p] * width])
        else:
            prefetch_lines(&state[<int64_t>columns[p] * width], n_bytes)


# Ask for what the row in a place of the order will need first.
cdef inline void ask_for_row(
    const Ahead *ahead, int64_t place, const weight_t *state, int64_t width,
    const index_t *indices,
) noexcept nogil:
    cdef int64_t row = ahead.order[min(place, ahead.n_rows - 1)]
    cdef const index_t *columns = &indices[ahead.indptr[row]]
    cdef int64_t p, count = min(ahead.indptr[row + 1] - ahead.indptr[row], ENTRIES_AHEAD)
    if count < BLOCK_ASKED:
        ask_for_records(state, width, columns, count)
        return
    for p in range(0, count - BLOCK_ASKED + 1, 8):
        ask_for_records(state, width, columns + p, BLOCK_ASKED)
    ask_for_records(state, width, columns + count - BLOCK_ASKED, BLOCK_ASKED)


# Ask, while the work is at entry p of a row, for as many of its records as that takes, further on.
cdef inline void ask_further_on(
    const weight_t *state, int64_t width, const index_t *columns, int64_t length,
    int64_t p, int64_t count,
) noexcept nogil:
    if p + count <= length - ENTRIES_AHEAD:
        ask_for_records(state, width, columns + p + ENTRIES_AHEAD, count)


# The same, and in the end for the first of a later row. What is left of those then is the rest.
cdef inline void ask_beside(
    const weight_t *state, int64_t width, const index_t *columns, int64_t length,
    const index_t *later, int64_t n_later, int64_t p, int64_t count,
) noexcept nogil:
    cdef int64_t n_own = max(length - ENTRIES_AHEAD, 0)
    ask_further_on(state, width, columns, length, p, count)
    if p >= n_own and p - n_own + count <= min(n_later, ENTRIES_AHEAD):
        ask_for_records(state, width, later + p - n_own, count)


cdef inline void ask_for_rest(
    const weight_t *state, int64_t width, int64_t length, const index_t *later, int64_t n_later
) noexcept nogil:
    n_later = min(n_later, ENTRIES_AHEAD)
    if length < n_later:
        ask_for_records(state, width, later + length, n_later - length)


# And for the indices and values of one further on, and where those of a still later one begin.
cdef inline void ask_for_entries(
    const Ahead *ahead, int64_t place, const index_t *indices, const weight_t *data
) noexcept nogil:
    cdef int64_t row = ahead.order[min(place + ROWS_AHEAD, ahead.n_rows - 1)]
    cdef int64_t p = ahead.indptr[row], last = ahead.indptr[row + 1] - 1
    cdef int64_t in_a_line = 16 if sizeof(index_t) == 4 and sizeof(weight_t) == 4 else 8
    prefetch(&ahead.indptr[ahead.order[min(place + 2 * ROWS_AHEAD, ahead.n_rows - 1)]])
    if p > last:
        return
    while p < last:
        prefetch(&indices[p])
        prefetch(&data[p])
        p += in_a_line
    prefetch(&indices[last])
    prefetch(&data[last])


cdef inline void ask_for_first_rows(
    const Ahead *ahead, const weight_t *state, int64_t width, const index_t *indices
) noexcept nogil:
    cdef int64_t place
    for place in range(min(ahead.distance, ahead.n_rows)):
        ask_for_row(ahead, place, state, width, indices)
