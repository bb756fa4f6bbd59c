"""The training kernel alone: one epoch over rows that have been checked, as they come.

FASTADA_BENCH_FULL=1 runs all sizes, 2^14 to 2^24 columns and up to 172 classes.
"""

import numpy as np

from benchmarks.data import COLUMN_BITS, DTYPES, FULL, N_ROWS, labels_of, zipf_rows
from benchmarks.epochs import ASV_RULES, RULES, Epoch, alternate, median_ratios
from benchmarks.memory_only import Replay

N_ROUNDS = 9


class Binary:
    params = (COLUMN_BITS, DTYPES, ASV_RULES)
    param_names = ("column_bits", "dtype", "rule")
    timeout = 600

    def setup(self, column_bits, dtype, rule):
        self.X = zipf_rows(N_ROWS, 2**column_bits, np.dtype(dtype))
        self.epoch = Epoch(self.X, labels_of(self.X), **RULES[rule])

    def time_epoch(self, column_bits, dtype, rule):
        self.epoch.run()

    def track_times_memory_bound(self, column_bits, dtype, rule):
        # The bound of the record that plain AdaGrad needs, {weight, accumulator}, for every rule.
        replay = Replay(self.X, 2)
        return median_ratios(alternate([replay.run, self.epoch.run], N_ROUNDS))[1]

    track_times_memory_bound.unit = "times"


class Multiclass:
    params = (
        COLUMN_BITS[:-2] if FULL else (18,),
        (3, 20, 172) if FULL else (20,),
        ("ovr", "multinomial"),
        ASV_RULES if FULL else ("COMID",),
    )
    param_names = ("column_bits", "classes", "multi_class", "rule")
    timeout = 600

    def setup(self, column_bits, classes, multi_class, rule):
        self.X = zipf_rows(N_ROWS, 2**column_bits)
        y = labels_of(self.X, classes)
        self.epoch = Epoch(self.X, y, multi_class=multi_class, **RULES[rule])
        self.binary = Epoch(self.X, y > 0, **RULES[rule])

    def time_epoch(self, column_bits, classes, multi_class, rule):
        self.epoch.run()

    def track_times_memory_bound(self, column_bits, classes, multi_class, rule):
        replay = Replay(self.X, 2 * classes)
        return median_ratios(alternate([replay.run, self.epoch.run], N_ROUNDS))[1]

    track_times_memory_bound.unit = "times"

    def track_class_against_binary(self, column_bits, classes, multi_class, rule):
        """Cost of an entry and class over that of an entry with two classes."""
        ratios = median_ratios(alternate([self.binary.run, self.epoch.run], N_ROUNDS))
        return ratios[1] / classes

    track_class_against_binary.unit = "times"
