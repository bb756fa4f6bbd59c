"""fit as users call it, checks and shuffling included, over fixed epochs; and its quality."""

import numpy as np
from sklearn.metrics import log_loss

from benchmarks.data import COLUMN_BITS, FULL, N_ROWS, labels_of, real_text, synthetic, zipf_rows
from benchmarks.epochs import ASV_RULES, RULES, Epoch, alternate, median_ratios
from fastada import AdaGradClassifier

N_EPOCHS = 3
FIXED = {"max_iter": N_EPOCHS, "tol": None, "random_state": 0}


class Fit:
    params = (COLUMN_BITS if FULL else (18,), (2, 20), ASV_RULES)
    param_names = ("column_bits", "classes", "rule")
    timeout = 600

    def setup(self, column_bits, classes, rule):
        self.X = zipf_rows(N_ROWS, 2**column_bits)
        self.y = labels_of(self.X, classes)
        self.epoch = Epoch(self.X, self.y, **RULES[rule])
        self.model = AdaGradClassifier(**FIXED, **RULES[rule])

    def time_fit(self, column_bits, classes, rule):
        self.model.fit(self.X, self.y)

    def track_times_epochs(self, column_bits, classes, rule):
        """How much longer fit takes than the kernel's epochs."""
        ratios = alternate([self.epoch.run, lambda: self.model.fit(self.X, self.y)], 5)
        return median_ratios(ratios)[1] / N_EPOCHS

    track_times_epochs.unit = "times"


class Quality:
    """Held-out accuracy and log-loss with the defaults; real text where it is at hand."""

    params = (["synthetic", "synthetic, 20 classes", "imdb", "20news"], ASV_RULES)
    param_names = ("data", "rule")
    timeout = 600

    def setup_cache(self):
        return {name: scores(load(name)) for name in self.params[0]}

    def setup(self, scored, data, rule):
        if not scored[data]:
            raise NotImplementedError(f"the data set {data} is not on this machine")

    def track_accuracy(self, scored, data, rule):
        return scored[data][rule][0]

    def track_log_loss(self, scored, data, rule):
        return scored[data][rule][1]


def load(name):
    """(X_train, X_test, y_train, y_test), or None where it is not at hand."""
    if name.startswith("synthetic"):
        return synthetic(2 * N_ROWS, 2**16, 20 if "20" in name else 2)
    try:
        return real_text(name)
    except NotImplementedError:
        return None


def scores(data):
    """Accuracy and log-loss of each rule."""
    if data is None:
        return {}
    X_train, X_test, y_train, y_test = data
    scored = {}
    for rule in ASV_RULES:
        model = AdaGradClassifier(**FIXED, **RULES[rule]).fit(X_train, y_train)
        probabilities = model.predict_proba(X_test)
        predicted = model.classes_[probabilities.argmax(axis=1)]
        loss = log_loss(y_test, probabilities, labels=model.classes_)
        scored[rule] = float(np.mean(predicted == y_test)), float(loss)
    return scored
