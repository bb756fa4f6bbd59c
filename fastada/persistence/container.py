"""The safetensors format: named arrays behind a JSON header, and nothing that could be executed.

A file is the length of the header as 8 little-endian bytes, the header, and the arrays without a
gap. https://huggingface.co/docs/safetensors describes it, and many tools read it. The arrays begin
on a cache line, so that the first of them can be used where a memory map puts it.

The safetensors package would do but for three things: it copies arrays rather than mapping them,
it does not notice flipped bits, and a header may claim whatever fits a hundred megabytes. Here the
array `checksums` holds a checksum of the header and one of each other array, and everything that a
header says is checked before memory is taken for it.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastada.memory import CACHE_LINE, aligned_zeros
from fastada.persistence.atomic import replace_file

# The number of a file's format, in its metadata. A file of a later number is refused; what earlier
# ones mean stays known for good.
FORMAT_VERSION = 1
FORMAT = "fastada"

LARGEST_HEADER = 1 << 24
MOST_TENSORS = 64
MOST_DIMENSIONS = 8
CHECKSUMS = "checksums"

DTYPES: dict[str, np.dtype[Any]] = {
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "U32": np.dtype("<u4"),
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


class ModelFileError(ValueError):
    """A file is not a model that can be read, or a model cannot be put into a file."""


class Entry(NamedTuple):
    """What the header says about an array; it lies in bytes begin to end of the data."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


def write(
    path: str | os.PathLike[str], metadata: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Write a file in the place of another, which stays as it was until all is written.

    Parameters
    ----------
    path : str or path-like
    metadata : mapping
        Of what JSON can hold.
    arrays : mapping of str to ndarray
        In the order in which they will lie: the largest first, to lie on a cache line.

    Raises
    ------
    ModelFileError
        If the metadata is larger than a reader accepts; nothing is written.
    OSError
        If the file cannot be written.
    """
    parts = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    checksums = np.zeros(len(parts) + 1, DTYPES["U32"])
    about = json.dumps(metadata, separators=(",", ":"), allow_nan=False)
    header: dict[str, Any] = {
        "__metadata__": {"format": FORMAT, "format_version": str(FORMAT_VERSION), "about": about}
    }
    begin = 0
    for name, array in {**parts, CHECKSUMS: checksums}.items():
        end = begin + array.nbytes
        header[name] = {
            "dtype": NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % CACHE_LINE)
    if len(text) > LARGEST_HEADER:
        raise ModelFileError(
            f"labels, names of features and parameters take {len(text):,} bytes, of which a "
            f"model file may have {LARGEST_HEADER:,}"
        )
    checksums[0] = zlib.crc32(text)
    checksums[1:] = [checksum(array) for array in parts.values()]
    bodies = [array.reshape(-1).view(np.uint8) for array in parts.values()]
    replace_file(path, [len(text).to_bytes(8, "little"), text, *bodies, checksums.tobytes()])


def checksum(array: NDArray[Any]) -> int:
    """CRC-32 of the sums, modulo 2^64, of the rows and columns of the bytes laid out as a table.

    The table has 1,024 numbers of 8 bytes a row, the bytes that are left over stand below it.
    Unlike a CRC-32 of all bytes this takes no longer than reading them, and no flipped bit, run
    of damaged bytes or moved block leaves all sums alone.
    """
    data = array.reshape(-1).view(np.uint8)
    whole = len(data) // 8192 * 8192
    table = data[:whole].view(np.dtype("<u8")).reshape(-1, 1024)
    crc = zlib.crc32(table.sum(axis=0).tobytes())
    crc = zlib.crc32(table.sum(axis=1).tobytes(), crc)
    return zlib.crc32(data[whole:].tobytes(), crc)


class ModelFile:
    """A file whose header has been read and checked.

    Parameters
    ----------
    path : str or path-like

    Attributes
    ----------
    path : str
    size : int
    version : int
        Of its format.
    metadata : dict
        The `metadata` it was written with.
    entries : dict of str to Entry

    Raises
    ------
    ModelFileError
        If the file is damaged, or something else.
    OSError
        If it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._file: BinaryIO = open(path, "rb")  # noqa: SIM115
        self._map: mmap.mmap | None = None
        try:
            self.size = os.fstat(self._file.fileno()).st_size
            header = self._header()
            self._data = 8 + len(header)
            metadata, self.entries = _parsed(header, self.size - self._data)
            self._checksums = self._read_checksums()
            if zlib.crc32(header) != self._checksums[0]:
                raise ModelFileError("its checksum does not fit")
            if metadata.get("format") != FORMAT:
                raise ModelFileError("safetensors of another program")
            self.version = _checked_version(metadata.get("format_version", ""))
            self.metadata = _json(metadata.get("about", ""))
            if not isinstance(self.metadata, dict):
                raise ModelFileError("its metadata are no object")
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file. A map lives as long as arrays that lie in it."""
        self._file.close()

    def read(
        self, name: str, dtypes: str, *shape: int | None, mapped: bool = False
    ) -> NDArray[Any]:
        """Read an array.

        Parameters
        ----------
        name : str
        dtypes : str
            Those that it may have, e.g. "F32 F64".
        *shape : int or None
            What it must have; None stands for any length.
        mapped : bool
            Give an array that lies in the file, read-only, instead of a copy, where the file has
            it in a place fit for that.

        Raises
        ------
        ModelFileError
            If it is not there, not as asked for, or damaged.
        """
        if name not in self.entries:
            raise ModelFileError(f"{name} is missing")
        entry = self.entries[name]
        fits = len(shape) == len(entry.shape) and all(
            wanted is None or wanted == found
            for wanted, found in zip(shape, entry.shape, strict=True)
        )
        if not fits or NAMES[entry.dtype] not in dtypes.split():
            raise ModelFileError(f"{name} is {NAMES[entry.dtype]} of shape {entry.shape}")
        array = self._array(entry, mapped=mapped)
        if checksum(array) != self._checksums[1 + list(self.entries).index(name)]:
            raise ModelFileError(f"the checksum of {name} does not fit")
        return array

    def _array(self, entry: Entry, *, mapped: bool = False) -> NDArray[Any]:
        begin = self._data + entry.begin
        if mapped and entry.end > entry.begin and begin % entry.dtype.itemsize == 0:
            if self._map is None:
                self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
            count = math.prod(entry.shape)
            return np.frombuffer(self._map, entry.dtype, count, begin).reshape(entry.shape)
        array = aligned_zeros(entry.shape, entry.dtype)
        self._file.seek(begin)
        if self._file.readinto(array.reshape(-1).view(np.uint8)) != array.nbytes:  # type: ignore[attr-defined]
            raise ModelFileError("the file ends early")
        return array

    def _header(self) -> bytes:
        length = int.from_bytes(self._file.read(8), "little")
        if not 2 <= length <= min(LARGEST_HEADER, self.size - 8):
            raise ModelFileError("there is no header")
        header = self._file.read(length)
        if len(header) != length or not header.startswith(b"{"):
            raise ModelFileError("there is no header")
        return header

    def _read_checksums(self) -> NDArray[Any]:
        entry = self.entries.pop(CHECKSUMS, None)
        if entry is None:
            raise ModelFileError("safetensors of another program")
        wanted = (DTYPES["U32"], (len(self.entries) + 1,), self.size - self._data)
        if (entry.dtype, entry.shape, entry.end) != wanted:
            raise ModelFileError(f"its {CHECKSUMS} are not one for each array, at its end")
        return self._array(entry)


@contextmanager
def open_model(path: str | os.PathLike[str]) -> Iterator[ModelFile]:
    """Open a file; whatever is found to be wrong with it becomes a ModelFileError with its name."""
    try:
        file = ModelFile(path)
        try:
            yield file
        finally:
            file.close()
    except (
        ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError,
        MemoryError,
    ) as error:  # fmt: skip
        reason = str(error)
        if isinstance(error, RecursionError):
            reason = "it is nested too deep"
        elif isinstance(error, KeyError):
            reason = f"its header has no {error}"
        raise ModelFileError(
            f"{os.fspath(path)} is not a fastada model that can be read: {reason}"
        ) from error


def _parsed(header: bytes, size: int) -> tuple[dict[str, str], dict[str, Entry]]:
    """Give metadata and entries of a header whose arrays are to fill `size` bytes."""
    found = _json(header.decode())
    metadata = found.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ModelFileError("safetensors of another program")
    if len(found) > MOST_TENSORS:
        raise ModelFileError(f"it has more than {MOST_TENSORS} arrays")
    entries = {name: _entry(name, value) for name, value in found.items()}
    end = 0
    for name, entry in entries.items():
        if entry.begin != end:
            raise ModelFileError(f"{name} does not begin where the array before it ends")
        end = entry.end
    if end != size:
        raise ModelFileError(f"its arrays have {end:,} bytes, and there are {size:,}")
    return metadata, entries


def _entry(name: str, value: Any) -> Entry:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise ModelFileError(f"the entry of {name} is not dtype, shape and data_offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ModelFileError(f"the type of {name}")
    if not (_are_counts(shape) and len(shape) <= MOST_DIMENSIONS):
        raise ModelFileError(f"the shape of {name}")
    if not (_are_counts(offsets) and len(offsets) == 2):
        raise ModelFileError(f"the place of {name}")
    if math.prod(shape) * DTYPES[dtype].itemsize != offsets[1] - offsets[0]:
        raise ModelFileError(f"the shape of {name} does not fit its place")
    return Entry(DTYPES[dtype], tuple(shape), offsets[0], offsets[1])


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 2**63 for v in values)


def _checked_version(version: str) -> int:
    if not (version.isascii() and version.isdigit() and len(version) < 10 and int(version) > 0):
        raise ModelFileError("it has no version")
    if int(version) > FORMAT_VERSION:
        raise ModelFileError(
            f"it has format {version}, and this fastada reads up to {FORMAT_VERSION}: "
            "a newer fastada reads it"
        )
    return int(version)


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ModelFileError("a name stands twice in its header")
    return found


def _refuse(constant: str) -> Any:
    raise ModelFileError(f"{constant} in its header")
