"""The types each kernel is compiled for: weights and values of one type, with either index type."""

from libc.stdint cimport int32_t, int64_t

ctypedef fused weight_t:
    float
    double

ctypedef fused index_t:
    int32_t
    int64_t
