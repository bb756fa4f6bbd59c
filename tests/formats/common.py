"""Reading bytes as a file, for the tests of all formats."""

import numpy as np

from fastada._arrow import strings
from fastada.formats import DataFile, Problems, ReadOptions
from fastada.formats.chunk import Strings


def read(path, **options):
    """(texts, labels, problems, bad lines) of a file, bad rows skipped."""
    told = []
    problems = Problems(str(path), True, told.append)
    file = DataFile(str(path), ReadOptions(**options))
    texts, labels, bad, numbers = [], [], [], []
    for chunk in file.chunks(problems):
        found = chunk.texts
        if isinstance(found, Strings):
            found = strings(found.addresses, found.sizes, "strict")
        texts += found or []
        labels += chunk.labels or []
        bad += [fault.line for fault in chunk.faults]
        numbers += chunk.numbers.tolist()
        assert len(chunk) == len(found or chunk)
        assert sorted(set(chunk.numbers.tolist())) == chunk.numbers.tolist()
    assert len(told) == sum(min(5, n) for n in problems.counts.values())
    assert not set(bad) & set(numbers)
    assert problems.counts.total() == len(bad) == len(set(bad))
    assert numbers == sorted(numbers)
    return texts, labels, problems, sorted(bad)


def read_vectors(path, **options):
    """(rows as dicts, labels, weights, problems) of a file, bad rows skipped."""
    problems = Problems(str(path), True, lambda line: None)
    rows, labels, weights = [], [], []
    for chunk in DataFile(str(path), ReadOptions(**options)).chunks(problems):
        v = chunk.vectors
        for start, stop in zip(v.indptr[:-1], v.indptr[1:], strict=True):
            assert np.all(np.diff(v.indices[start:stop]) > 0)
            rows.append(
                dict(zip(v.indices[start:stop].tolist(), v.data[start:stop].tolist(), strict=True))
            )
        labels += chunk.labels or []
        weights += chunk.weights.tolist()
    return rows, labels, weights, problems
