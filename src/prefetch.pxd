"""Asking for records before they are needed.

A record lies anywhere in memory, and waiting for it costs more than all the
arithmetic on it. The column indices say long in advance which will be needed:
`Ahead` walks PREFETCH_DISTANCE stored entries ahead of the work, through the
rows in the order in which they will be visited, and asks for each record; when
it enters a row it asks for the indices and values of a row further on.
"""

from libc.stdint cimport int32_t, int64_t

from dtypes cimport index_t, weight_t


cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    #define FASTADA_PREFETCH(address) __builtin_prefetch((address), 1, 3)
    #else
    #define FASTADA_PREFETCH(address) ((void)(address))
    #endif
    """
    void prefetch "FASTADA_PREFETCH"(const void *address) noexcept nogil


cdef enum:
    PREFETCH_DISTANCE = 128
    ROWS_AHEAD = 2


cdef struct Ahead:
    const char *state
    int64_t record_size  # bytes
    const int64_t *order
    int64_t n_rows
    const int64_t *indptr
    const char *indices
    int64_t index_size   # bytes: 4 or 8
    const char *data
    int64_t value_size   # bytes
    int64_t place        # in the order
    int64_t entry        # the next to ask for, of the row at that place
    int64_t end


cdef inline void prefetch_lines(const char *start, int64_t n_bytes) noexcept nogil:
    cdef int64_t offset
    for offset in range(0, n_bytes, 64):  # a cache line
        prefetch(start + offset)


cdef inline void prefetch_record(Ahead *ahead, int64_t entry) noexcept nogil:
    cdef int64_t column
    if ahead.index_size == sizeof(int32_t):
        column = (<const int32_t *>ahead.indices)[entry]
    else:
        column = (<const int64_t *>ahead.indices)[entry]
    prefetch_lines(ahead.state + column * ahead.record_size, ahead.record_size)


# Step on to the next row that has entries.
cdef inline void next_row(Ahead *ahead) noexcept nogil:
    cdef int64_t row, begin, length
    while ahead.entry == ahead.end and ahead.place < ahead.n_rows:
        ahead.place += 1
        if ahead.place == ahead.n_rows:
            return
        row = ahead.order[ahead.place]
        ahead.entry = ahead.indptr[row]
        ahead.end = ahead.indptr[row + 1]
        if ahead.place + ROWS_AHEAD < ahead.n_rows:
            row = ahead.order[ahead.place + ROWS_AHEAD]
            begin = ahead.indptr[row]
            length = ahead.indptr[row + 1] - begin
            prefetch_lines(ahead.indices + begin * ahead.index_size, length * ahead.index_size)
            prefetch_lines(ahead.data + begin * ahead.value_size, length * ahead.value_size)
        if ahead.place + 2 * ROWS_AHEAD < ahead.n_rows:
            prefetch(&ahead.indptr[ahead.order[ahead.place + 2 * ROWS_AHEAD]])


# Ask for the records of the next `count` entries.
cdef inline void ask_for(Ahead *ahead, int64_t count) noexcept nogil:
    cdef int64_t entry, end
    while count > 0 and ahead.place < ahead.n_rows:
        end = min(ahead.end, ahead.entry + count)
        for entry in range(ahead.entry, end):
            prefetch_record(ahead, entry)
        count -= end - ahead.entry
        ahead.entry = end
        next_row(ahead)


cdef inline Ahead start_ahead(
    const weight_t *state, int64_t width, const int64_t *order, int64_t n_rows,
    const int64_t *indptr, const index_t *indices, const weight_t *data,
) noexcept nogil:
    cdef Ahead ahead
    ahead.state = <const char *>state
    ahead.record_size = width * sizeof(weight_t)
    ahead.order = order
    ahead.n_rows = n_rows
    ahead.indptr = indptr
    ahead.indices = <const char *>indices
    ahead.index_size = sizeof(index_t)
    ahead.data = <const char *>data
    ahead.value_size = sizeof(weight_t)
    ahead.place = -1
    ahead.entry = 0
    ahead.end = 0
    next_row(&ahead)
    ask_for(&ahead, PREFETCH_DISTANCE)
    return ahead
