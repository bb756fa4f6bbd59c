# The Arrow C data and stream interfaces, a stable ABI (Apache Arrow, "The Arrow C data interface"),
# and the layouts of its three string types.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t, uintptr_t
from libc.string cimport memcpy

cdef struct ArrowSchema:
    const char* format
    const char* name
    const char* metadata
    int64_t flags
    int64_t n_children
    ArrowSchema** children
    ArrowSchema* dictionary
    void (*release)(ArrowSchema*) noexcept
    void* private_data

cdef struct ArrowArray:
    int64_t length
    int64_t null_count
    int64_t offset
    int64_t n_buffers
    int64_t n_children
    const void** buffers
    ArrowArray** children
    ArrowArray* dictionary
    void (*release)(ArrowArray*) noexcept
    void* private_data

cdef struct ArrowArrayStream:
    int (*get_schema)(ArrowArrayStream*, ArrowSchema*) noexcept
    int (*get_next)(ArrowArrayStream*, ArrowArray*) noexcept
    const char* (*get_last_error)(ArrowArrayStream*) noexcept
    void (*release)(ArrowArrayStream*) noexcept
    void* private_data

cdef enum:
    VIEW_SIZE = 16     # of one string view: size, then the bytes or (prefix, buffer, offset)
    VIEW_INLINE = 12   # the longest string kept in the view itself

ctypedef fused offset_t:
    int32_t
    int64_t


# The first null among the array's elements, or -1. Buffer 0 has one bit for each, set if valid.
cdef inline int64_t first_null(const ArrowArray* array) noexcept nogil:
    cdef const uint8_t* valid = <const uint8_t*>array.buffers[0]
    cdef int64_t i, k
    if array.null_count == 0 or valid == NULL:
        return -1
    for k in range(array.length):
        i = array.offset + k
        if not (valid[i >> 3] >> (i & 7)) & 1:
            return k
    return -1


# Buffers that came in a message may begin at any address.
cdef inline int64_t offset_at(const offset_t* offsets, int64_t k) noexcept nogil:
    cdef offset_t offset
    memcpy(&offset, offsets + k, sizeof(offset_t))
    return offset


# Strings one after the other in buffer 2, from offset[i] to offset[i + 1] of buffer 1.
cdef inline void locate_strings(
    const ArrowArray* array, const offset_t* offsets, uint64_t* addresses, int64_t* sizes
) noexcept nogil:
    cdef uintptr_t data = <uintptr_t>array.buffers[2]
    cdef int64_t k
    for k in range(array.length):
        addresses[k] = data + offset_at(offsets, array.offset + k)
        sizes[k] = (
            offset_at(offsets, array.offset + k + 1) - offset_at(offsets, array.offset + k))


# Views in buffer 1; long strings are in buffers 2, 3, ...
cdef inline void locate_views(
    const ArrowArray* array, uint64_t* addresses, int64_t* sizes
) noexcept nogil:
    cdef const uint8_t* view
    cdef int32_t[4] field  # size, prefix, buffer, offset
    cdef int64_t k
    for k in range(array.length):
        view = <const uint8_t*>array.buffers[1] + VIEW_SIZE * (array.offset + k)
        memcpy(field, view, VIEW_SIZE)
        sizes[k] = field[0]
        if field[0] <= VIEW_INLINE:
            addresses[k] = <uintptr_t>(view + 4)
        else:
            addresses[k] = <uintptr_t>array.buffers[2 + field[2]] + field[3]
