"""A stream whose labels change half way: how fast each decay of the accumulators follows.

Prints the accuracy on the next thousand rows before they are learned, thousand by thousand.

    python examples/drift.py
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from fastada import AdaGradClassifier

N_ROWS, CHUNK = 20_000, 1000
DECAYS = 1.0, 0.999, 0.995


def stream() -> tuple[sp.csr_array, np.ndarray]:
    """Rows of 10 entries; from the middle on, every label is the opposite."""
    rng = np.random.default_rng(0)
    X = sp.random_array((N_ROWS, 200), density=0.05, rng=rng, format="csr")
    y = X @ rng.normal(size=200) > 0
    y[N_ROWS // 2 :] = ~y[N_ROWS // 2 :]
    return X, y


def accuracies(decay: float) -> list[float]:
    """Accuracy on each chunk but the first, before it is learned."""
    X, y = stream()
    model = AdaGradClassifier(decay=decay, learning_rate=0.3)
    found = []
    for begin in range(0, N_ROWS, CHUNK):
        rows = slice(begin, begin + CHUNK)
        if begin:
            found.append(model.score(X[rows], y[rows]))
        model.partial_fit(X[rows], y[rows], classes=[False, True])
    return found


def main() -> None:
    """Print a line per chunk."""
    curves = [accuracies(decay) for decay in DECAYS]
    print("rows     " + "".join(f"decay={decay:<8g}" for decay in DECAYS))
    for chunk, row in enumerate(zip(*curves, strict=True), start=1):
        mark = "  <- the labels have changed" if chunk * CHUNK == N_ROWS // 2 else ""
        print(f"{chunk * CHUNK:<9,}" + "".join(f"{value:<14.2f}" for value in row) + mark)


if __name__ == "__main__":
    main()
