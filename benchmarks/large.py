"""A fit at real size: more than 2^31 stored entries.

    python -m benchmarks.large FOLDER

The entries, float32 and int32, are files in the folder, 17.5 GB, removed at the end. One epoch over
them is to give every bit of a reference that gets the same block of rows again and again, and the
last rows the margins that they have in a matrix of their own.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from fastada import AdaGradClassifier

from .soak import FIXED, check_equal, rows_of


def tiled(folder, name, block, n_copies):
    """Give the block over and over as a file, mapped."""
    path = Path(folder, name)
    with open(path, "wb") as file:
        for _ in range(n_copies):
            file.write(block)
    return np.memmap(path, dtype=block.dtype, mode="r")


def report(what, start):
    """Print wall time, CPU time, and memory at present that is not a file's."""
    status = Path("/proc/self/status").read_text()
    private = next(int(line.split()[1]) for line in status.splitlines() if "RssAnon" in line)
    print(
        f"{what}: {time.perf_counter() - start:.0f} s; CPU so far {time.process_time():.0f} s; "
        f"memory besides the files {private / 2**20:.2f} GB",
        flush=True,
    )


def main(folder):
    block, y = rows_of(0, 500_000, 100)
    n_copies = 2**31 // block.nnz + 1
    start = time.perf_counter()
    # SciPy's constructor would make both index arrays int64.
    X = sp.csr_array((n_copies * block.shape[0], block.shape[1]), dtype=np.float32)
    X.data = tiled(folder, "data", block.data, n_copies)
    X.indices = tiled(folder, "indices", block.indices, n_copies)
    begins = np.arange(n_copies)[:, np.newaxis] * np.int64(block.nnz) + block.indptr[:-1]
    X.indptr = np.append(begins.ravel(), len(X.data))
    report(f"{X.nnz:,} entries = 2^31 + {X.nnz - 2**31:,}", start)
    start = time.perf_counter()
    model = AdaGradClassifier(**FIXED, shuffle=False, max_iter=1, tol=None).fit(
        X, np.tile(y, n_copies)
    )
    report("fit", start)
    start = time.perf_counter()
    margins = model.decision_function(X)
    report("margins", start)
    assert np.array_equal(margins[-1000:], model.decision_function(block[-1000:]))
    assert np.array_equal(margins[: len(y)], margins[-len(y) :])
    reference = AdaGradClassifier(**FIXED)
    for _ in range(n_copies):
        reference.partial_fit(block, y, classes=[0, 1])
    check_equal(model, reference)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder")
    with tempfile.TemporaryDirectory(dir=parser.parse_args().folder) as place:
        main(place)
