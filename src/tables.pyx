"""Lines of a text, and cells of a table, found in its bytes.

Arguments are trusted: lines begin and end within `data`, arrays have a place for each line.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp

from find_byte cimport find_byte

cdef enum:
    LINE_FEED = 10
    # On the way to a cell's slot, in the mean of this many cells and more.
    MOST_STEPS = 8
    MANY = 1024


# FNV-1a.
cdef inline uint32_t hash_bytes(const uint8_t* data, int64_t size) noexcept nogil:
    cdef uint32_t h = <uint32_t>0x811C9DC5
    cdef int64_t i
    for i in range(size):
        h = (h ^ data[i]) * <uint32_t>0x01000193
    return h


def line_ends(const uint8_t[::1] data, int64_t[::1] ends):
    """Write where line feeds are; return how many there are, written or not."""
    cdef int64_t size = data.shape[0], room = ends.shape[0], count = 0, i = 0
    if size == 0:
        return 0
    with nogil:
        while True:
            i = find_byte(&data[0] + i, &data[0] + size, LINE_FEED) - &data[0]
            if i == size:
                break
            if count < room:
                ends[count] = i
            count += 1
            i += 1
    return count


def has_byte(const uint8_t[::1] data, uint8_t byte):
    """Say whether a byte is there."""
    cdef const uint8_t* end
    cdef const uint8_t* found
    if data.shape[0] == 0:
        return False
    end = &data[0] + data.shape[0]
    with nogil:
        found = find_byte(&data[0], end, byte)
    return found < end


def find_cells(
    const uint8_t[::1] data,
    const int64_t[::1] starts,
    const int64_t[::1] ends,
    uint8_t delimiter,
    const int64_t[::1] columns,
    int64_t[:, ::1] cell_starts,
    int64_t[:, ::1] cell_ends,
    int64_t[::1] n_columns,
):
    """Write begin and end of each line's cells in the columns given, and its number of columns.

    What is written of a column that a line does not have is the line's last cell.
    """
    cdef const uint8_t* text = &data[0] if data.shape[0] else NULL
    cdef int64_t i, k, begin, end, wanted = columns.shape[0]
    with nogil:
        for i in range(starts.shape[0]):
            begin = starts[i]
            n_columns[i] = 0
            while True:
                end = find_byte(text + begin, text + ends[i], delimiter) - text
                for k in range(wanted):
                    if columns[k] >= n_columns[i]:
                        cell_starts[k, i] = begin
                        cell_ends[k, i] = end
                n_columns[i] += 1
                if end == ends[i]:
                    break
                begin = end + 1


def number_cells(
    const uint8_t[::1] data,
    const int64_t[::1] starts,
    const int64_t[::1] ends,
    int64_t[::1] codes,
    int64_t[::1] firsts,
):
    """Number the different cells by their first appearance, which is written; return how many.

    -1 where too many of their hashes are the same, as somebody may have seen to: hashes are then no
    way to number them in time.
    """
    cdef const uint8_t* text = &data[0] if data.shape[0] else NULL
    cdef int64_t n = starts.shape[0], count = 0, i, other, size
    cdef int64_t steps_left = MOST_STEPS * (n + MANY)
    cdef uint32_t mask = 1, slot
    cdef int32_t* table
    while mask < 2 * n:
        mask *= 2
    mask -= 1
    # Numbers of cells, and 1 more: 0 is an empty slot.
    table = <int32_t*>calloc(<size_t>mask + 1, sizeof(int32_t))
    if table == NULL:
        raise MemoryError
    with nogil:
        for i in range(n):
            size = ends[i] - starts[i]
            slot = hash_bytes(text + starts[i], size) & mask
            while table[slot]:
                other = firsts[table[slot] - 1]
                if ends[other] - starts[other] == size and not memcmp(
                    text + starts[other], text + starts[i], size
                ):
                    break
                slot = (slot + 1) & mask
                steps_left -= 1
            if steps_left < 0:
                count = -1
                break
            if not table[slot]:
                firsts[count] = i
                count += 1
                table[slot] = <int32_t>count
            codes[i] = table[slot] - 1
        free(table)
    return count
