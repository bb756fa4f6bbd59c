"""Linear regression on scikit-learn's diabetes data with AdaGrad, and its training-loss curve.

    python examples/diabetes.py [FILE.png]

The features are standardised and get a bias column; a fifth of the 442 patients is held out.
The weights start from N(0, 1). An epoch is one full-batch step: the loss is the mean squared
error (1 / n) |Xw - y|^2 over the training rows, its gradient (2 / n) X^T (Xw - y). The loss of an
epoch is that of the weights from which its step is taken.

The target, disease progression between 25 and 346, is not standardised, which is why the loss
starts near its mean square: AdaGrad's steps do not grow with the gradient, so that in a
hundred steps of 0.1 / sqrt(t) the bias goes about 1.9 of the 152 that it would have to go.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from fastada.optim import AdaGrad

EPOCHS = 100


def load() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Give X_train, X_test, y_train, y_test; X standardised, with a column of ones."""
    X, y = load_diabetes(return_X_y=True)
    X = np.hstack([StandardScaler().fit_transform(X), np.ones((len(X), 1))])
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
    return X_train, X_test, y_train, y_test


def train(X: NDArray[Any], y: NDArray[Any], seed: int) -> tuple[NDArray[Any], list[float]]:
    """Give the weights and the loss of each epoch."""
    params = {"w": np.random.default_rng(seed).standard_normal(X.shape[1])}
    optimizer = AdaGrad(learning_rate=0.1)
    losses = []
    for _ in range(EPOCHS):
        residual = X @ params["w"] - y
        losses.append(float(np.mean(residual**2)))
        optimizer.update(params, {"w": 2 / len(y) * X.T @ residual})
    return params["w"], losses


def plot(losses: list[float], file: str) -> None:
    """Save the loss curve."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        sys.exit('The curve needs matplotlib: pip install "fastada[plot]"')
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(1, len(losses) + 1), losses)
    axes.set(
        xlabel="epoch",
        ylabel="mean squared error (training rows)",
        title="AdaGrad, learning rate 0.1, on the diabetes data",
    )
    figure.savefig(file, dpi=150)


def main() -> None:
    """Train, print the losses, save the curve."""
    parser = argparse.ArgumentParser(description="AdaGrad on scikit-learn's diabetes data.")
    parser.add_argument("file", nargs="?", default="diabetes.png", help="PNG of the loss curve")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first weights")
    arguments = parser.parse_args()
    X_train, X_test, y_train, y_test = load()
    w, losses = train(X_train, y_train, arguments.seed)
    for epoch in (1, 25, 50, 75, 100):
        print(f"epoch {epoch:3d}  training loss {losses[epoch - 1]:9,.0f}")
    print(f"held-out loss {np.mean((X_test @ w - y_test) ** 2):,.0f}")
    plot(losses, arguments.file)
    print(f"saved {arguments.file}")


if __name__ == "__main__":
    main()
