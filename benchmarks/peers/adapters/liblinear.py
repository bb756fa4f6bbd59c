import numpy as np

from benchmarks.peers.rows import sigmoids

try:
    from liblinear.liblinearutil import parameter, problem, train
except ImportError:
    from liblinear.multicore.liblinearutil import parameter, problem, train


class Peer:
    def __init__(self, rows, folder):
        # Its own nodes, in float64.
        self.problem = problem(rows.y, rows.X, bias=1)
        self.n_outputs = rows.n_classes if rows.n_classes > 2 else 1

    def fit(self, threads, solver, C, tol):
        many = f"-m {threads}" if threads > 1 else ""
        options = f"-s {solver} -c {C} -e {tol} -B 1 -q {many}"
        self.model = train(self.problem, parameter(options))

    def predict_proba(self, rows):
        n_columns = self.model.get_nr_feature()
        shape = (n_columns + 1, self.n_outputs)
        weights = np.ctypeslib.as_array(self.model.w, shape=shape)
        # Of two classes the margin is of the one that it saw first.
        order = self.model.get_labels()
        margins = rows.X[:, :n_columns] @ weights[:-1] + weights[-1]
        if self.n_outputs == 1:
            return sigmoids(margins if order[0] == 1 else -margins)
        return sigmoids(margins)[:, np.argsort(order)]
