"""Models to files and back: how long saving and loading take, by number of columns.

asv runs the classes; `python -m benchmarks.files` prints the figures at 2^20 and 2^22 columns.
Files are in the page cache when they are loaded, and saving waits for the disk.
"""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.data import FULL, labels_of, zipf_rows
from fastada import AdaGradClassifier, load
from fastada.persistence import atomic

OPTIONS = {
    "training": {},
    "serving": {"serving": True},
    "serving, float16": {"serving": True, "float16": True},
    "serving, no zeros": {"serving": True, "drop_zeros": True},
}


def trained(column_bits):
    X = zipf_rows(2000, 2**column_bits, np.dtype(np.float32))
    return AdaGradClassifier(max_iter=1, tol=None, random_state=0).fit(X, labels_of(X, 2))


class Files:
    params = ((20, 22) if FULL else (20,), tuple(OPTIONS))
    param_names = ("column_bits", "saved_for")

    def setup(self, column_bits, saved_for):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "model"
        self.model = trained(column_bits)
        self.options = OPTIONS[saved_for]
        self.model.save(self.path, **self.options)

    def teardown(self, column_bits, saved_for):
        self.folder.cleanup()

    def time_save(self, column_bits, saved_for):
        self.model.save(self.path, **self.options)

    def time_load(self, column_bits, saved_for):
        load(self.path)

    def time_map(self, column_bits, saved_for):
        load(self.path, mmap=True)

    def track_size(self, column_bits, saved_for):
        return self.path.stat().st_size

    track_size.unit = "bytes"


def milliseconds(function, n=15):
    """Median, and the least of the runs."""
    times = []
    for _ in range(n):
        start = time.perf_counter()
        function()
        times.append(1e3 * (time.perf_counter() - start))
    return f"{statistics.median(times):7.1f} ({min(times):5.1f})"


def main():
    print(f"{'columns':>10}  {'saved for':18}{'MB':>6}{'save':>16}{'no fsync':>16}", end="")
    print(f"{'load':>16}{'map':>16}   ms: median (least)")
    for bits in (20, 22):
        model = trained(bits)
        for name, options in OPTIONS.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "model"
                save = milliseconds(lambda: model.save(path, **options))  # noqa: B023
                fsync, atomic.os.fsync = atomic.os.fsync, lambda _: None
                unsynced = milliseconds(lambda: model.save(path, **options))  # noqa: B023
                atomic.os.fsync = fsync
                row = [save, unsynced, milliseconds(lambda: load(path))]  # noqa: B023
                row.append(milliseconds(lambda: load(path, mmap=True)))  # noqa: B023
                size = path.stat().st_size / 1e6
            print(f"{2**bits:10,}  {name:18}{size:6.1f}" + "".join(f"{t:>16}" for t in row))


if __name__ == "__main__":
    main()
