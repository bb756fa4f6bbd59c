"""Raw text to sparse features.

Importing this package loads NumPy alone; scikit-learn comes with the first use of an estimator.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastada.text.vectorizer import HashingVectorizer

__all__ = ["HashingVectorizer"]


def __getattr__(name: str) -> object:
    if name == "HashingVectorizer":
        from fastada.text.vectorizer import HashingVectorizer

        return HashingVectorizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
