"""From a raw text file to a saved model and its test accuracy, whole processes.

asv runs the class on a made-up file; `python -m benchmarks.end_to_end` prints alternating runs on
IMDB, where it is at hand, of `fastada train` and of those peers that are installed: Vowpal Wabbit
(`vw` on the path, or `pip install vowpalwabbit`) and fastText (`fasttext` on the path), both on
text that has been brought into their format and cleaned beforehand, and scikit-learn's two usual
pipelines. Starting up, which is in every time, is shown apart.
"""

import argparse
import importlib.util
import json
import lzma
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.data import REAL_DATA

IMDB = REAL_DATA / "imdb"
# Installed packages have their bytecode beside them.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

SKLEARN_IMPORTS = """
import sys
import joblib
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
"""
SKLEARN_READ = """
with open(sys.argv[1], encoding="utf-8") as file:
    y, X = zip(*(line.rstrip("\\n").split("\\t", 1) for line in file))
"""
SKLEARN_PIPELINES = {
    "scikit-learn, hashing + SGD, 5 epochs": """
model = make_pipeline(
    HashingVectorizer(ngram_range=(1, 2), alternate_sign=False),
    SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=5, tol=None, random_state=0),
)
""",
    "scikit-learn, tf-idf + liblinear": """
model = make_pipeline(
    TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
    LogisticRegression(C=100, solver="liblinear"),
)
""",
}
VW_FLAGS = ("--quiet", "-b", "20", "--ngram", "2", "--loss_function", "logistic")


def run(*command):
    return subprocess.run(
        list(map(str, command)), check=True, capture_output=True, text=True, env=ENVIRONMENT
    ).stdout


def python(code, *args):
    return run(sys.executable, "-c", code, *args)


class Fastada:
    """`fastada train`, one process."""

    missing = None

    def __init__(self, epochs, threads):
        plural = "s" if threads > 1 else ""
        self.name = f"fastada, {epochs} epoch{'s' * (epochs > 1)}, {threads} thread{plural}"
        self.model = f"fastada-{epochs}-{threads}"
        self.flags = ("--epochs", epochs, "--threads", threads, "--quiet")

    def start_up(self):
        python("import numpy")

    def train(self, folder):
        run(
            sys.executable,
            "-m",
            "fastada",
            "train",
            folder / "train.tsv",
            folder / self.model,
            *self.flags,
        )

    def accuracy(self, folder):
        command = ("evaluate", folder / self.model, folder / "test.tsv", "--json", "--quiet")
        return json.loads(run(sys.executable, "-m", "fastada", *command))["accuracy"]


class VowpalWabbit:
    """`vw`, which parses in one thread and learns in another."""

    def __init__(self, passes):
        self.name = f"Vowpal Wabbit, {passes} pass{'es' * (passes > 1)}"
        self.passes = passes
        self.model = f"vw-{passes}"
        binary = shutil.which("vw")
        package = importlib.util.find_spec("vowpalwabbit") is not None
        self.missing = None if binary or package else "neither `vw` nor the package is installed"
        self.command = [binary] if binary else [sys.executable, "-m", "vowpalwabbit"]

    def start_up(self):
        run(*self.command, "-d", os.devnull, *VW_FLAGS)

    def train(self, folder):
        more = ()
        if self.passes > 1:
            cache = folder / "vw.cache"
            cache.unlink(missing_ok=True)
            more = ("--passes", self.passes, "--cache_file", cache)
        run(*self.command, "-d", folder / "train.vw", *VW_FLAGS, "-f", folder / self.model, *more)

    def accuracy(self, folder):
        out = folder / "vw.out"
        flags = ("--quiet", "-t", "-i", folder / self.model, "-p", out)
        run(*self.command, "-d", folder / "test.vw", *flags)
        found = np.loadtxt(out) > 0
        truth = [line.startswith("1") for line in (folder / "test.vw").open(encoding="utf-8")]
        return float(np.mean(found == np.array(truth)))


class FastText:
    """`fasttext supervised`."""

    def __init__(self, threads):
        self.name = f"fastText, {threads} thread{'s' * (threads > 1)}"
        self.threads = threads
        self.missing = None if shutil.which("fasttext") else "`fasttext` is not on the path"

    def start_up(self):
        subprocess.run(["fasttext"], capture_output=True)

    def train(self, folder):
        flags = ("-wordNgrams", 2, "-lr", 0.5, "-dim", 10, "-thread", self.threads, "-verbose", 0)
        command = ("fasttext", "supervised", "-input", folder / "train.ft")
        run(*command, "-output", folder / "ft", *flags)

    def accuracy(self, folder):
        found = run("fasttext", "test", folder / "ft.bin", folder / "test.ft")
        return float(re.search(r"P@1\s+([\d.]+)", found).group(1))


class ScikitLearn:
    """A pipeline, one process."""

    missing = None

    def __init__(self, name):
        self.name = name
        self.model = "sklearn-" + name[-9:]
        self.code = SKLEARN_PIPELINES[name]

    def start_up(self):
        python(SKLEARN_IMPORTS)

    def train(self, folder):
        code = SKLEARN_IMPORTS + SKLEARN_READ + self.code
        code += "joblib.dump(model.fit(X, y), sys.argv[2])"
        python(code, folder / "train.tsv", folder / self.model)

    def accuracy(self, folder):
        code = SKLEARN_IMPORTS + SKLEARN_READ + "print(joblib.load(sys.argv[2]).score(X, y))"
        return float(python(code, folder / "test.tsv", folder / self.model))


PEERS = {
    "fastada": [Fastada(1, 2), Fastada(1, 1), Fastada(5, 2)],
    "vw": [VowpalWabbit(1), VowpalWabbit(5)],
    "fasttext": [FastText(2)],
    "sgd": [ScikitLearn("scikit-learn, hashing + SGD, 5 epochs")],
    "liblinear": [ScikitLearn("scikit-learn, tf-idf + liblinear")],
}


def write_made_up(path, n_rows=5_000, words=150):
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"word{i}" for i in range(50_000)])
    with open(path, "w") as file:
        for label in rng.integers(2, size=n_rows):
            found = (rng.zipf(1.2, size=words) * 2 + label * (rng.random(words) < 0.1)) % 50_000
            file.write(f"c{label}\t{' '.join(vocabulary[found])}\n")


def write_imdb(folder):
    """The file as it is, and in the peers' formats: words in lower case, a space between two."""
    for part in ("train", "test"):
        with lzma.open(IMDB / f"{part}.tsv.xz") as file:
            data = file.read()
        (folder / f"{part}.tsv").write_bytes(data)
        with (
            open(folder / f"{part}.vw", "w", encoding="utf-8") as vw,
            open(folder / f"{part}.ft", "w", encoding="utf-8") as ft,
        ):
            for line in data.decode().rstrip("\n").split("\n"):
                label, text = line.split("\t", 1)
                words = " ".join(re.findall(r"\b\w\w+\b", text.lower()))
                vw.write(f"{1 if label == 'pos' else -1} | {words}\n")
                ft.write(f"__label__{label} {words}\n")


class TrainCommand:
    """`fastada train` as a process, and Python's start-up that is in it."""

    def setup(self):
        self.folder = tempfile.TemporaryDirectory()
        write_made_up(Path(self.folder.name) / "train.tsv")

    def teardown(self):
        self.folder.cleanup()

    def time_start_up(self):
        Fastada(1, 1).start_up()

    def time_train_one_epoch(self):
        Fastada(1, 1).train(Path(self.folder.name))


def seconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def compare(peers, n_runs):
    for peer in peers:
        if peer.missing:
            print(f"{peer.name:40} left out: {peer.missing}")
    peers = [peer for peer in peers if not peer.missing]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_imdb(folder)
        rounds = [
            [(seconds(peer.train, folder), seconds(peer.start_up)) for peer in peers]
            for _ in range(n_runs)
        ]
        print(f"{'':40} {'seconds':>8} {'start-up':>9} {'times':>6} {'beyond':>7} {'accuracy':>9}")
        for k, peer in enumerate(peers):
            whole, start = (statistics.median(r[k][i] for r in rounds) for i in (0, 1))
            # Against the first of them, run by run.
            times = statistics.median(r[k][0] / r[0][0] for r in rounds)
            beyond = statistics.median((r[k][0] - r[k][1]) / (r[0][0] - r[0][1]) for r in rounds)
            print(
                f"{peer.name:40} {whole:8.3f} {start:9.3f} {times:6.2f} {beyond:7.2f}"
                f" {peer.accuracy(folder):9.4f}",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    args = parser.parse_args()
    compare([peer for name in args.peers for peer in PEERS[name]], args.runs)


if __name__ == "__main__":
    main()
