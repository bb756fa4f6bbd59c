"""Rows as dictionaries, a call each; the first ones alone, since it takes so much longer."""

import numpy as np
from river.linear_model import LogisticRegression
from river.optim import AdaGrad

from benchmarks.peers.rows import entries, sigmoids

MOST_ROWS = 5000


class Peer:
    def __init__(self, rows, folder):
        self.rows = [dict(zip(*row, strict=True)) for row in entries(rows.X[:MOST_ROWS])]
        self.y = rows.y.astype(bool).tolist()

    def fit(self, threads, lr, rows):
        self.model = LogisticRegression(AdaGrad(lr), intercept_lr=lr)
        for x, y in zip(self.rows[:rows], self.y[:rows], strict=True):
            self.model.learn_one(x, y)

    def predict_proba(self, rows):
        weights = np.zeros(rows.X.shape[1])
        learned = self.model.weights
        weights[list(learned.keys())] = list(learned.values())
        return sigmoids(rows.X @ weights + self.model.intercept)
