import numpy as np

from fastada import AdaGradClassifier


class Peer:
    def __init__(self, rows, folder):
        self.rows = rows
        # The rule that "auto" searches around.
        self.rate = 1 / np.sqrt(np.square(rows.X.data, dtype=np.float64).sum() / rows.X.shape[0])

    def fit(self, threads, epochs, learning_rate=None, **setting):
        self.model = AdaGradClassifier(
            learning_rate=learning_rate or self.rate,
            max_iter=epochs,
            tol=None,
            n_jobs=threads,
            **setting,
        ).fit(self.rows.X, self.rows.y)

    def predict_proba(self, rows):
        return self.model.predict_proba(rows.X)
