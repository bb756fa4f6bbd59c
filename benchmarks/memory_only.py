"""The bound: an epoch's traffic through memory and no arithmetic to speak of.

An online epoch streams through indices and values, and for every stored entry reads and writes the
record of its column. Replayed with one addition each in place of square roots, divisions and
losses, at several prefetch distances, the best time is what a kernel can hope for that keeps the
columns where they are. Scoring is replayed likewise, with weights that are only read.
"""

import ctypes
import math

import numpy as np

from benchmarks.compiled import library, pointer
from benchmarks.epochs import seconds

DISTANCES = (4, 16, 32, 64, 128, 256)

SOURCE = r"""
#include <stdint.h>
#include <stddef.h>

static inline void prefetch(const NUMBER *record, const int width, const int write)
{
    for (size_t byte = 0; byte < width * sizeof(NUMBER); byte += 64) {
        if (write) __builtin_prefetch((const char *)record + byte, 1, 3);
        else __builtin_prefetch((const char *)record + byte, 0, 3);
    }
}

/* Two visits of each record, as in training: all of a row are read for its margin before any is
   written. Records hold `width` numbers; small widths get a loop of their own by inlining. */
static inline double train(int64_t n_rows, const int64_t *indptr, const int32_t *columns,
                           const NUMBER *x, NUMBER *records, int64_t distance, const int width)
{
    const int64_t n_entries = indptr[n_rows];
    double total = 0;
    for (int64_t row = 0; row < n_rows; row++) {
        NUMBER margin = 0;
        for (int64_t k = indptr[row]; k < indptr[row + 1]; k++) {
            if (k + distance < n_entries)
                prefetch(records + (size_t)columns[k + distance] * width, width, 1);
            margin += x[k] * records[(size_t)columns[k] * width];
        }
        const NUMBER change = margin * (NUMBER)1e-9;
        for (int64_t k = indptr[row]; k < indptr[row + 1]; k++) {
            NUMBER *record = records + (size_t)columns[k] * width;
            for (int i = 0; i < width; i++) record[i] += change;
        }
        total += margin;
    }
    return total;
}

static inline double score(int64_t n_rows, const int64_t *indptr, const int32_t *columns,
                           const NUMBER *x, const NUMBER *weights, int64_t distance,
                           const int width)
{
    const int64_t n_entries = indptr[n_rows];
    double total = 0;
    for (int64_t row = 0; row < n_rows; row++) {
        NUMBER margins[width];
        for (int i = 0; i < width; i++) margins[i] = 0;
        for (int64_t k = indptr[row]; k < indptr[row + 1]; k++) {
            if (k + distance < n_entries)
                prefetch(weights + (size_t)columns[k + distance] * width, width, 0);
            const NUMBER *weight = weights + (size_t)columns[k] * width;
            for (int i = 0; i < width; i++) margins[i] += x[k] * weight[i];
        }
        for (int i = 0; i < width; i++) total += margins[i];
    }
    return total;
}

double replay_training(int64_t n_rows, const int64_t *indptr, const int32_t *columns,
                       const NUMBER *x, NUMBER *records, int64_t distance, int width)
{
    if (width == 2) return train(n_rows, indptr, columns, x, records, distance, 2);
    if (width == 4) return train(n_rows, indptr, columns, x, records, distance, 4);
    return train(n_rows, indptr, columns, x, records, distance, width);
}

double replay_scoring(int64_t n_rows, const int64_t *indptr, const int32_t *columns,
                      const NUMBER *x, const NUMBER *weights, int64_t distance, int width)
{
    if (width == 1) return score(n_rows, indptr, columns, x, weights, distance, 1);
    return score(n_rows, indptr, columns, x, weights, distance, width);
}
"""


class Replay:
    """The traffic of one epoch over the rows of X.

    Parameters
    ----------
    X : csr_array of float32 or float64
    width : int
        Numbers in a record.
    scoring : bool
        Read only.
    """

    def __init__(self, X, width, scoring=False):
        number = "float" if X.dtype == np.float32 else "double"
        compiled = library(SOURCE, f"-DNUMBER={number}")
        self.function = compiled.replay_scoring if scoring else compiled.replay_training
        self.function.restype = ctypes.c_double
        self.rows = X.indptr.astype(np.int64), X.indices.astype(np.int32), X.data
        self.width = width
        # On the border of a cache line, as the package's own records are.
        raw = np.zeros(X.shape[1] * width + 16, X.dtype)
        self.records = raw[-raw.ctypes.data % 64 // raw.itemsize :]
        self.distance = self._best_distance()

    def _best_distance(self):
        times = {}
        for distance in DISTANCES * 2:
            self.distance = distance
            times[distance] = min(times.get(distance, math.inf), seconds(self.run))
        return min(times, key=times.get)

    def run(self):
        indptr, columns, x = self.rows
        self.function(
            ctypes.c_int64(len(indptr) - 1),
            pointer(indptr),
            pointer(columns),
            pointer(x),
            pointer(self.records),
            ctypes.c_int64(self.distance),
            ctypes.c_int(self.width),
        )
