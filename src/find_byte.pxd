# Where a byte is first, from `begin` on; `end` where it is not.

from libc.stdint cimport uint8_t
from libc.string cimport memchr


cdef inline const uint8_t* find_byte(
    const uint8_t* begin, const uint8_t* end, uint8_t byte
) noexcept nogil:
    cdef const uint8_t* found = <const uint8_t*>memchr(begin, byte, end - begin)
    return end if found == NULL else found
