"""Training that survives the death of its process.

A checkpoint is a model's file with the place in the epochs beside it: any command that reads
models reads it. It is written between two buffers, when no row is half learned; what follows
depends on what is in it, on the options and on the file alone.
"""

from __future__ import annotations

import os
import zlib
from typing import Any, cast

import numpy as np

from fastada.formats import DataFile, FormatError
from fastada.persistence.atomic import remove_leftovers
from fastada.persistence.container import ModelFileError, open_model
from fastada.persistence.values import number, numbers, truth
from fastada.stream import model_files
from fastada.stream.options import Features, Learning
from fastada.stream.trained import Trained

SUFFIX = ".checkpoint"
# Of the beginning and the end of a file, what is looked at to tell it from another.
SAMPLE = 1 << 16


class Place:
    """How far a training has come.

    Attributes
    ----------
    n_rows : int
        Rows of the file.
    kept : bool
        Whether they are held in memory.
    losses : list of float
        Of the epochs that are over.
    chunks, rows, n_bytes : int
        Of the file, learned in the epoch that is not.
    visits, loss : float
        Rows learned in it, and the sum of their losses.
    skipped : dict
        Rows that could not be used, by what was wrong with them.
    random : dict
        State of the generator of orders.
    """

    def __init__(self) -> None:
        self.n_rows = 0
        self.kept = True
        self.losses: list[float] = []
        self.skipped: dict[str, int] = {}
        self.random: dict[str, Any] = {}
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Nothing of the next epoch has been learned."""
        self.chunks = self.rows = self.n_bytes = self.visits = 0
        self.loss = 0.0


class Checkpoints:
    """Writes checkpoints of one training, and reads the last.

    Parameters
    ----------
    model : str
        Where the model will be saved; checkpoints are beside it.
    every : int or None
        Rows to learn from one checkpoint to the next. None writes none.
    file : DataFile
    features : Features
    learning : Learning
    """

    def __init__(
        self,
        model: str,
        every: int | None,
        file: DataFile,
        features: Features,
        learning: Learning,
    ) -> None:
        if file.source.is_stdin:
            raise FormatError("standard input cannot be read again: checkpoints need a file")
        self.path = model + SUFFIX
        self.every = every
        self._since = 0
        same = learning._asdict()
        # These change no bit of what is learned until then.
        del same["threads"], same["epochs"]
        self._run = {
            "file": {"format": file.format, **_fingerprint(file.source.path)},
            "features": features.as_dict(),
            "learning": same,
        }
        for path in (model, self.path):
            remove_leftovers(path)

    def is_due(self, n_rows: int) -> bool:
        """Count rows that have been learned; True if it is time for a checkpoint."""
        self._since += n_rows
        return self.every is not None and self._since >= self.every

    def write(self, trained: Trained, place: Place) -> None:
        """Replace the last checkpoint."""
        model_files.save(trained, self.path, beside={"place": vars(place), **self._run})
        self._since = 0

    def read(self) -> tuple[Trained, Place] | None:
        """Read the last checkpoint; None if there is none.

        Raises
        ------
        ModelFileError
            If it is damaged, or is of another training.
        """
        try:
            with open_model(self.path) as file:
                about = file.metadata.get("checkpoint")
                if about is None:
                    raise ModelFileError(
                        "it is a model and no checkpoint; remove it, or give MODEL another name"
                    )
                place = _place(about["place"])
                trained = model_files.from_file(file, file.metadata)
        except FileNotFoundError:
            return None
        for part, values in self._run.items():
            for name, value in values.items():
                if about[part].get(name) != value:
                    raise ModelFileError(
                        f"{self.path} is of another training: {part} {name} was "
                        f"{about[part].get(name)!r} and is {value!r}"
                    )
        return trained, place

    def remove(self) -> None:
        """Remove the checkpoint, if there is one."""
        if os.path.exists(self.path):
            os.unlink(self.path)


def generator(found: dict[str, Any]) -> np.random.Generator:
    """Make the generator whose state this is."""
    bits = np.random.PCG64()
    bits.state = cast(Any, found)
    return np.random.Generator(bits)


def _place(found: dict[str, Any]) -> Place:
    place = Place()
    if found.keys() != vars(place).keys():
        raise ModelFileError("its place in the training is not one")
    vars(place).update(found)
    for name in ("n_rows", "chunks", "rows", "n_bytes", "visits"):
        number(name, found[name], 0, 2**62, whole=True)
    truth("kept", place.kept)
    number("loss", place.loss)
    numbers("losses", place.losses)
    for kind, count in place.skipped.items():
        number(kind, count, 0, whole=True)
    state = place.random["state"]
    number("random", state["state"], 0, 2**128 - 1, whole=True)
    number("random", state["inc"], 0, 2**128 - 1, whole=True)
    number("random", place.random["has_uint32"], 0, 1, whole=True)
    number("random", place.random["uinteger"], 0, 2**32 - 1, whole=True)
    return place


def _fingerprint(path: str) -> dict[str, int]:
    """Size, and a checksum of beginning and end."""
    with open(path, "rb") as file:
        crc = zlib.crc32(file.read(SAMPLE))
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - SAMPLE))
        return {"size": size, "crc32": zlib.crc32(file.read(), crc)}
