"""Documents to margins, one document after the other through the same buffer.

A matrix of all documents' n-grams would be written and read once, to no end. What is added, and in
which order, is what `_hashing` and `_scoring` do with that matrix: the bits are the same.

Arguments are trusted as in src/hashing.pyx and src/scoring.pyx. Besides, `hasher` is the address
of an NgramHasher's Hasher that no other thread uses, with as many features as `weight` has rows.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t, uintptr_t
from libc.stdlib cimport free, malloc

from dtypes cimport weight_t
from hashing cimport NO_MEMORY, TOO_LONG, Hasher, document_entries, document_ngrams
from margins cimport row_margins
from prefetch cimport prefetch, prefetch_lines
from term_weighting cimport weight_row


# Room for the entries of one document.
cdef struct Entries:
    int32_t* columns
    void* values
    Py_ssize_t room


cdef inline void entries_free(Entries* entries) noexcept nogil:
    free(entries.columns)
    free(entries.values)
    entries.columns, entries.values, entries.room = NULL, NULL, 0


cdef inline int reserve_entries(
    Entries* entries, Py_ssize_t count, size_t value_size
) noexcept nogil:
    if count <= entries.room:
        return 0
    entries_free(entries)
    entries.columns = <int32_t*>malloc(2 * count * sizeof(int32_t))
    entries.values = malloc(2 * count * value_size)
    if entries.columns == NULL or entries.values == NULL:
        return NO_MEMORY
    entries.room = 2 * count
    return 0


def document_margins(
    uintptr_t hasher,
    const uint64_t[::1] addresses,
    const int64_t[::1] sizes,
    const uint8_t[::1] prepared,
    const weight_t[::1] tf,
    const weight_t[::1] idf,
    int norm,
    const weight_t[:, ::1] weight,
    const double[::1] intercept,
    weight_t[:, ::1] out,
):
    """Write the margins of the documents into out, (n_documents, n_outputs).

    An empty `tf` or `idf` stands for none. Returns the number of documents done, and the count
    that `tf` does not reach, 0 when all are done.
    """
    cdef Hasher* ngrams = <Hasher*>hasher
    cdef Entries entries
    cdef const weight_t* tf_data = &tf[0] if tf.shape[0] else NULL
    cdef const weight_t* idf_data = &idf[0] if idf.shape[0] else NULL
    cdef const weight_t* w = &weight[0, 0]
    cdef weight_t* values
    cdef int64_t n_outputs = weight.shape[1], n_entries
    cdef Py_ssize_t done = 0, n_documents = addresses.shape[0], count = 0, excess = 0, k
    entries.columns, entries.values, entries.room = NULL, NULL, 0
    with nogil:
        while done < n_documents:
            count = document_ngrams(
                ngrams, <const uint8_t*><uintptr_t>addresses[done], sizes[done], prepared[done]
            )
            if count > 0 and reserve_entries(&entries, count, sizeof(weight_t)) < 0:
                count = NO_MEMORY
            if count < 0:
                break
            # What the entries will need arrives while their keys are sorted.
            if idf_data != NULL:
                for k in range(count):
                    prefetch(&idf_data[ngrams.keys[k] >> 1])
            for k in range(count):
                prefetch_lines(&w[(ngrams.keys[k] >> 1) * n_outputs], n_outputs * sizeof(weight_t))
            values = <weight_t*>entries.values
            n_entries = 0
            if count:
                n_entries = document_entries(ngrams, entries.columns, values)
                excess = weight_row(
                    entries.columns, values, n_entries, tf_data, tf.shape[0], idf_data, norm
                )
                if excess:
                    break
            row_margins(
                w, n_outputs, &intercept[0], entries.columns, values, n_entries, NULL, 0,
                &out[done, 0],
            )
            done += 1
        entries_free(&entries)
    if count == TOO_LONG:
        raise OverflowError(f"document {done} of the batch is too long to be one document")
    if count < 0:
        raise MemoryError
    return done, excess
