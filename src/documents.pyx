"""Documents as addresses and sizes of UTF-8, without copying what is UTF-8 already."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8String, PyUnicode_CheckExact
from libc.stdint cimport int64_t, uint8_t, uint64_t, uintptr_t

from codepoints cimport UTF8_ASCII, UTF8_INVALID, UTF8_SIGMA, utf8_inspect

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL
    Py_ssize_t PyUnicode_FindChar(
        object text, Py_UCS4 c, Py_ssize_t start, Py_ssize_t end, int direction
    ) except -2


def collect(
    iterator,
    prepare,
    bint lowercase,
    bint bytes_are_utf8,
    bint only_ascii,
    Py_ssize_t max_bytes,
    uint64_t[::1] addresses,
    int64_t[::1] sizes,
    uint8_t[::1] prepared,
):
    """Take documents from the iterator till the arrays are full or `max_bytes` are reached.

    `prepare(document)` gives the UTF-8 of those that need Python's help, in lower case if asked
    for: everything but str and UTF-8 bytes; text with a capital sigma to lower; invalid UTF-8; and
    everything that is not ASCII if `only_ascii`. Returns the number of documents taken and the
    objects that own the bytes.
    """
    cdef list owners = []
    cdef Py_ssize_t count = 0, size, total = 0
    cdef const char* data
    cdef int kind
    cdef bint direct
    for document in iterator:
        prepared[count] = False
        if PyUnicode_CheckExact(document) and PyUnicode_IS_COMPACT_ASCII(document):
            data = PyUnicode_AsUTF8AndSize(document, &size)
        else:
            direct = False
            if PyUnicode_CheckExact(document):
                if not only_ascii and (
                    not lowercase
                    or PyUnicode_FindChar(document, 0x3A3, 0, len(document), 1) == -1
                ):
                    try:
                        document = PyUnicode_AsUTF8String(document)
                        direct = True
                    except UnicodeEncodeError:
                        pass  # surrogates
            elif PyBytes_CheckExact(document) and bytes_are_utf8:
                kind = utf8_inspect(
                    <const uint8_t*>PyBytes_AS_STRING(document), PyBytes_GET_SIZE(document)
                )
                direct = kind == UTF8_ASCII or not (
                    only_ascii or kind == UTF8_INVALID or (lowercase and kind == UTF8_SIGMA)
                )
            if not direct:
                document = prepare(document)
                prepared[count] = True
            data = PyBytes_AS_STRING(document)
            size = PyBytes_GET_SIZE(document)
        owners.append(document)
        addresses[count] = <uintptr_t>data
        sizes[count] = size
        count += 1
        total += size
        if count == addresses.shape[0] or total >= max_bytes:
            break
    return count, owners
