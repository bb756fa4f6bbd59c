"""What rules, penalties and minibatches make of real text: held-out quality and non-zeros.

`python -m benchmarks.sparsity` prints two tables: IMDB, or another data set of two classes.
"""

import argparse

import numpy as np
from sklearn.metrics import log_loss

from benchmarks.data import real_text
from fastada import AdaGradClassifier

N_EPOCHS = 5
N_BATCH_EPOCHS = 3
PENALTIES = {
    "comid": (0, 1e-6, 1e-5, 1e-4),
    "rda": (0, 1e-6, 1e-5, 1e-4),
    "ftrl": (0, 0.03, 0.3, 3),
}


def score(model, X_train, X_test, y_train, y_test):
    model.fit(X_train, y_train)
    loss = log_loss(y_test, model.predict_proba(X_test), labels=model.classes_)
    return f"{model.score(X_test, y_test):.4f} | {loss:.4f}"


def print_penalties(data):
    print("| update | penalty | alpha | weights not zero | accuracy | log-loss |")
    print("|---|---|---:|---:|---:|---:|")
    for update, alphas in PENALTIES.items():
        for alpha in alphas:
            for l1_ratio in (1.0, 0.0) if alpha else (0.0,):
                model = AdaGradClassifier(
                    update=update,
                    alpha=alpha,
                    l1_ratio=l1_ratio,
                    max_iter=N_EPOCHS,
                    tol=None,
                    random_state=0,
                )
                scored = score(model, *data)
                penalty = ("L1" if l1_ratio else "L2") if alpha else "none"
                print(f"| {update} | {penalty} | {alpha:g} | {model.n_nonzero_:,} | {scored} |")


def print_batches(data):
    """The initial accumulator in the unit of single rows' gradients, and of batches'."""
    accumulator = 4 * float(np.mean(data[0][:1000].data ** 2))
    print("\n| batch_size | initial_accumulator | accuracy | log-loss |")
    print("|---:|---|---:|---:|")
    for batch_size, power in ((1, 0), (16, 0), (16, 1), (16, 2)):
        model = AdaGradClassifier(
            batch_size=batch_size,
            initial_accumulator=accumulator / batch_size**power,
            max_iter=N_BATCH_EPOCHS,
            tol=None,
            random_state=0,
        )
        scored = score(model, *data)
        print(f"| {batch_size} | G₀ / {batch_size**power} | {scored} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", default="imdb")
    data = real_text(parser.parse_args().data)
    print_penalties(data)
    print_batches(data)


if __name__ == "__main__":
    main()
