"""Models that are saved halfway; run as a script, it loads and trains them to the end."""

import itertools
import sys
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from fastada import AdaGradClassifier, AdaGradRegressor, load

EPOCHS = 2


def make_data(seed=0, n_rows=240, n_features=60):
    rng = np.random.default_rng(seed)
    X = sp.random_array((n_rows, n_features), density=0.1, rng=rng, format="csr")
    scores = X @ rng.normal(size=(n_features, 4)) + 0.1 * rng.normal(size=(n_rows, 4))
    return X, scores


def make_cases():
    """Name, fresh estimator and target of each case."""
    _, scores = make_data()
    targets = {
        "binary": np.where(scores[:, 0] > 0, "spam", "ham"),
        "multiclass": scores.argmax(axis=1) * 10 - 5,
        "multilabel": (scores > 0).astype(int),
        "regression": scores[:, 0],
    }
    updates = ["comid", "rda", "ftrl"]
    for target, update, alpha, dtype in itertools.product(
        targets, updates, [0.0, 1e-3], ["float32", "float64"]
    ):
        kind = AdaGradRegressor if target == "regression" else AdaGradClassifier
        model = kind(
            update=update, alpha=alpha, l1_ratio=0.5 if dtype == "float32" else 0.0, dtype=dtype,
            max_iter=EPOCHS, tol=None, warm_start=True, random_state=7,
        )  # fmt: skip
        yield f"{target}-{update}-{alpha}-{dtype}", model, targets[target]
    y = targets["multiclass"]
    common = {"max_iter": EPOCHS, "tol": None, "warm_start": True}
    yield "softmax", AdaGradClassifier(multi_class="multinomial", random_state=1, **common), y
    yield "batches", AdaGradClassifier(batch_size=8, random_state=1, **common), y
    yield "l1", AdaGradClassifier(alpha=1e-3, l1_ratio=1.0, random_state=1, **common), y
    yield "in order", AdaGradClassifier(shuffle=False, **common), y
    yield "drawn seed", AdaGradClassifier(random_state=np.random.RandomState(3), **common), y
    yield "class weights", AdaGradClassifier(class_weight={-5: 2.0}, random_state=1, **common), y


def make_texts(n=400):
    rng = np.random.default_rng(1)
    words = np.array([f"word{i}" for i in range(300)])
    y = rng.integers(3, size=n)
    texts = [" ".join(words[rng.integers(0, 100, 12) * 3 + k]) for k in y]
    return texts, np.array(["a", "b", "c"])[y]


TEXTS = {
    "text": {"n_features": 2**12},
    "text-no-idf": {"n_features": 2**12, "use_idf": False, "alpha": 1e-5},
    "text-char": {"n_features": 500, "analyzer": "char_wb", "strip_accents": "unicode"},
}


def go_on(folder):
    """Load what is in the folder, train as long again, and save it."""
    X, _ = make_data()
    for name, _, y in make_cases():
        model = load(folder / f"{name}.half")
        model.fit(X, y).save(folder / f"{name}.whole")
    texts, labels = make_texts()
    for name in TEXTS:
        model = load(folder / f"{name}.half")
        model.partial_fit(texts[200:], labels[200:]).save(folder / f"{name}.whole")


if __name__ == "__main__":
    go_on(Path(sys.argv[1]))
