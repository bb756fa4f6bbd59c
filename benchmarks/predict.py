"""Predictions as users call them, checks included."""

import numpy as np

from benchmarks.data import COLUMN_BITS, DTYPES, FULL, N_ROWS, labels_of, zipf_rows
from benchmarks.epochs import alternate, median_ratios
from benchmarks.memory_only import Replay
from fastada import AdaGradClassifier


class Predict:
    params = (COLUMN_BITS if FULL else (20,), DTYPES, (2, 20, 172) if FULL else (2, 20))
    param_names = ("column_bits", "dtype", "classes")
    timeout = 600

    def setup(self, column_bits, dtype, classes):
        if classes > 20 and column_bits > 20:
            raise NotImplementedError("more memory than it tells anything")
        self.X = zipf_rows(N_ROWS, 2**column_bits, np.dtype(dtype))
        few = self.X[: 10 * classes]
        y = labels_of(few, classes)
        y[:classes] = np.arange(classes)
        self.model = AdaGradClassifier(max_iter=1).fit(few, y)
        self.model.predict(few)

    def time_predict(self, column_bits, dtype, classes):
        self.model.predict(self.X)

    def time_predict_proba(self, column_bits, dtype, classes):
        self.model.predict_proba(self.X)

    def track_times_memory_bound(self, column_bits, dtype, classes):
        replay = Replay(self.X, 1 if classes == 2 else classes, scoring=True)
        score = lambda: self.model.decision_function(self.X)  # noqa: E731
        return median_ratios(alternate([replay.run, score], 9))[1]

    track_times_memory_bound.unit = "times"
