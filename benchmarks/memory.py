"""What training needs of memory, beyond the data."""

import tracemalloc

import numpy as np

from benchmarks.data import COLUMN_BITS, DTYPES, FULL, N_ROWS, labels_of, zipf_rows
from benchmarks.epochs import ASV_RULES, RULES
from fastada import AdaGradClassifier


class Fit:
    params = (COLUMN_BITS if FULL else (18,), DTYPES, (2, 20), ASV_RULES)
    param_names = ("column_bits", "dtype", "classes", "rule")
    timeout = 600

    def setup(self, column_bits, dtype, classes, rule):
        if column_bits > 20 and classes > 2:
            raise NotImplementedError("gigabytes, and what they are is known from 2^20 columns")
        self.X = zipf_rows(N_ROWS, 2**column_bits, np.dtype(dtype))
        self.y = labels_of(self.X, classes)
        self.model = AdaGradClassifier(max_iter=2, tol=None, random_state=0, **RULES[rule])

    def peakmem_fit(self, column_bits, dtype, classes, rule):
        """Of the whole process."""
        self.model.fit(self.X, self.y)

    def _traced(self):
        """Bytes that a fitted model keeps, and the most that fit needed.

        NumPy's arrays are counted; what kernels allocate for a row or a batch is not.
        """
        tracemalloc.start()
        try:
            self.model.fit(self.X, self.y)
            return tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    def track_bytes_kept_per_column(self, column_bits, dtype, classes, rule):
        return self._traced()[0] / self.X.shape[1]

    track_bytes_kept_per_column.unit = "bytes"

    def track_copies_of_data(self, column_bits, dtype, classes, rule):
        """What fit needed and gave back, in units of the values and indices of X."""
        kept, peak = self._traced()
        return (peak - kept) / (self.X.data.nbytes + self.X.indices.nbytes)

    track_copies_of_data.unit = "times"
