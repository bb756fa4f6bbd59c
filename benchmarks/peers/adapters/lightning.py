import numpy as np
from lightning.classification import AdaGradClassifier

from benchmarks.peers.rows import sigmoids


class Peer:
    def __init__(self, rows, folder):
        # It takes float64 only.
        self.X, self.y = rows.X.astype(np.float64), rows.y

    def fit(self, threads, epochs, **setting):
        self.model = AdaGradClassifier(loss="log", n_iter=epochs, random_state=0, **setting)
        self.model.fit(self.X, self.y)

    def predict_proba(self, rows):
        return sigmoids(self.model.decision_function(rows.X.astype(np.float64)))
