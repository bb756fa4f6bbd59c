"""From the binary file that it makes of its text; only the epochs are timed, told by its output."""

import os
import threading
import time

import numpy as np
import xlearn

from benchmarks.peers.rows import sigmoids, write_text


def _write(path, rows):
    # It takes lines of 500 kB at most, of which digits are most.
    write_text(path, rows, str, "{}:{:.6g}".format)
    return str(path)


def _times_of_lines(run):
    """Run something that prints; return its lines with the moment each of them came."""
    lines = []
    reading, writing = os.pipe()

    def read():
        with os.fdopen(reading) as pipe:
            lines.extend((time.perf_counter(), line) for line in pipe)

    reader = threading.Thread(target=read)
    reader.start()
    stdout = os.dup(1)
    os.dup2(writing, 1)
    os.close(writing)
    try:
        run()
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
        reader.join()
    return lines


# Without it, it ends the process.
os.environ.setdefault("USER", "somebody")


class Peer:
    def __init__(self, rows, folder):
        self.folder = folder
        self.train = _write(folder / "train.xlearn", rows)
        self.model = str(folder / "model.xlearn")
        # Makes the binary file beside the text.
        self.fit(1, epochs=1)

    def fit(self, threads, epochs, **setting):
        linear = xlearn.create_linear()
        linear.setTrain(self.train)
        linear.disableEarlyStop()
        # Rows are taken as they are, as by everybody else.
        linear.disableNorm()
        options = {"task": "binary", "opt": "adagrad", "lambda": 0.0, "epoch": epochs}
        options |= {"nthread": threads, **setting}
        lines = _times_of_lines(lambda: linear.fit(options, self.model))
        started = next(moment for moment, line in lines if "Start to train" in line)
        epochs_done = [moment for moment, line in lines if "%" in line]
        return epochs_done[-1] - started

    def predict_proba(self, rows):
        linear = xlearn.create_linear()
        found = self.folder / "predictions.xlearn"
        linear.setTest(_write(self.folder / "test.xlearn", rows))
        linear.disableNorm()
        _times_of_lines(lambda: linear.predict(self.model, str(found)))
        return sigmoids(np.loadtxt(found))
