"""Documents to rows of the hashed document-term matrix.

Arguments are trusted: `addresses` and `sizes` point at well-formed UTF-8 that stays alive during
the call (surrogates as three bytes are allowed), `prepared` marks the documents that are in lower
case already, arrays have the lengths that the caller of each function promises.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport malloc
from libc.string cimport memset

from codepoints cimport TABLE_SIZE, fill_codepoint_table
from dtypes cimport index_t
from hashing cimport (
    TOO_LONG, WORD, Hasher, document_entries, document_ngrams, hasher_free, value_t,
)
from packed cimport PACKED_HEAD, packed_entries, packed_ngrams, unpack_row
from prefetch cimport prefetch_to_read
from term_weighting cimport weight_row


cdef enum:
    ASKED_FOR = 4096  # bytes; the processor finds the rest of a long text by itself

cdef uint32_t* plain_table = NULL
cdef uint32_t* lower_table = NULL


cdef uint32_t* codepoint_table(bint lowercase) except NULL:
    cdef uint32_t* table = <uint32_t*>malloc(TABLE_SIZE * sizeof(uint32_t))
    if table == NULL:
        raise MemoryError
    fill_codepoint_table(table, lowercase)
    return table


# Documents are small, and lie where they will: the next one arrives while one is read.
cdef inline void ask_for_text(uint64_t address, int64_t size) noexcept nogil:
    cdef int64_t offset
    for offset in range(0, min(size, ASKED_FOR), 64):  # a cache line
        prefetch_to_read(<const uint8_t*><uintptr_t>address + offset)


cdef inline void ask_for_row(const uint32_t* row) noexcept nogil:
    ask_for_text(<uintptr_t>row, (PACKED_HEAD + packed_entries(row)) * sizeof(uint32_t))


cdef class NgramHasher:
    cdef Hasher hasher

    def __cinit__(
        self, int analyzer, Py_ssize_t min_n, Py_ssize_t max_n, bint lowercase,
        bint alternate_sign, bint binary, uint32_t n_features,
    ):
        global plain_table, lower_table
        # A table takes longer to fill than many a file to hash. The rare documents that come to
        # words in lower case already do without.
        if plain_table == NULL and (analyzer != WORD or not lowercase):
            plain_table = codepoint_table(False)
        if lower_table == NULL and lowercase:
            lower_table = codepoint_table(True)
        memset(&self.hasher, 0, sizeof(Hasher))
        self.hasher.analyzer = analyzer
        self.hasher.min_n = min_n
        self.hasher.max_n = max_n
        self.hasher.lowercase = lowercase
        self.hasher.alternate_sign = alternate_sign
        self.hasher.binary = binary
        self.hasher.n_features = n_features
        self.hasher.lower_table = lower_table
        self.hasher.plain_table = plain_table

    def __dealloc__(self):
        hasher_free(&self.hasher)

    @property
    def address(self):
        """Where the Hasher is, for the kernels of other extension modules."""
        return <uintptr_t>&self.hasher

    def rows(
        self,
        const uint64_t[::1] addresses,
        const int64_t[::1] sizes,
        const uint8_t[::1] prepared,
        const uint64_t[::1] packed,
        const value_t[::1] tf,
        const value_t[::1] idf,
        int norm,
        int32_t[::1] columns,
        value_t[::1] values,
        int64_t[::1] row_sizes,
    ):
        """Write the documents' entries one after the other, as many documents as there is room for.

        An empty `tf` or `idf` stands for none. `packed` is where the documents' packed rows are, 0
        for those that have none, or empty. Returns the numbers of documents done, of entries
        stored and of n-grams hashed, the room that the next document needs, and the count that `tf`
        does not reach; the last two are 0 when all documents are done.
        """
        cdef Hasher* hasher = &self.hasher
        cdef const value_t* tf_data = &tf[0] if tf.shape[0] else NULL
        cdef const value_t* idf_data = &idf[0] if idf.shape[0] else NULL
        cdef Py_ssize_t room = columns.shape[0], n_documents = addresses.shape[0]
        cdef Py_ssize_t done = 0, stored = 0, count = 0, excess = 0, row, k
        cdef bint any_packed = packed.shape[0] > 0
        cdef const uint32_t* known
        cdef int64_t ngrams = 0
        with nogil:
            while done < n_documents:
                if done + 1 < n_documents:
                    if any_packed and packed[done + 1]:
                        ask_for_row(<const uint32_t*><uintptr_t>packed[done + 1])
                    else:
                        ask_for_text(addresses[done + 1], sizes[done + 1])
                known = <const uint32_t*><uintptr_t>packed[done] if any_packed else NULL
                if known != NULL:
                    count = packed_ngrams(known)
                else:
                    count = document_ngrams(
                        hasher, <const uint8_t*><uintptr_t>addresses[done], sizes[done],
                        prepared[done],
                    )
                if count < 0 or count > room - stored:
                    break
                row = 0
                if count:
                    if known != NULL:
                        row = unpack_row(known, &columns[stored], &values[stored])
                    else:
                        if idf_data != NULL:
                            # What weighting reads arrives while the keys are sorted.
                            for k in range(count):
                                prefetch_to_read(&idf_data[hasher.keys[k] >> 1])
                        row = document_entries(hasher, &columns[stored], &values[stored])
                    excess = weight_row(
                        &columns[stored], &values[stored], row,
                        tf_data, tf.shape[0], idf_data, norm,
                    )
                    if excess:
                        break
                row_sizes[done] = row
                ngrams += count
                stored += row
                done += 1
        if count < 0:
            if count == TOO_LONG:
                raise OverflowError(f"document {done} of the batch is too long to be one document")
            raise MemoryError
        if done == n_documents:
            count = 0
        return done, stored, ngrams, 0 if excess else count, excess


def weight_rows(
    const int64_t[::1] row_sizes,
    const int32_t[::1] columns,
    const value_t[::1] tf,
    const value_t[::1] idf,
    int norm,
    value_t[::1] values,
):
    """Weight counts in place; returns 0, or a count that `tf` does not reach."""
    cdef const value_t* tf_data = &tf[0] if tf.shape[0] else NULL
    cdef const value_t* idf_data = &idf[0] if idf.shape[0] else NULL
    cdef Py_ssize_t i, start = 0
    with nogil:
        for i in range(row_sizes.shape[0]):
            if row_sizes[i]:
                weight_row(
                    &columns[start], &values[start], row_sizes[i],
                    tf_data, tf.shape[0], idf_data, norm,
                )
            start += row_sizes[i]


def count_documents(const int32_t[::1] columns, index_t[::1] document_frequency):
    """Add 1 for every entry to its column's count."""
    cdef Py_ssize_t k
    with nogil:
        for k in range(columns.shape[0]):
            document_frequency[columns[k]] += 1


def spread(
    const value_t[::1] value_of_count, const index_t[::1] counts, value_t[::1] values
):
    """Write the value of each count."""
    cdef Py_ssize_t k
    with nogil:
        for k in range(counts.shape[0]):
            values[k] = value_of_count[counts[k]]
