"""From a raw text file to a saved model and its test accuracy, whole processes.

asv runs the class on a made-up file; `python benchmarks/end_to_end.py` prints alternating runs on
IMDB, where it is at hand, of `fastada train` and of scikit-learn's HashingVectorizer with
SGDClassifier, and the start-up of Python with NumPy apart.
"""

import argparse
import json
import lzma
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

IMDB = Path(__file__).parents[2] / "shared" / "data" / "imdb"

SKLEARN = """
import sys
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier
import joblib
with open(sys.argv[1], encoding="utf-8") as file:
    y, X = zip(*(line.rstrip("\\n").split("\\t", 1) for line in file))
vectorizer = HashingVectorizer(ngram_range=(1, 2), alternate_sign=False)
model = SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=5, tol=None, random_state=0)
joblib.dump(model.fit(vectorizer.transform(X), y), sys.argv[2])
"""
SKLEARN_SCORE = """
import sys
import joblib
from sklearn.feature_extraction.text import HashingVectorizer
with open(sys.argv[2], encoding="utf-8") as file:
    y, X = zip(*(line.rstrip("\\n").split("\\t", 1) for line in file))
vectorizer = HashingVectorizer(ngram_range=(1, 2), alternate_sign=False)
print(joblib.load(sys.argv[1]).score(vectorizer.transform(X), y))
"""


def fastada(*args):
    command = [sys.executable, "-m", "fastada", *map(str, args), "--quiet"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def python(code, *args):
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def write_made_up(path, n_rows=5_000, words=150):
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"word{i}" for i in range(50_000)])
    with open(path, "w") as file:
        for label in rng.integers(2, size=n_rows):
            found = (rng.zipf(1.2, size=words) * 2 + label * (rng.random(words) < 0.1)) % 50_000
            file.write(f"c{label}\t{' '.join(vocabulary[found])}\n")


class TrainCommand:
    """`fastada train` as a process, and Python's start-up that is in it."""

    def setup(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "train.tsv"
        self.model = Path(self.folder.name) / "model.safetensors"
        write_made_up(self.file)

    def teardown(self):
        self.folder.cleanup()

    def time_start_up(self):
        python("import numpy")

    def time_train_one_epoch(self):
        fastada("train", self.file, self.model, "--epochs", 1)


def compare(n_runs, with_sklearn):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("train", "test"):
            with lzma.open(IMDB / f"{part}.tsv.xz") as file:
                (folder / f"{part}.tsv").write_bytes(file.read())
        train, test = folder / "train.tsv", folder / "test.tsv"
        models = {}
        runs = {"python + numpy": lambda: python("import numpy")}
        for threads in (1, 2):
            for epochs in (1, 5):
                label = f"fastada, {epochs} epochs, {threads} threads"
                models[label] = folder / label
                flags = ("--epochs", epochs, "--threads", threads)
                runs[label] = lambda m=models[label], f=flags: fastada("train", train, m, *f)
        if with_sklearn:
            runs["scikit-learn"] = lambda: python(SKLEARN, train, folder / "sklearn")
        seconds = {label: [] for label in runs}
        for _ in range(n_runs):
            for label, run in runs.items():
                start = time.perf_counter()
                run()
                seconds[label].append(time.perf_counter() - start)
        for label, times in seconds.items():
            accuracy = ""
            if label in models:
                result = json.loads(fastada("evaluate", models[label], test, "--json"))
                accuracy = f"{result['accuracy']:.4f}"
            elif label == "scikit-learn":
                accuracy = f"{float(python(SKLEARN_SCORE, folder / 'sklearn', test)):.4f}"
            print(f"{label:30}{statistics.median(times):8.2f} s{accuracy:>9}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sklearn", action="store_true")
    compare(**{"n_runs": (args := parser.parse_args()).runs, "with_sklearn": args.sklearn})
