"""The sets of rows: real text where it is at hand, made-up rows, or a file of one's own."""

import zlib
from pathlib import Path

import numpy as np
from sklearn.datasets import load_svmlight_file
from sklearn.model_selection import train_test_split

from benchmarks import quality_sets
from benchmarks.data import REAL_DATA, real_text, synthetic, vectors_of_texts
from benchmarks.peers import rows
from fastada.corpus import docstring_corpus

REAL = ("imdb", "20news")
HELD_OUT = 0.2


def default_names():
    """IMDB, the 20 newsgroups, made-up rows; docstrings where there is no real text at hand."""
    real = [name for name in REAL if (REAL_DATA / name).exists()]
    return [*(real or ["docstrings"]), "zipf"]


def prepare(name, folder: Path) -> Path:
    """Write a set's rows under the folder, once; return where they are.

    `name` is one of the sets or the path of an svmlight file, a fifth of whose rows are held out.
    """
    path = folder / "data" / key_of(name)
    if not (path / "sizes.json").exists():
        print(f"preparing {name}", flush=True)
        rows.save(path, *_split(name))
    return path


def key_of(name):
    """The name that a set's rows and results are kept by: another one when a file has changed."""
    path = Path(name)
    if not path.is_file():
        return name
    state = f"{path.resolve()} {path.stat().st_size} {path.stat().st_mtime_ns}"
    return f"{path.name}-{zlib.crc32(state.encode()):08x}"


def _split(name):
    if name == "zipf":
        return synthetic(125_000, 2**20)
    if name == "zipf-quick":
        return synthetic(500, 2**12)
    if name == "docstrings":
        texts, labels = docstring_corpus()
        parts = train_test_split(
            texts, np.array(labels), test_size=HELD_OUT, random_state=0, stratify=labels
        )
        return vectors_of_texts(*parts)
    if Path(name).is_file():
        X, y = load_svmlight_file(name, dtype=np.float32)
        return train_test_split(X, y, test_size=HELD_OUT, random_state=0)
    return real_text(name) if name in REAL else _of_quality(name)


def _of_quality(name):
    """Those of quality.py, training rows in random order."""
    split = quality_sets.vectors_of(name)
    order = np.random.default_rng(0).permutation(len(split.y_train))
    return split.X_train[order], split.X_test, split.y_train[order], split.y_test
