"""FTRL-Proximal over the columns of a row; it does not look at the values."""

import numpy as np
from ftrl import FtrlProximal


class Peer:
    def __init__(self, rows, folder):
        self.rows = rows

    def fit(self, threads, epochs, **setting):
        self.model = FtrlProximal(**setting)
        self.model.fit(self.rows.X, self.rows.y, num_passes=epochs)

    def predict_proba(self, rows):
        second = self.model.predict(rows.X)
        return np.column_stack([1 - second, second])
