from sklearn.linear_model import SGDClassifier


class Peer:
    def __init__(self, rows, folder):
        self.rows = rows

    def fit(self, threads, epochs, **setting):
        self.model = SGDClassifier(
            loss="log_loss",
            learning_rate="constant",
            max_iter=epochs,
            tol=None,
            random_state=0,
            **setting,
        ).fit(self.rows.X, self.rows.y)

    def predict_proba(self, rows):
        return self.model.predict_proba(rows.X)
