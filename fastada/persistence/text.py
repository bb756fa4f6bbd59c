"""The text's part of a model: how often terms occur."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastada.persistence.container import ModelFile, ModelFileError
from fastada.persistence.linear import Stored, check_finite, check_growth, read_columns
from fastada.persistence.values import number

# The parameters of a HashingVectorizer that a TextClassifier sets; the others are fixed. A file
# that could set them could have documents taken for names of files to open.
VECTORIZER = (
    "analyzer", "ngram_range", "n_features", "lowercase", "strip_accents", "sublinear_tf",
    "use_idf", "n_jobs",
)  # fmt: skip
MOST_THREADS = 4096
LONGEST_NGRAM = 2**31 - 1


def check_ngram_range(found: Any) -> tuple[int, int]:
    """Give the least and the largest n; ModelFileError unless it is two such numbers."""
    low, high = found
    number("ngram_range", low, 1, LONGEST_NGRAM, whole=True)
    number("ngram_range", high, low, LONGEST_NGRAM, whole=True)
    return low, high


def check_threads(n_jobs: Any) -> None:
    """Raise ModelFileError unless it is a number of threads, or None."""
    if n_jobs is not None and not number("n_jobs", n_jobs, -MOST_THREADS, MOST_THREADS, whole=True):
        raise ModelFileError("n_jobs=0 is no number of threads")


def check_vectorizer(options: dict[str, Any]) -> None:
    """Raise ModelFileError unless these are the parameters of a vectorizer."""
    if set(options) != set(VECTORIZER):
        raise ModelFileError(f"its vectorizer has not the parameters {', '.join(VECTORIZER)}")


class TermCounts(NamedTuple):
    """Inverse document frequencies, and what they come from; None where that is not kept.

    The idf is stored, not worked out again: logarithms differ in the last bit between CPUs.
    """

    idf: NDArray[np.float32] | None = None
    document_frequency: NDArray[Any] | None = None
    n_documents: int = 0

    @property
    def weighs_unseen(self) -> bool:
        """Whether columns that no document has are worth anything."""
        if self.idf is None:
            return False
        counts = self.document_frequency
        if counts is None:
            return bool(self.idf.all())
        rarest = int(counts.argmin())
        return bool(counts[rarest] == 0 and self.idf[rarest] > 0)


def check_idf(counts: TermCounts, use_idf: bool) -> None:
    """Raise ModelFileError unless there is an idf where it is used, and only there."""
    if (counts.idf is not None) != use_idf:
        raise ModelFileError(f"use_idf={use_idf} does not fit the arrays that are there")


def store_counts(counts: TermCounts, *, sparse: bool) -> Stored:
    """Store counts; of the columns that documents have alone, if `sparse` or if they are few."""
    idf, frequency = counts.idf, counts.document_frequency
    if idf is None:
        return Stored({}, {})
    # That of all columns that no document has is zero or the largest.
    unseen = idf.max() if counts.weighs_unseen else 0.0
    occurs = idf != unseen if frequency is None else frequency != 0
    sparse = sparse or (frequency is not None and 2 * int(np.count_nonzero(occurs)) < len(idf))
    arrays: dict[str, NDArray[Any]] = {}
    about: dict[str, Any] = {}
    if sparse:
        columns = np.flatnonzero(occurs)
        idf = idf[columns]
        frequency = None if frequency is None else frequency[columns]
        arrays["term_columns"] = columns.astype(np.int32)
        about["idf_of_others"] = float(unseen)
    arrays["idf"] = idf
    if frequency is not None:
        fits = counts.n_documents <= np.iinfo(np.int32).max
        arrays["document_frequency"] = frequency.astype(np.int32 if fits else np.int64, copy=False)
        about["n_documents"] = counts.n_documents
    return Stored(about, arrays)


def counts_from_file(
    file: ModelFile, about: dict[str, Any], n_features: int, *, mapped: bool
) -> TermCounts:
    """Undo store_counts."""
    if "idf" not in file.entries:
        return TermCounts()
    columns = None
    n_stored = n_features
    if "term_columns" in file.entries:
        columns = read_columns(file, "term_columns", n_features)
        n_stored = len(columns)
        check_growth(n_stored, n_features, 4)
    idf = file.read("idf", "F32", n_stored, mapped=mapped)
    check_finite("idf", idf, 0)
    if columns is not None:
        others = number("idf_of_others", about["idf_of_others"], 0, float(np.finfo(np.float32).max))
        found, idf = idf, np.full(n_features, others, np.float32)
        idf[columns] = found
    if "document_frequency" not in file.entries:
        return TermCounts(idf)
    n_documents = number("n_documents", about["n_documents"], 0, 2**62, whole=True)
    frequency = file.read("document_frequency", "I32 I64", n_stored).astype(np.int64)
    if frequency.min(initial=0) < 0 or frequency.max(initial=0) > n_documents:
        raise ModelFileError("document_frequency is below 0, or more than there are documents")
    if columns is not None:
        found, frequency = frequency, np.zeros(n_features, np.int64)
        frequency[columns] = found
    return TermCounts(idf, frequency, n_documents)
