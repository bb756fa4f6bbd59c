"""The texts of a piece of a table as packed rows, before anybody has asked for them.

Who finds a text where it lay, in the same bytes, finds its row; texts that need Python's help, are
not UTF-8 or have a row that cannot be packed have none. Nothing else is decided here: what a row
of the table is good for, others say.

Arguments are trusted as in src/hashing.pyx. Besides, `hasher` is the address of an NgramHasher's
Hasher that no other thread uses, of MOST_COLUMNS features at most, without signs.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport free, realloc

from codepoints cimport UTF8_INVALID, UTF8_SIGMA, utf8_inspect
from find_byte cimport find_byte
from hashing cimport NO_MEMORY, Hasher, document_entries, document_ngrams
from large_pages cimport large_malloc
from packed cimport MOST_COLUMNS, PACKED_HEAD, pack_row

# Of the n-grams that can be packed.
MOST_FEATURES = MOST_COLUMNS

cdef enum:
    LINE_FEED = 10
    CARRIAGE_RETURN = 13
    FEW_TEXTS = 1 << 10       # that there is room for at first
    SLAB = 1 << 20            # numbers, on two large pages

cdef struct Text:
    const uint8_t* begin
    int64_t size
    uint32_t* row


cdef class Slabs:
    """Memory of rows, which never move; it serves one thread."""

    cdef void** slabs
    cdef int64_t n_slabs
    cdef uint32_t* free
    cdef int64_t room

    def __dealloc__(self):
        cdef int64_t k
        for k in range(self.n_slabs):
            free(self.slabs[k])
        free(self.slabs)

    # Where so many numbers can be written, which stay free until they are taken; NULL if nowhere.
    cdef uint32_t* reserve(self, int64_t numbers) noexcept nogil:
        cdef void** slabs
        cdef int64_t size = max(numbers, <int64_t>SLAB)
        if numbers > self.room:
            slabs = <void**>realloc(self.slabs, (self.n_slabs + 1) * sizeof(void*))
            if slabs == NULL:
                return NULL
            self.slabs = slabs
            slabs[self.n_slabs] = large_malloc(size * sizeof(uint32_t))
            if slabs[self.n_slabs] == NULL:
                return NULL
            self.free, self.room = <uint32_t*>slabs[self.n_slabs], size
            self.n_slabs += 1
        return self.free

    cdef void take(self, int64_t numbers) noexcept nogil:
        self.free += numbers
        self.room -= numbers


cdef class PackedTexts:
    cdef Text* texts
    cdef int64_t n_texts, room
    cdef Slabs slabs
    cdef object piece  # which holds the texts

    def __dealloc__(self):
        free(self.texts)

    cdef int reserve(self) noexcept nogil:
        cdef Text* found
        if self.n_texts == self.room:
            found = <Text*>realloc(self.texts, (2 * self.room + FEW_TEXTS) * sizeof(Text))
            if found == NULL:
                return NO_MEMORY
            self.texts = found
            self.room = 2 * self.room + FEW_TEXTS
        return 0

    # Hash a text, and keep its row if it can be packed.
    cdef int add(self, Hasher* hasher, const uint8_t* text, int64_t size) noexcept nogil:
        cdef int kind = utf8_inspect(text, size)
        cdef Py_ssize_t count, stored = 0, numbers
        cdef uint32_t* row
        if kind == UTF8_INVALID or (kind == UTF8_SIGMA and hasher.lowercase):
            return 0
        count = document_ngrams(hasher, text, size, False)
        if count < 0:
            return 0
        # The row, and behind it columns and values as they are before they are packed.
        row = self.slabs.reserve(PACKED_HEAD + 3 * count)
        if row == NULL or self.reserve() < 0:
            return NO_MEMORY
        if count:
            stored = document_entries(
                hasher, <int32_t*>row + PACKED_HEAD + count, <float*>row + PACKED_HEAD + 2 * count
            )
        numbers = pack_row(
            <int32_t*>row + PACKED_HEAD + count, <float*>row + PACKED_HEAD + 2 * count,
            stored, count, row,
        )
        if numbers:
            self.texts[self.n_texts] = Text(text, size, row)
            self.n_texts += 1
            self.slabs.take(numbers)
        return 0

    def find(
        self, const uint64_t[::1] addresses, const int64_t[::1] sizes, uint64_t[::1] rows
    ):
        """Write where the row of each text is, 0 for those that have none."""
        cdef int64_t i, low, high, middle
        cdef uintptr_t address
        with nogil:
            for i in range(addresses.shape[0]):
                address = <uintptr_t>addresses[i]
                low, high = 0, self.n_texts
                while low < high:
                    middle = (low + high) >> 1
                    if <uintptr_t>self.texts[middle].begin < address:
                        low = middle + 1
                    else:
                        high = middle
                rows[i] = 0
                if (
                    low < self.n_texts and <uintptr_t>self.texts[low].begin == address
                    and self.texts[low].size == sizes[i]
                ):
                    rows[i] = <uintptr_t>self.texts[low].row


def pack_texts(
    uintptr_t hasher, Slabs slabs not None, const uint8_t[::1] piece, uint8_t delimiter,
    int64_t column,
):
    """Hash the texts in a column of a table, of which the piece has whole lines but for the last.
    """
    cdef PackedTexts packed = PackedTexts()
    cdef const uint8_t* begin = &piece[0] if piece.shape[0] else NULL
    cdef const uint8_t* end = begin + piece.shape[0]
    cdef const uint8_t* line_end
    cdef const uint8_t* cell_end
    cdef int failed = 0
    packed.piece, packed.slabs = piece, slabs
    with nogil:
        while begin < end and not failed:
            line_end = find_byte(begin, end, LINE_FEED)
            if line_end == end:
                break
            cell_end = line_end
            if cell_end > begin and (cell_end - 1)[0] == CARRIAGE_RETURN:
                cell_end -= 1
            for _ in range(column):
                begin = find_byte(begin, cell_end, delimiter)
                if begin == cell_end:
                    break
                begin += 1
            else:
                cell_end = find_byte(begin, cell_end, delimiter)
                failed = packed.add(<Hasher*>hasher, begin, cell_end - begin)
            begin = line_end + 1
    if failed:
        raise MemoryError
    return packed
