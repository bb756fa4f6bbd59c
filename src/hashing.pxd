# One document to one row of the hashed document-term matrix (the hashing trick; Weinberger et al.
# 2009): column |h| mod n_features and sign of h, h being MurmurHash3_x86_32 of the n-gram's UTF-8
# bytes with seed 0. Entries come in ascending order of columns, equal columns summed, as in
# scikit-learn's HashingVectorizer.
#
#     count = document_ngrams(hasher, text, size, prepared)       n-grams, an upper bound of entries
#     stored = document_entries(hasher, columns, values)          with room for `count` in both
#
# The functions trust their arguments: well-formed UTF-8 (surrogates as three bytes are allowed),
# n_features >= 1, 1 <= min_n <= max_n. A hasher serves one thread.

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free, malloc

from murmurhash cimport load_tail, load_word, murmur_block, murmur_finish, murmur_heads
from radix_sort cimport radix_sort
from tokenise cimport (
    Units, char_units, char_wb_units, lower_text, units_free, units_reserve, word_units,
)

ctypedef fused value_t:
    float
    double

cdef enum Analyzer:
    WORD = 0
    CHAR = 1
    CHAR_WB = 2

# Results of document_ngrams that are not a count.
cdef enum:
    NO_MEMORY = -1
    TOO_LONG = -2

cdef enum:
    MAX_SIZE = 0x3FFFFFFF   # bytes of a document, so that 32 bits hold a position in its units
    MAX_KEYS = 0x7FFFFFFF
    HEAD_WORDS = 4          # of two English words and the space between; few are longer

cdef struct Hasher:
    int analyzer
    Py_ssize_t min_n
    Py_ssize_t max_n
    bint lowercase
    bint alternate_sign
    bint binary
    uint32_t n_features
    const uint32_t* lower_table   # codepoints.fill_codepoint_table, with and without lowercase;
    const uint32_t* plain_table   # NULL where it is not worth filling
    Units units
    uint32_t* keys                # column << 1 | (sign < 0), one for each n-gram
    uint32_t* spare
    Py_ssize_t count
    Py_ssize_t capacity
    # For each unit the states after the first 0 to HEAD_WORDS words of what starts there; those
    # after as many words stand together, n_heads of them.
    uint32_t* heads
    Py_ssize_t n_heads


cdef inline void hasher_free(Hasher* hasher) noexcept nogil:
    units_free(&hasher.units)
    free(hasher.keys)
    free(hasher.spare)
    free(hasher.heads)
    hasher.keys = NULL
    hasher.spare = NULL
    hasher.heads = NULL
    hasher.capacity = 0
    hasher.n_heads = 0


cdef inline int reserve_keys(Hasher* hasher, Py_ssize_t count) noexcept nogil:
    if count <= hasher.capacity:
        return 0
    free(hasher.keys)
    free(hasher.spare)
    hasher.capacity = 0
    hasher.keys = <uint32_t*>malloc(count * sizeof(uint32_t))
    hasher.spare = <uint32_t*>malloc(count * sizeof(uint32_t))
    if hasher.keys == NULL or hasher.spare == NULL:
        hasher_free(hasher)
        return NO_MEMORY
    hasher.capacity = count
    return 0


cdef inline int reserve_heads(Hasher* hasher, Py_ssize_t count) noexcept nogil:
    if count <= hasher.n_heads:
        return 0
    free(hasher.heads)
    hasher.n_heads = 0
    # No word leaves a state of 0.
    hasher.heads = <uint32_t*>calloc((HEAD_WORDS + 1) * count, sizeof(uint32_t))
    if hasher.heads == NULL:
        return NO_MEMORY
    hasher.n_heads = count
    return 0


# From hashes to keys, in place.
cdef inline void take_keys(
    uint32_t* keys, Py_ssize_t count, uint32_t n_features, bint alternate_sign
) noexcept nogil:
    cdef uint32_t negative, magnitude, signs = alternate_sign, mask = n_features - 1
    cdef Py_ssize_t i
    if n_features & mask:
        for i in range(count):
            negative = <uint32_t>(<int32_t>keys[i] >> 31)  # all bits set if so
            magnitude = (keys[i] ^ negative) - negative
            keys[i] = (magnitude % n_features) << 1 | (negative & signs)
    else:
        for i in range(count):
            negative = <uint32_t>(<int32_t>keys[i] >> 31)
            magnitude = (keys[i] ^ negative) - negative
            keys[i] = (magnitude & mask) << 1 | (negative & signs)


# The states after the first words of what starts at each unit.
cdef inline void hash_heads(const Hasher* hasher) noexcept nogil:
    cdef const uint8_t* text = hasher.units.text
    cdef const uint32_t* starts = hasher.units.starts
    cdef uint32_t* words = hasher.heads + hasher.n_heads
    cdef Py_ssize_t i, k, stride = hasher.n_heads
    for i in range(hasher.units.count):
        for k in range(HEAD_WORDS):
            words[k * stride + i] = load_word(text + starts[i] + 4 * k)
    murmur_heads(words, stride, hasher.units.count)


# What murmur_finish needs of the n-grams of units first..last-1, put behind the `count` there are;
# their new count. How many words an n-gram has is anyone's guess, and a branch that guesses wrong
# costs as much as hashing: the states after each of the first `head` words of what starts at a unit
# have been worked out (by hash_heads), and each n-gram but the longest takes the one it needs.
cdef inline Py_ssize_t hash_ngrams(
    const Hasher* hasher, Py_ssize_t first, Py_ssize_t last, Py_ssize_t gap, Py_ssize_t head,
    Py_ssize_t count,
) noexcept nogil:
    cdef const uint8_t* text = hasher.units.text
    cdef const uint32_t* starts = hasher.units.starts
    cdef const uint32_t* heads = hasher.heads
    cdef uint32_t* hashes = hasher.keys
    cdef uint32_t* tails = hasher.spare
    cdef Py_ssize_t stride = hasher.n_heads
    cdef Py_ssize_t i, k, n, words
    cdef const uint8_t* ngram
    cdef uint32_t h, size
    for n in range(hasher.min_n, min(hasher.max_n, last - first) + 1):
        for i in range(first, last - n + 1):
            ngram = text + starts[i]
            size = <uint32_t>(starts[i + n] - gap - starts[i])
            words = size >> 2
            if words <= head:
                h = heads[words * stride + i] if head else 0
            else:
                h = heads[head * stride + i] if head else 0
                for k in range(head, words):
                    h = murmur_block(h, load_word(ngram + 4 * k))
            hashes[count] = h ^ size
            tails[count] = load_tail(ngram + 4 * words, size)
            count += 1
    return count


# Within " w " of each word w; a word too short for min_n counts once, whole.
cdef inline Py_ssize_t hash_word_bounded(Hasher* hasher) noexcept nogil:
    cdef const uint8_t* text = hasher.units.text
    cdef const uint32_t* starts = hasher.units.starts
    cdef Py_ssize_t i, first = 0, count = 0, min_n = hasher.min_n
    for i in range(1, hasher.units.count):
        if text[starts[i]] != 32:
            continue
        if i + 1 - first < min_n:
            hasher.min_n = i + 1 - first
        count = hash_ngrams(hasher, first, i + 1, 0, 0, count)
        hasher.min_n = min_n
        first = i
    return count


# Cut the document into n-grams and hash them; their number, or NO_MEMORY, or TOO_LONG. A document
# that is `prepared` is in lower case already.
cdef inline Py_ssize_t document_ngrams(
    Hasher* hasher, const uint8_t* text, Py_ssize_t size, bint prepared
) noexcept nogil:
    cdef Units* units = &hasher.units
    cdef bint lowercase = hasher.lowercase and not prepared
    cdef Py_ssize_t lowered, bound
    if size > MAX_SIZE:
        return TOO_LONG
    if units_reserve(units, size) < 0:
        return NO_MEMORY
    lowered = lower_text(
        units, text, size, hasher.lower_table if lowercase else hasher.plain_table, lowercase
    )
    if hasher.analyzer == WORD:
        word_units(units, lowered)
    elif hasher.analyzer == CHAR:
        char_units(units, lowered, hasher.plain_table)
    else:
        char_wb_units(units, lowered, hasher.plain_table)
    bound = units.count * (min(hasher.max_n, units.count) - min(hasher.min_n, units.count) + 1)
    if hasher.analyzer == CHAR_WB:
        bound *= 2  # the space between two words belongs to both
    if bound > MAX_KEYS:
        return TOO_LONG
    if reserve_keys(hasher, bound) < 0:
        return NO_MEMORY
    if hasher.analyzer == WORD:
        if reserve_heads(hasher, units.count) < 0:
            return NO_MEMORY
        hash_heads(hasher)
        hasher.count = hash_ngrams(hasher, 0, units.count, 1, HEAD_WORDS, 0)
    elif hasher.analyzer == CHAR:
        hasher.count = hash_ngrams(hasher, 0, units.count, 0, 0, 0)
    else:
        hasher.count = hash_word_bounded(hasher)
    murmur_finish(hasher.keys, hasher.spare, hasher.count)
    take_keys(hasher.keys, hasher.count, hasher.n_features, hasher.alternate_sign)
    return hasher.count


# The row of the document last given to document_ngrams: the number of entries written.
cdef inline Py_ssize_t document_entries(
    Hasher* hasher, int32_t* columns, value_t* values
) noexcept nogil:
    cdef const uint32_t* keys = radix_sort(
        hasher.keys, hasher.spare, hasher.count, hasher.n_features - 1
    )
    cdef Py_ssize_t k, stored = -1
    cdef uint32_t column, previous = <uint32_t>0xFFFFFFFF
    cdef int32_t value = 0
    cdef bint new
    # No branch depends on the text: an entry is written again until its sum is complete.
    for k in range(hasher.count):
        column = keys[k] >> 1
        new = column != previous
        previous = column
        stored += new
        value = (value & (<int32_t>new - 1)) + 1 - 2 * <int32_t>(keys[k] & 1)
        columns[stored] = <int32_t>column
        values[stored] = <value_t>value
    stored += 1
    if hasher.binary:
        for k in range(stored):
            values[k] = 1
    return stored
