"""From its cache file, by the loop of the command line: parser and learner are threads."""

from pathlib import Path

import numpy as np
from vowpalwabbit import Workspace

from benchmarks.peers.rows import write_text


def _text_and_cache(folder, part, rows):
    text, cache = folder / f"{part}.vw", folder / f"{part}.vw.cache"
    if rows.n_classes == 2:
        write_text(text, rows, lambda y: f"{2 * y - 1} |", "{}:{:.7g}".format)
    else:
        write_text(text, rows, lambda y: f"{y + 1} |", "{}:{:.7g}".format)
    return f"-d {text} --cache_file {cache} --quiet --no_stdin"


class Peer:
    def __init__(self, rows, folder: Path):
        self.folder, self.n_classes = folder, rows.n_classes
        self.source = _text_and_cache(folder, "train", rows)
        # Reads the text and leaves the cache behind.
        self._run(f"{self.source} --noop")

    def _run(self, arguments):
        workspace = Workspace(arguments)
        workspace.finish()

    def fit(self, threads, epochs, flags="", **setting):
        options = " ".join(f"--{name} {value}" for name, value in setting.items())
        many = f"--oaa {self.n_classes}" if self.n_classes > 2 else ""
        self.workspace = Workspace(
            f"{self.source} --loss_function logistic --holdout_off --passes {epochs} "
            f"{flags} {options} {many}"
        )

    def predict_proba(self, rows):
        model, found = self.folder / "model.vw", self.folder / "predictions.vw"
        self.workspace.save(model)
        self.workspace.finish()
        kind = "--probabilities" if self.n_classes > 2 else "--link logistic"
        source = _text_and_cache(self.folder, "test", rows)
        self._run(f"{source} -t -i {model} -p {found} {kind}")
        with open(found) as lines:
            if self.n_classes == 2:
                second = np.array([float(line) for line in lines])
                return np.column_stack([1 - second, second])
            return np.array(
                [[float(field.split(":")[1]) for field in line.split()] for line in lines]
            )
