"""The scikit-learn face of the native vectoriser."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.feature_extraction.text import HashingVectorizer as SklearnHashingVectorizer
from sklearn.utils.validation import check_is_fitted

from fastada._hashing import count_documents
from fastada.exclusive import exclusive
from fastada.text.documents import DocumentReader
from fastada.text.hashed_rows import HashedRows
from fastada.text.ngrams import document_frequencies, hash_documents
from fastada.text.options import ANALYZERS, NgramOptions
from fastada.text.term_weighting import NORMS, TermWeighting, inverse_document_frequency

TOKEN_PATTERN = r"(?u)\b\w\w+\b"


class HashingVectorizer(SklearnHashingVectorizer, auto_wrap_output_keys=None):  # type: ignore[call-arg, misc]
    """Turn raw documents into a sparse matrix of hashed n-gram weights.

    Gives what :class:`sklearn.feature_extraction.text.HashingVectorizer` gives with the same
    parameters, bit for bit, many times faster, and takes columns of strings (pandas, polars,
    pyarrow: anything with the Arrow PyCapsule interface) without making a Python object of each
    document. A custom `preprocessor`, `tokenizer`, `token_pattern`, `analyzer`, `stop_words` or
    integer `dtype` is left to scikit-learn's own code, at its speed.

    Parameters
    ----------
    input, encoding, decode_error, strip_accents, lowercase, preprocessor, tokenizer, stop_words, \
token_pattern, ngram_range, analyzer, n_features, binary, norm, alternate_sign, dtype
        As in scikit-learn.
    use_idf : bool, default=False
        Multiply each column by its inverse document frequency, learnt by `fit` in one pass over the
        documents. Equal in every bit to ``HashingVectorizer(norm=None, ...)`` followed by
        :class:`sklearn.feature_extraction.text.TfidfTransformer`.
    smooth_idf : bool, default=True
        Count one document more, in which every term occurs.
    weight_unseen : bool, default=True
        With `use_idf`, weigh n-grams that `fit` has not seen as the rarest there are, as
        TfidfTransformer does. False gives them the value 0, which leaves them out of norms, as
        :class:`sklearn.feature_extraction.text.TfidfVectorizer` does, whose vocabulary has none.
    sublinear_tf : bool, default=False
        Replace each count by ``1 + log(count)``. Needs ``alternate_sign=False``.
    n_jobs : int or None, default=None
        Number of threads; None is 1, -1 all cores. The result does not depend on it.

    Attributes
    ----------
    idf_ : ndarray of shape (n_features,)
        Inverse document frequencies. Only with `use_idf`.
    document_frequency_ : ndarray of shape (n_features,), int64
        Number of documents each column occurs in. Only with `use_idf`.
    n_documents_ : int
        Number of documents seen. Only with `use_idf`.

    References
    ----------
    Weinberger, Dasgupta, Langford, Smola, Attenberg (2009). Feature hashing for large scale
    multitask learning. ICML.

    Examples
    --------
    >>> from fastada.text import HashingVectorizer
    >>> HashingVectorizer(ngram_range=(1, 2)).fit_transform(["so good", "so bad"]).shape
    (2, 1048576)
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **SklearnHashingVectorizer._parameter_constraints,
        "use_idf": ["boolean"],
        "smooth_idf": ["boolean"],
        "weight_unseen": ["boolean"],
        "sublinear_tf": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        input: str = "content",
        encoding: str = "utf-8",
        decode_error: str = "strict",
        strip_accents: Any = None,
        lowercase: bool = True,
        preprocessor: Any = None,
        tokenizer: Any = None,
        stop_words: Any = None,
        token_pattern: str | None = TOKEN_PATTERN,
        ngram_range: tuple[int, int] = (1, 1),
        analyzer: Any = "word",
        n_features: int = 2**20,
        binary: bool = False,
        norm: str | None = "l2",
        alternate_sign: bool = True,
        dtype: Any = np.float64,
        use_idf: bool = False,
        smooth_idf: bool = True,
        weight_unseen: bool = True,
        sublinear_tf: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            input=input,
            encoding=encoding,
            decode_error=decode_error,
            strip_accents=strip_accents,
            lowercase=lowercase,
            preprocessor=preprocessor,
            tokenizer=tokenizer,
            stop_words=stop_words,
            token_pattern=token_pattern,
            ngram_range=ngram_range,
            analyzer=analyzer,
            n_features=n_features,
            binary=binary,
            norm=norm,
            alternate_sign=alternate_sign,
            dtype=dtype,
        )
        self.use_idf = use_idf
        self.smooth_idf = smooth_idf
        self.weight_unseen = weight_unseen
        self.sublinear_tf = sublinear_tf
        self.n_jobs = n_jobs

    @exclusive
    def fit(self, X: Any, y: Any = None) -> HashingVectorizer:
        """Check the parameters and, with `use_idf`, learn the document frequencies.

        Parameters
        ----------
        X : iterable of str or bytes, or column of strings, of length n_samples
            Read only with `use_idf`.
        y : ignored

        Returns
        -------
        self : HashingVectorizer

        Raises
        ------
        ValueError
            If a parameter is out of its range, or no document is given to learn from.
        """
        super().fit(X, y)
        self._check_sublinear()
        if self.use_idf:
            found = self._frequencies(X)
            self._reset()
            self._add(*found)
        return self

    @exclusive
    def partial_fit(self, X: Any, y: Any = None) -> HashingVectorizer:
        """Check the parameters and, with `use_idf`, add to the document frequencies.

        Parameters
        ----------
        X : iterable of str or bytes, or column of strings, of length n_samples
            Read only with `use_idf`.
        y : ignored

        Returns
        -------
        self : HashingVectorizer
        """
        super().partial_fit(X, y)
        self._check_sublinear()
        if self.use_idf:
            found = self._frequencies(X)
            if not hasattr(self, "document_frequency_"):
                self._reset()
            self._add(*found)
        return self

    def transform(self, X: Any) -> Any:
        """Turn documents into a sparse matrix.

        Parameters
        ----------
        X : iterable of str or bytes, or column of strings, of length n_samples

        Returns
        -------
        X : sparse matrix of shape (n_samples, n_features)
            In CSR format, with sorted indices.

        Raises
        ------
        ValueError
            If there is no document, or one is missing.
        TypeError
            If documents are not text.
        UnicodeError
            If one cannot be decoded.
        """
        self._check_sublinear()
        if self.use_idf:
            check_is_fitted(self, "idf_")
        weighting = self._weighting(self.idf_ if self.use_idf else None)
        if self._is_native():
            rows = self._hash(X, weighting)
        elif self.use_idf or self.sublinear_tf:
            rows = self._fallback_counts(X)
            weighting.apply(rows)
        else:
            return super().transform(self._reader().objects(X))
        unseen = self.use_idf and not self.smooth_idf and self.weight_unseen
        if unseen and self.norm is not None and not np.isfinite(rows.values).all():
            raise ValueError(
                "documents hold n-grams that fit has not seen, and smooth_idf=False gives them an "
                "infinite weight; set smooth_idf=True or weight_unseen=False"
            )
        return self._matrix(rows)

    @exclusive
    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit to the documents and turn them into a sparse matrix, in one pass.

        Parameters
        ----------
        X : iterable of str or bytes, or column of strings, of length n_samples
        y : ignored

        Returns
        -------
        X : sparse matrix of shape (n_samples, n_features)
        """
        if not self.use_idf:
            return self.fit(X, y).transform(X)
        super().fit(X, y)
        self._check_sublinear()
        rows = self._counts(X)
        self._reset()
        self._add(self._documents_with(rows.columns), len(rows.row_sizes))
        self._weighting(self.idf_).apply(rows)
        return self._matrix(rows)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = self.use_idf
        return tags

    def _check_sublinear(self) -> None:
        if self.sublinear_tf and self.alternate_sign:
            raise ValueError(
                "sublinear_tf=True takes logarithms of counts, and alternate_sign=True makes counts"
                " negative; set alternate_sign=False"
            )

    def _is_native(self) -> bool:
        """Whether the kernels do what the parameters ask for."""
        ngrams = self.ngram_range
        return bool(
            isinstance(self.analyzer, str)
            and self.analyzer in ANALYZERS
            and self.preprocessor is None
            and (self.analyzer != "word" or self._has_default_tokens())
            and self.strip_accents in (None, "ascii", "unicode")
            and isinstance(ngrams, tuple)
            and len(ngrams) == 2
            and all(isinstance(n, int | np.integer) for n in ngrams)
            and 1 <= ngrams[0] <= ngrams[1]
            and isinstance(self.n_features, int | np.integer)
            and 1 <= self.n_features <= np.iinfo(np.int32).max
            and self.norm in NORMS
            and np.dtype(self.dtype) in (np.dtype(np.float32), np.dtype(np.float64))
        )

    def _has_default_tokens(self) -> bool:
        return (
            self.tokenizer is None
            and self.stop_words is None
            and self.token_pattern == TOKEN_PATTERN
        )

    def _options(self) -> NgramOptions:
        return NgramOptions(
            self.analyzer,
            self.ngram_range,
            bool(self.lowercase),
            bool(self.alternate_sign),
            bool(self.binary),
            self.n_features,
        )

    def _reader(self) -> _Reader:
        return _Reader(
            input=self.input,
            encoding=self.encoding,
            decode_error=self.decode_error,
            strip_accents=self.strip_accents,
            lowercase=bool(self.lowercase),
            allow_surrogates=self.analyzer == "word",
            vectorizer=self,
        )

    def _weighting(self, idf: Any) -> TermWeighting:
        dtype = np.dtype(self.dtype)
        if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            dtype = np.dtype(np.float64)
        return TermWeighting(dtype, self.norm, self.sublinear_tf, idf)

    def _hash(self, X: Any, weighting: TermWeighting) -> HashedRows:
        if isinstance(X, str):
            raise ValueError("Iterable over raw text documents expected, string object received.")
        rows = hash_documents(
            self._reader().batches(X),
            self._options(),
            weighting,
            n_documents=len(X) if hasattr(X, "__len__") else None,
            n_jobs=self.n_jobs,
        )
        if len(rows.row_sizes) == 0:
            raise ValueError("Cannot vectorize empty sequence.")
        return rows

    def _counts(self, X: Any) -> HashedRows:
        if self._is_native():
            return self._hash(X, TermWeighting(self.dtype, norm=None))
        return self._fallback_counts(X)

    def _fallback_counts(self, X: Any) -> HashedRows:
        names = SklearnHashingVectorizer._get_param_names()
        parameters = {name: getattr(self, name) for name in names}
        vectorizer = SklearnHashingVectorizer(**{**parameters, "norm": None})
        matrix = vectorizer.transform(self._reader().objects(X))
        values = matrix.data.astype(self._weighting(None).dtype, copy=False)
        return HashedRows(
            matrix.indices, values, np.diff(matrix.indptr).astype(np.int64), matrix.nnz
        )

    def _matrix(self, rows: HashedRows) -> Any:
        interface = get_config().get("sparse_interface", "spmatrix")
        container = sp.csr_array if interface == "sparray" else sp.csr_matrix
        matrix = container(rows.csr(), shape=(len(rows.row_sizes), self.n_features))
        matrix.has_canonical_format = True
        return matrix

    def _reset(self) -> None:
        self.document_frequency_ = np.zeros(self.n_features, np.int64)
        self.n_documents_ = 0

    def _documents_with(self, columns: NDArray[Any]) -> NDArray[np.int64]:
        """Count for each column the documents that have it."""
        # NumPy's bincount would copy the columns to 64 bits first.
        counts = np.zeros(self.n_features, np.int64)
        count_documents(columns.astype(np.int32, copy=False), counts)
        return counts

    def _frequencies(self, X: Any) -> tuple[Any, int]:
        """Count the documents, and for each column those that have it."""
        if self._is_native():
            counts, n_documents = document_frequencies(
                self._reader().batches(X), self._options(), n_jobs=self.n_jobs
            )
        else:
            rows = self._fallback_counts(X)
            counts = self._documents_with(rows.columns)
            n_documents = len(rows.row_sizes)
        if n_documents == 0:
            raise ValueError("Cannot vectorize empty sequence.")
        return counts, n_documents

    def _add(self, counts: Any, n_documents: int) -> None:
        self.document_frequency_ += counts
        self.n_documents_ += n_documents
        self.idf_ = inverse_document_frequency(
            self.document_frequency_,
            self.n_documents_,
            self.smooth_idf,
            self._weighting(None).dtype,
            weight_unseen=self.weight_unseen,
        )


class _Reader(DocumentReader):
    """A reader that refuses what scikit-learn refuses, with its error."""

    def __init__(self, vectorizer: HashingVectorizer, **options: Any) -> None:
        super().__init__(**options)
        self.vectorizer = vectorizer

    def convert(self, document: object) -> str:
        if self.input == "content":
            self._analyze(document)
        return super().convert(document)

    def check_surrogates(self, text: str) -> None:
        if self.input == "content":
            self._analyze(text)
        else:
            super().check_surrogates(text)

    def _analyze(self, document: object) -> None:
        for ngram in self.vectorizer.build_analyzer()(document):
            ngram.encode()
