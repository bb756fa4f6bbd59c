"""A file larger than memory: peak memory and throughput of `fastada train`, by size of file.

asv runs the class on small files; `python benchmarks/stream.py --gigabytes 0.25 1 4` makes files of
those sizes, and prints the peak memory of the whole process, and for each tenth of its first pass
and of its epoch the MB by second, and by second of the processor's time, which other processes
disturb less.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

MEMORY_MB = 256
BLOCKS = 32

# Peak memory is that of this child alone; it prints what the passes' tenths took.
CHILD = """
import resource, sys, time
from fastada.cli import main
from fastada.cli.progress import ProgressReport
marks, total = {}, int(sys.argv[1])
def now(n_bytes):
    return time.perf_counter(), time.process_time(), n_bytes
begun = now(0)
def read(self, task, rows, n_bytes, loss):
    marks[task, min(9, 10 * n_bytes // total)] = now(n_bytes)
ProgressReport.read = read
code = main(sys.argv[2:])
last = begun
for (task, tenth), mark in marks.items():
    if mark[2] < last[2]:
        last = (*last[:2], 0)
    seconds, of_processor, n_bytes = (b - a for a, b in zip(last, mark))
    mb = n_bytes / 1e6
    print(f"{task} {tenth + 1}: {mb / seconds:.0f} MB/s, {mb / of_processor:.0f}")
    last = mark
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"peak {peak:.0f} MB")
sys.exit(code)
"""


def write_file(path, n_bytes):
    """Zipf-distributed words, 200 a row, in blocks that are repeated in turn."""
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"w{i:x}" for i in range(200_000)])
    blocks = []
    for _ in range(BLOCKS):
        rows = []
        for label in rng.integers(2, size=500):
            found = (rng.zipf(1.15, size=200) * 2 + label * (rng.random(200) < 0.1)) % 200_000
            rows.append(f"c{label}\t{' '.join(vocabulary[found])}\n")
        blocks.append("".join(rows).encode())
    with open(path, "wb") as file:
        while file.tell() < n_bytes:
            file.writelines(blocks)


def run(path, threads):
    command = [sys.executable, "-c", CHILD, str(os.stat(path).st_size), "train", str(path)]
    flags = ["--epochs", "1", "--memory", str(MEMORY_MB), "--threads", str(threads)]
    child = subprocess.run(
        [*command, f"{path}.safetensors", *flags],
        check=True,
        capture_output=True,
        text=True,
    )
    return child.stdout


class LargerThanMemory:
    """Peak memory must not grow with the file."""

    params = (64, 128)
    param_names = ("megabytes",)
    timeout = 300

    def setup(self, megabytes):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "train.tsv"
        write_file(self.path, megabytes * 1_000_000)

    def teardown(self, _):
        self.folder.cleanup()

    def track_peak(self, _):
        return float(re.search(r"peak (\d+)", run(self.path, 1)).group(1))

    track_peak.unit = "MB"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[0.25, 1, 4])
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for gigabytes in args.gigabytes:
            path = Path(folder) / "train.tsv"
            write_file(path, gigabytes * 1e9)
            start = time.perf_counter()
            print(f"--- {os.stat(path).st_size / 1e9:.2f} GB")
            print(run(path, args.threads), end="")
            print(f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
