"""Elastic-net COMID that sweeps every column at every step, compiled: what laziness is to beat.

Margin and gradient are sparse here too; dense is the proximal step, which moves every weight. It
comes in three ways, all of which give the same weights:

    plain        the textbook formula, one column after the other
    vectorised   the same, by the compiler's SIMD: 4 floats at a time on any x86-64
    cached       moreover threshold and shrinkage of every column kept ready-made, so that a sweep
                 is a subtraction, a maximum and a multiplication per column, and what is left of
                 it is traffic through memory: no dense update can do less
"""

import ctypes

import numpy as np

from benchmarks.compiled import library, pointer

SOURCE = r"""
#include <math.h>
#include <stdint.h>

typedef struct { float rate, epsilon, l1, l2; } rule;

static inline float shrunk(float w, float threshold, float factor)
{
    float size = fabsf(w) - threshold;
    return copysignf((size > 0 ? size : 0) * factor, w);
}

static void sweep(rule r, int64_t n_columns, float *restrict w, const float *restrict G)
{
    for (int64_t j = 0; j < n_columns; j++) {
        const float H = r.epsilon + sqrtf(G[j]);
        const float size = fabsf(w[j]) - r.rate * r.l1 / H;
        w[j] = copysignf((size > 0 ? size : 0) / (1 + r.rate * r.l2 / H), w[j]);
    }
}

static void sweep_cached(int64_t n_columns, float *restrict w, const float *restrict threshold,
                         const float *restrict factor)
{
    for (int64_t j = 0; j < n_columns; j++) w[j] = shrunk(w[j], threshold[j], factor[j]);
}

/* `threshold` and `factor` are NULL unless cached. */
void dense_epoch(rule r, int64_t n_rows, int64_t n_columns, const int64_t *indptr,
                 const int32_t *columns, const float *x, const double *y,
                 float *w, float *G, float *threshold, float *factor)
{
    for (int64_t row = 0; row < n_rows; row++) {
        double margin = 0;
        for (int64_t k = indptr[row]; k < indptr[row + 1]; k++) margin += w[columns[k]] * x[k];
        const float slope = (float)(-y[row] / (1 + exp(y[row] * margin)));
        for (int64_t k = indptr[row]; k < indptr[row + 1]; k++) {
            const int32_t j = columns[k];
            const float g = slope * x[k];
            G[j] += g * g;
            const float H = r.epsilon + sqrtf(G[j]);
            w[j] -= r.rate * g / H;
            if (threshold) {
                threshold[j] = r.rate * r.l1 / H;
                factor[j] = 1 / (1 + r.rate * r.l2 / H);
            }
        }
        if (threshold) sweep_cached(n_columns, w, threshold, factor);
        else sweep(r, n_columns, w, G);
    }
}
"""

WAYS = {
    "plain": ("-fno-tree-vectorize", "-fno-tree-slp-vectorize"),
    "vectorised": (),
    "cached": (),
}


class Rule(ctypes.Structure):
    _fields_ = [(name, ctypes.c_float) for name in ("rate", "epsilon", "l1", "l2")]


class DenseEpoch:
    """One way to sweep.

    Parameters
    ----------
    way : a key of WAYS
    X : csr_array of float32
    y : ndarray of float64
        -1 or +1.
    rate, epsilon, l1, l2, initial_accumulator : float
    """

    def __init__(self, way, X, y, *, rate, epsilon, l1, l2, initial_accumulator):
        self.function = library(SOURCE, *WAYS[way]).dense_epoch
        self.rule = Rule(rate, epsilon, l1, l2)
        self.rows = X.indptr.astype(np.int64), X.indices.astype(np.int32), X.data, y
        self.w = np.zeros(X.shape[1], np.float32)
        self.G = np.full(X.shape[1], initial_accumulator, np.float32)
        self.cached = []
        if way == "cached":
            H = epsilon + np.sqrt(self.G)
            self.cached = [rate * l1 / H, 1 / (1 + rate * l2 / H)]
            self.cached = [array.astype(np.float32) for array in self.cached]

    def run(self):
        arrays = [*self.rows, self.w, self.G, *self.cached]
        self.function(
            self.rule,
            ctypes.c_int64(len(self.rows[0]) - 1),
            ctypes.c_int64(len(self.w)),
            *(pointer(array) for array in arrays),
            *([None] * (2 - len(self.cached))),
        )
