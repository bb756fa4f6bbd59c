"""Its words are the columns' numbers: it has no values. It hashes and reads its file each time."""

import fasttext
import numpy as np

from benchmarks.peers.rows import entries, write_text


class Peer:
    def __init__(self, rows, folder):
        self.path, self.n_classes = folder / "train.fasttext", rows.n_classes
        write_text(self.path, rows, "__label__{}".format, lambda column, value: str(column))

    def fit(self, threads, epochs, **setting):
        self.model = fasttext.train_supervised(
            str(self.path), epoch=epochs, thread=threads, verbose=0, bucket=0, **setting
        )

    def predict_proba(self, rows):
        lines = [" ".join(map(str, columns)) for columns, _ in entries(rows.X)]
        # Given one line, not a list, it wants NumPy before 2.
        found = np.zeros((len(lines), self.n_classes))
        for row, labels, shares in zip(found, *self.model.predict(lines, k=-1), strict=True):
            row[[int(label.removeprefix("__label__")) for label in labels]] = shares
        return found
