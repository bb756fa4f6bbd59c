"""Consumer of Arrow string columns: addresses and sizes of the strings, nothing copied.

The producer is trusted to keep to the C data interface; the strings' UTF-8 is not looked at.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t, uintptr_t
from libc.string cimport memset

from arrow cimport (
    ArrowArray, ArrowArrayStream, ArrowSchema, first_null, locate_strings, locate_views,
)
from codepoints cimport utf8_inspect

import numpy as np

STRING_FORMATS = ("u", "U", "vu")  # string, large_string, string_view


cdef class _Chunk:
    """Owner of one array of a column."""

    cdef ArrowArray array

    def __cinit__(self):
        memset(&self.array, 0, sizeof(ArrowArray))

    def __dealloc__(self):
        if self.array.release != NULL:
            self.array.release(&self.array)

    cdef locate(self, str form, Py_ssize_t row):
        cdef int64_t null = first_null(&self.array)
        if null >= 0:
            raise ValueError(
                f"document {row + null} is null; drop such rows or fill them with '' first"
            )
        addresses = np.empty(self.array.length, np.uint64)
        sizes = np.empty(self.array.length, np.int64)
        cdef uint64_t[::1] address_view = addresses
        cdef int64_t[::1] size_view = sizes
        if self.array.length:
            if form == "u":
                locate_strings(
                    &self.array, <const int32_t*>self.array.buffers[1],
                    &address_view[0], &size_view[0],
                )
            elif form == "U":
                locate_strings(
                    &self.array, <const int64_t*>self.array.buffers[1],
                    &address_view[0], &size_view[0],
                )
            else:
                locate_views(&self.array, &address_view[0], &size_view[0])
        return addresses, sizes, self


# The format of a column of strings, None if it is dictionary-encoded. Releases the schema.
cdef str string_format(ArrowSchema* schema):
    try:
        form = (<bytes>schema.format).decode()
        if schema.dictionary != NULL:
            return None
        if form not in STRING_FORMATS:
            kind = "a table" if form == "+s" else f"an Arrow column of format {form!r}"
            raise TypeError(
                f"documents must be one column of strings, not {kind}; "
                "select the column, and cast it to string if it is of another type"
            )
        return form
    finally:
        schema.release(schema)


cdef check(ArrowArrayStream* stream, int code):
    cdef const char* message
    if code:
        message = stream.get_last_error(stream)
        raise OSError(code, (<bytes>message).decode() if message != NULL else "Arrow stream failed")


def read_stream(capsule):
    """(addresses, sizes, owner) of every chunk of an "arrow_array_stream" capsule.

    None if the column is dictionary-encoded.
    """
    cdef ArrowArrayStream* stream = <ArrowArrayStream*>PyCapsule_GetPointer(
        capsule, "arrow_array_stream"
    )
    cdef ArrowSchema schema
    cdef _Chunk chunk
    cdef Py_ssize_t row = 0
    check(stream, stream.get_schema(stream, &schema))
    form = string_format(&schema)
    if form is None:
        return None
    chunks = []
    while True:
        chunk = _Chunk()
        check(stream, stream.get_next(stream, &chunk.array))
        if chunk.array.release == NULL:
            return chunks
        chunks.append(chunk.locate(form, row))
        row += chunk.array.length


def read_array(schema_capsule, array_capsule):
    """The same of an ("arrow_schema", "arrow_array") pair, which is one chunk."""
    cdef ArrowSchema* schema = <ArrowSchema*>PyCapsule_GetPointer(schema_capsule, "arrow_schema")
    cdef ArrowArray* array = <ArrowArray*>PyCapsule_GetPointer(array_capsule, "arrow_array")
    cdef _Chunk chunk = _Chunk()
    form = string_format(schema)
    if form is None:
        return None
    chunk.array = array[0]
    array.release = NULL  # moved
    return [chunk.locate(form, 0)]


def inspect(const uint64_t[::1] addresses, const int64_t[::1] sizes, uint8_t[::1] kinds):
    """Say of each string if it is ASCII (0), other UTF-8 (1), with U+03A3 (2), or invalid (3)."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(addresses.shape[0]):
            kinds[i] = utf8_inspect(<const uint8_t*><uintptr_t>addresses[i], sizes[i])


def strings(const uint64_t[::1] addresses, const int64_t[::1] sizes, str errors):
    """The strings as Python's; `errors` as in bytes.decode."""
    cdef bytes mode = errors.encode()
    cdef Py_ssize_t i
    return [
        PyUnicode_DecodeUTF8(<const char*><uintptr_t>addresses[i], sizes[i], mode)
        for i in range(addresses.shape[0])
    ]


def replace(
    uint64_t[::1] addresses, int64_t[::1] sizes, const uint8_t[::1] chosen, function, str errors
):
    """Put the bytes function(str) in the place of each string chosen; return what owns them."""
    cdef bytes mode = errors.encode()
    cdef Py_ssize_t i
    cdef bytes result
    owners = []
    for i in range(addresses.shape[0]):
        if chosen[i]:
            result = function(
                PyUnicode_DecodeUTF8(<const char*><uintptr_t>addresses[i], sizes[i], mode)
            )
            addresses[i] = <uintptr_t><const char*>result
            sizes[i] = len(result)
            owners.append(result)
    return owners
