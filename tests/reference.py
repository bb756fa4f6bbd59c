"""The dense reference: every column swept at every step, written from the formulas.

Duchi, Hazan and Singer (2011) for COMID and RDA, McMahan et al. (2013), Algorithm 1, for FTRL.
"""

import numpy as np


def slopes(loss, margins, targets, delta=1.0):
    """d loss / d margin of rows x outputs; targets of the same shape, -1/+1 or numbers."""
    z, y = margins, targets
    if loss == "multinomial":
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return p - (y > 0)
    if loss == "log_loss":
        return -y / (1 + np.exp(y * z))
    if loss == "hinge":
        return np.where(y * z < 1, -y, 0.0)
    if loss == "squared_hinge":
        return -2 * y * np.maximum(0, 1 - y * z)
    if loss == "modified_huber":
        return np.where(y * z < -1, -4 * y, -2 * y * np.maximum(0, 1 - y * z))
    if loss == "squared_error":
        return z - y
    if loss == "huber":
        return np.clip(z - y, -delta, delta)
    raise AssertionError(loss)


class DenseRule:
    """Weights of any shape under one of the rules; each step sweeps all of them."""

    def __init__(self, shape, update, rate, epsilon, beta, l1, l2, initial_accumulator, decay=1.0):
        self.update, self.rate, self.epsilon, self.beta = update, rate, epsilon, beta
        self.l1, self.l2, self.decay, self.floor = l1, l2, decay, initial_accumulator
        self.w = np.zeros(shape)
        self.G = np.full(shape, float(initial_accumulator))
        self.total = np.zeros(shape)  # RDA: sum of gradients; FTRL: z
        self.t = 0

    def step(self, g):
        self.t += 1
        before = self.G.copy()
        if self.decay < 1:
            self.G = self.floor + self.decay * (self.G - self.floor)
        self.G += g**2
        H = self.epsilon + np.sqrt(self.G)
        if self.update == "comid":
            u = self.w - self.rate * g / H
            shrunk = np.maximum(np.abs(u) - self.rate * self.l1 / H, 0)
            self.w = np.sign(u) * shrunk / (1 + self.rate * self.l2 / H)
        elif self.update == "rda":
            self.total += g
            mean = self.total / self.t
            size = self.rate * self.t * np.maximum(np.abs(mean) - self.l1, 0)
            self.w = -np.sign(mean) * size / (H + self.rate * self.t * self.l2)
        else:
            sigma = (np.sqrt(self.G) - np.sqrt(before)) / self.rate
            self.total += g - sigma * self.w
            denominator = (self.beta + np.sqrt(self.G)) / self.rate + self.l2
            z = self.total
            self.w = -(z - np.sign(z) * self.l1) / denominator
            self.w[np.abs(z) <= self.l1] = 0


def dense_fit(
    X,
    targets,
    *,
    loss,
    update,
    rate,
    epsilon=1e-7,
    beta=1.0,
    l1=0.0,
    l2=0.0,
    initial_accumulator=0.0,
    sample_weight=None,
    batch_size=1,
    n_epochs=1,
    fit_intercept=True,
    delta=1.0,
    decay=1.0,
):
    """Train on dense X (n, d) and targets (n, K); returns the rules of weights and intercepts."""
    n_rows, n_features = X.shape
    n_outputs = targets.shape[1]
    weight = np.ones(n_rows) if sample_weight is None else sample_weight
    common = dict(
        update=update,
        rate=rate,
        epsilon=epsilon,
        beta=beta,
        initial_accumulator=initial_accumulator,
        decay=decay,
    )
    W = DenseRule((n_outputs, n_features), l1=l1, l2=l2, **common)
    b = DenseRule((n_outputs,), l1=0.0, l2=0.0, **common)
    visited = np.flatnonzero(weight)
    for _ in range(n_epochs):
        for begin in range(0, len(visited), batch_size):
            batch = visited[begin : begin + batch_size]
            margins = X[batch] @ W.w.T + b.w
            r = weight[batch, None] * slopes(loss, margins, targets[batch], delta)
            W.step(r.T @ X[batch] / len(batch))
            if fit_intercept:
                b.step(r.sum(axis=0) / len(batch))
    return W, b
