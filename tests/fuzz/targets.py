"""What is to hold for any input, as functions of bytes, one for each entry of untrusted data."""

import tempfile
import warnings
from contextlib import suppress
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
import scipy.sparse as sp
from persistence.mutations import attempt, join, split
from sklearn.feature_extraction.text import HashingVectorizer as Reference

from fastada import AdaGradClassifier, AdaGradRegressor
from fastada._arrow import strings
from fastada.formats import FORMATS, VECTORS, DataFile, FormatError, Problems, ReadOptions
from fastada.formats.chunk import Strings
from fastada.text import HashingVectorizer

FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")
FILE = Path(FOLDER.name) / "input"


class Choices:
    """Takes choices from the front of the bytes; zeros when they are at their end."""

    def __init__(self, data):
        self.data = data

    def number(self, below):
        size = 1 if below <= 256 else 4
        taken, self.data = self.data[:size], self.data[size:]
        return int.from_bytes(taken, "little") % below

    def of(self, *options):
        return options[self.number(len(options))]

    def array(self, dtype, n):
        """An array of n numbers, fewer if the bytes end."""
        dtype = np.dtype(dtype)
        n = min(n, len(self.data) // dtype.itemsize)
        taken, self.data = self.data[: n * dtype.itemsize], self.data[n * dtype.itemsize :]
        return np.frombuffer(taken, dtype).copy()


def vectorizer(data):
    """Give scikit-learn's matrix, or its error."""
    choose = Choices(data)
    low = 1 + choose.number(4)
    parameters = {
        "analyzer": choose.of("word", "char", "char_wb"),
        "ngram_range": (low, low + choose.number(4)),
        "lowercase": bool(choose.number(2)),
        "norm": choose.of("l2", "l1", None),
        "alternate_sign": bool(choose.number(2)),
        "binary": bool(choose.number(2)),
        "dtype": choose.of(np.float64, np.float32),
        "n_features": choose.of(1 << 20, 1, 2, 7, 1000, 1 << 10, 3**12, 2**31 - 1),
        "strip_accents": choose.of(None, "ascii", "unicode"),
        "decode_error": choose.of("strict", "ignore", "replace"),
    }
    as_text = choose.of(None, "replace", "surrogatepass", "surrogateescape")
    documents = choose.data.split(b"\x1e")
    if as_text:
        try:
            documents = [document.decode("utf-8", as_text) for document in documents]
        except UnicodeDecodeError:
            return
    ours = _outcome(HashingVectorizer(**parameters), documents)
    theirs = _outcome(Reference(**parameters), documents)
    assert type(ours) is type(theirs), (ours, theirs)
    if isinstance(ours, Exception):
        return
    for name in ("indptr", "indices", "data"):
        a, b = getattr(ours, name), getattr(theirs, name)
        assert a.dtype == b.dtype, name
        np.testing.assert_array_equal(a, b, err_msg=name)


def _outcome(vectorizer, documents):
    try:
        return vectorizer.transform(documents)
    except (ValueError, TypeError) as error:
        return error


def formats(name, data):
    """Read all rows that are sound, or say what is wrong with the file; skip or refuse alike."""
    choose = Choices(data)
    options = ReadOptions(
        format=choose.of(name, name, name, None),
        header=choose.of(None, True, False),
        quoting=choose.of(None, True, False),
        text_column=choose.of(None, "1", "2", "text"),
        label_column=choose.of(None, "1", "2", "label"),
        labelled=not choose.number(2),
        n_features=choose.of(1 << 20, 1, 7),
    )
    FILE.write_bytes(choose.data)
    skipped = Problems("input", True, lambda line: None)
    refused = Problems("input", False, lambda line: None)
    rows = _rows(options, skipped)
    strict = _rows(options, refused)
    if rows is None:
        assert strict is None
    elif skipped.counts:
        assert strict is None, skipped.counts
    else:
        assert strict == rows


def _rows(options, problems):
    found = []
    try:
        file = DataFile(str(FILE), options)
        for chunk in file.chunks(problems):
            n = len(chunk.numbers)
            assert not {fault.line for fault in chunk.faults} & set(chunk.numbers.tolist())
            assert np.all(np.diff(chunk.numbers) > 0)
            assert chunk.labels is None or len(chunk.labels) == n
            if options.labelled and file.format != "text":
                assert chunk.labels is not None
            if file.format in VECTORS:
                contents = _vectors(chunk.vectors, n, options.n_features)
                assert chunk.weights is None or np.isfinite(chunk.weights).all()
            else:
                texts = chunk.texts
                if isinstance(texts, Strings):
                    texts = strings(texts.addresses, texts.sizes, "strict")
                contents = list(texts)
            assert len(contents) == n
            found += zip(chunk.numbers.tolist(), chunk.labels or [None] * n, contents, strict=True)
    except FormatError:
        return None
    return found


def _vectors(vectors, n, n_features):
    indptr, indices, data = vectors
    assert len(indptr) == n + 1
    assert indptr[0] == 0
    assert indptr[-1] == len(indices) == len(data)
    assert np.all(np.diff(indptr) >= 0)
    assert np.isfinite(data).all()
    rows = []
    for begin, end in pairwise(indptr.tolist()):
        row = indices[begin:end]
        assert np.all(np.diff(row) > 0)
        assert not len(row) or (row[0] >= 0 and row[-1] < n_features)
        rows.append((row.tolist(), data[begin:end].tolist()))
    return rows


def models(data):
    """Refuse a file with ModelFileError, or give a model that predicts.

    The bytes are a header's length, the header and the arrays, as in a file; checksums are made to
    fit, or hardly any input would come past them.
    """
    FILE.write_bytes(data)
    attempt(FILE)
    FILE.write_bytes(join(*split(data)))
    attempt(FILE)


def estimators(data):
    """Refuse what is no CSR matrix; learn from the others what the same numbers, dense, give."""
    choose = Choices(data)
    n_rows, n_features = choose.number(6), choose.number(9)
    index = choose.of(np.int32, np.int64, np.uint8, np.uint64, np.float64)
    pointer = choose.of(np.int32, np.int64, np.uint8, np.uint64, np.float64)
    value = choose.of(np.float64, np.float32, np.int8, np.int16, np.uint8, np.bool_)
    n_pointers = choose.of(n_rows + 1, n_rows + 1, n_rows + 1, choose.number(9))
    n_entries = choose.number(16)
    flags = choose.number(4)
    parameters = {
        "update": choose.of("comid", "rda", "ftrl"),
        "alpha": choose.of(0.0, 1e-3),
        "l1_ratio": choose.of(0.0, 0.5, 1.0),
        "batch_size": choose.of(1, 2),
        "max_iter": 2,
        "random_state": 0,
        "shuffle": bool(choose.number(2)),
    }
    make = choose.of(AdaGradClassifier, AdaGradRegressor)
    y = choose.array(np.uint8, n_rows) % choose.of(2, 3)
    small = bool(choose.number(2))
    if small:
        # Bytes as numbers, so that sound matrices are not rare.
        indptr = np.sort(choose.array(np.int8, n_pointers)).astype(pointer)
        indices = choose.array(np.int8, n_entries).astype(index)
        X_data = choose.array(np.int8, n_entries).astype(value)
        if len(indptr):
            indptr[0] = 0
    else:
        indptr = choose.array(pointer, n_pointers)
        indices = choose.array(index, n_entries)
        X_data = choose.array(np.uint8 if value is np.bool_ else value, n_entries).astype(value)
    X = sp.csr_array((n_rows, n_features), dtype=value)
    X.indptr, X.indices, X.data = indptr, indices, X_data
    if flags & 1:
        X.has_canonical_format = True
    if flags & 2:
        X.has_sorted_indices = True
    # Chosen last: seeds that end before this are of one thread without weights.
    weights = choose.of(None, choose.array(np.int8, n_rows) / 4, choose.array(np.float64, n_rows))
    parameters["n_jobs"] = choose.of(1, 2)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model = _learned(make(**parameters), X, y, weights)
        with suppress(ValueError, TypeError):
            assert np.isfinite(_known_model(n_features or 1).predict(X)).all()
        if model is None:
            return
        assert np.isfinite(model.coef_).all()
        dense = np.zeros((n_rows, n_features), model.coef_.dtype)
        ends = [int(end) for end in indptr]
        for row in range(n_rows):
            for at in range(ends[row], ends[row + 1]):
                dense[row, int(indices[at])] += dense.dtype.type(X_data[at])
        expected = _learned(make(**parameters), dense, y, weights)
        # Explicit zeros count in how many threads the rows are worth.
        if expected is not None and parameters["n_jobs"] == 1:
            np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-4, atol=1e-6)


def _learned(model, X, y, sample_weight):
    try:
        with patch("fastada.threads.SMALLEST_SHARE", 1):
            return model.fit(X, y, sample_weight)
    except (ValueError, TypeError, FloatingPointError):
        assert not hasattr(model, "coef_") or np.isfinite(model.coef_).all()
        return None


@cache
def _known_model(n_features):
    X = np.random.default_rng(0).random((6, n_features))
    return AdaGradRegressor(max_iter=1).fit(X, np.arange(6))


TARGETS = {
    "vectorizer": vectorizer,
    **{name: partial(formats, name) for name in FORMATS},
    "models": models,
    "estimators": estimators,
}
