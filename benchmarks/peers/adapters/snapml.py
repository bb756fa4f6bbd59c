from snapml import LogisticRegression


class Peer:
    def __init__(self, rows, folder):
        self.X, self.y = rows.X, rows.y.astype("float32")

    def fit(self, threads, epochs, **setting):
        self.model = LogisticRegression(
            max_iter=epochs,
            tol=0.0,
            fit_intercept=True,
            n_jobs=threads,
            random_state=0,
            **setting,
        ).fit(self.X, self.y)

    def predict_proba(self, rows):
        return self.model.predict_proba(rows.X)
