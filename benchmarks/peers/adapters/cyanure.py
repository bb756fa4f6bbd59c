from cyanure.estimators import LogisticRegression

from benchmarks.peers.rows import sigmoids


class Peer:
    def __init__(self, rows, folder):
        self.rows = rows

    def fit(self, threads, epochs, C):
        self.model = LogisticRegression(
            lambda_1=1 / (C * self.rows.X.shape[0]),
            # The first of its iterations only evaluates.
            max_iter=epochs + 1,
            tol=0.0,
            # The duality gap costs a pass and decides nothing here.
            duality_gap_interval=epochs + 1,
            n_threads=threads,
        ).fit(self.rows.X, self.rows.y)

    def predict_proba(self, rows):
        if rows.n_classes > 2:
            return self.model.predict_proba(rows.X)
        # Of two classes its own are the sigmoids of twice the margins that it has trained.
        return sigmoids(self.model.decision_function(rows.X))
