"""Asking for records before they are needed.

A record lies anywhere in memory, and waiting for it costs more than all the
arithmetic on it. The column indices say long in advance which will be needed:
`Ahead` walks PREFETCH_DISTANCE stored entries ahead of the work, through the
rows in the order in which they will be visited, and asks for each record; when
it enters a row it asks for the indices and values of a row further on.
"""

from libc.stdint cimport int64_t

from dtypes cimport index_t, weight_t


cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    #define FASTADA_PREFETCH(address) __builtin_prefetch((address), 1, 3)
    #define FASTADA_PREFETCH_TO_READ(address) __builtin_prefetch((address), 0, 3)
    #else
    #define FASTADA_PREFETCH(address) ((void)(address))
    #define FASTADA_PREFETCH_TO_READ(address) ((void)(address))
    #endif
    """
    void prefetch "FASTADA_PREFETCH"(const void *address) noexcept nogil
    # Of what other threads read too, so that their caches keep it.
    void prefetch_to_read "FASTADA_PREFETCH_TO_READ"(const void *address) noexcept nogil


cdef enum:
    PREFETCH_DISTANCE = 128
    ROWS_AHEAD = 8


cdef struct Ahead:
    const int64_t *order
    int64_t n_rows
    const int64_t *indptr
    int64_t place  # in the order, of the last row entered
    int64_t entry  # the next to ask for
    int64_t end    # of the entries that follow it in one piece


cdef inline void prefetch_lines(const void *start, int64_t n_bytes) noexcept nogil:
    cdef int64_t offset
    for offset in range(0, n_bytes, 64):  # a cache line
        prefetch(<const char *>start + offset)


# Enter the next row, and the rows that follow it in X as well as in the order.
cdef inline void enter_row(
    Ahead *ahead, const index_t *indices, const weight_t *data
) noexcept nogil:
    cdef int64_t row, begin, length
    ahead.place += 1
    if ahead.place >= ahead.n_rows:
        return
    row = ahead.order[ahead.place]
    ahead.entry = ahead.indptr[row]
    while ahead.place + 1 < ahead.n_rows and ahead.order[ahead.place + 1] == row + 1:
        row += 1
        ahead.place += 1
    ahead.end = ahead.indptr[row + 1]
    if ahead.place + ROWS_AHEAD < ahead.n_rows:
        row = ahead.order[ahead.place + ROWS_AHEAD]
        begin = ahead.indptr[row]
        length = ahead.indptr[row + 1] - begin
        prefetch_lines(&indices[begin], length * sizeof(index_t))
        prefetch_lines(&data[begin], length * sizeof(weight_t))
    if ahead.place + 2 * ROWS_AHEAD < ahead.n_rows:
        prefetch(&ahead.indptr[ahead.order[ahead.place + 2 * ROWS_AHEAD]])


# Ask for the records of the next `count` entries, which may lie in several rows.
cdef inline void ask_across_rows(
    Ahead *ahead, int64_t count, const weight_t *state, int64_t width,
    const index_t *indices, const weight_t *data,
) noexcept nogil:
    cdef int64_t entry, end
    while count > 0 and ahead.place < ahead.n_rows:
        end = min(ahead.end, ahead.entry + count)
        for entry in range(ahead.entry, end):
            prefetch_lines(&state[<int64_t>indices[entry] * width], width * sizeof(weight_t))
        count -= end - ahead.entry
        ahead.entry = end
        if ahead.entry == ahead.end:
            enter_row(ahead, indices, data)


# Ask for the records of the next 4 entries.
cdef inline void ask_for_four(
    Ahead *ahead, const weight_t *state, int64_t width,
    const index_t *indices, const weight_t *data,
) noexcept nogil:
    cdef int64_t k
    if ahead.end - ahead.entry > 4:
        for k in range(4):
            prefetch_lines(
                &state[<int64_t>indices[ahead.entry + k] * width], width * sizeof(weight_t))
        ahead.entry += 4
    else:
        ask_across_rows(ahead, 4, state, width, indices, data)


cdef inline Ahead start_ahead(
    const weight_t *state, int64_t width, const int64_t *order, int64_t n_rows,
    const int64_t *indptr, const index_t *indices, const weight_t *data,
) noexcept nogil:
    cdef Ahead ahead
    ahead.order = order
    ahead.n_rows = n_rows
    ahead.indptr = indptr
    ahead.place = -1
    ahead.entry = 0
    ahead.end = 0
    ask_across_rows(&ahead, PREFETCH_DISTANCE, state, width, indices, data)
    return ahead
