"""Files that are damaged or made up, by the thousand.

python -m tests.persistence.mutations 100000 tries as many and prints what became of them. A file
must be refused by ModelFileError, or give a model that predicts; whatever it claims, little memory
may be taken for it.
"""

import json
import random
import re
import sys
import tempfile
import time
import tracemalloc
import zlib
from collections import Counter
from pathlib import Path

import numpy as np

from fastada import AdaGradClassifier, AdaGradRegressor, TextClassifier, load
from fastada.persistence import ModelFileError, container
from fastada.stream import model_files
from fastada.stream.trained import Trained

from .going_on import make_data, make_texts

# Models here have some kilobytes. A file can ask for columns up to container's and linear's limits.
MOST_MEMORY = 16 << 20

VALUES = [
    None, True, False, 0, 1, -1, 2, 3, 7, 2**31, 2**31 - 1, 2**53, 2**62, 2**63, 2**64, 10**400,
    -(2**63), 0.5, -0.5, 1e-320, 1e300, -1e300, 1e999, "", "a", "records", "<U999999999", "object",
    "inf", "NaN", [], [[]], {}, [0], [1, 2], {"a": 1}, {"tuple": []}, {"tuple": [1, 2]},
    {"dict": [[1, 2]]}, {"dtype": "float32"}, {"dtype": "object"}, {"random_state": [[0], 1, 0, 0]},
    {"random_state": [[1] * 624, 625, 0, 0.0]}, {"random_state": [[1] * 624, 3, 0, 0.0]},
    "char", "comid", "ftrl", "filename", "serving", "training", "AdaGradRegressor", [[0] * 100] * 9,
]  # fmt: skip


def make_files(folder):
    """Small models of every kind."""
    X, scores = make_data(n_rows=40, n_features=12)
    texts, labels = make_texts(60)
    y = scores.argmax(axis=1)
    models = {
        "binary": AdaGradClassifier(alpha=1e-3, l1_ratio=0.5, random_state=0).fit(X, y > 1),
        "several": AdaGradClassifier(class_weight={0: 2.0}, dtype="float32").fit(X, y),
        "labels": AdaGradClassifier(update="ftrl").fit(X, scores > 0),
        "numbers": AdaGradRegressor(random_state=np.random.RandomState(0)).fit(X, scores[:, 0]),
        "texts": TextClassifier(n_features=32).partial_fit(texts, labels, ["a", "b", "c"]),
    }
    paths = []
    for name, model in models.items():
        for options in ({}, {"serving": True}, {"serving": True, "drop_zeros": True}):
            path = Path(folder) / f"{name}{len(options)}"
            model.save(path, **options)
            paths.append(path)
    compact = model_files.load(Path(folder) / "texts0")
    columns = np.arange(2, 8, dtype=np.int32)
    part = compact.linear
    part.state.records = part.state.records[:6].copy()
    compact.counts.document_frequency[8:] = 0
    path = Path(folder) / "compact"
    model_files.save(
        Trained(compact.features, compact.classes, part._replace(columns=columns), compact.counts),
        path,
    )
    return [path.read_bytes() for path in [*paths, path]]


class Mutator:
    """Damages files in ways of its own choosing, which the seed decides."""

    def __init__(self, files, seed):
        self.files = files
        self.random = random.Random(seed)

    def __call__(self):
        content = self.random.choice(self.files)
        ways = [
            self.flip, self.cut, self.splice, self.header_bytes, self.header_values,
            self.header_values, self.arrays, self.arrays, self.length,
        ]  # fmt: skip
        way = self.random.choice(ways)
        return way.__name__, way(content)

    def flip(self, content):
        data = bytearray(content)
        for _ in range(self.random.choice([1, 1, 1, 2, 8])):
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        return bytes(data)

    def cut(self, content):
        end = self.random.randrange(len(content))
        return content[:end] + bytes(self.random.choice([0, 0, 1, 64]))

    def splice(self, content):
        other = self.random.choice(self.files)
        at, until = sorted(self.random.randrange(len(content)) for _ in range(2))
        begin = self.random.randrange(len(other))
        return content[:at] + other[begin : begin + until - at] + content[until:]

    def length(self, content):
        number = self.random.choice([0, 1, 2, 2**24, 2**63, 2**64 - 1, len(content)])
        return number.to_bytes(8, "little") + content[8:]

    def header_bytes(self, content):
        """Change the header's text; the checksums fit."""
        header, data = split(content)
        text = bytearray(header)
        for _ in range(self.random.choice([1, 1, 2, 5])):
            at = self.random.randrange(len(text))
            kind = self.random.randrange(4)
            if kind == 0:
                text[at] = self.random.randrange(256)
            elif kind == 1:
                del text[at : at + self.random.randrange(1, 30)]
            elif kind == 2:
                begin = self.random.randrange(len(text))
                text[at:at] = text[begin : begin + self.random.randrange(1, 60)]
            else:
                digits = [m.span() for m in re.finditer(rb"\d+", text)]
                begin, end = self.random.choice(digits or [(0, 1)])
                text[begin:end] = str(self.random.choice([0, 1, 3, 64, 10**9, 2**63])).encode()
        return join(bytes(text), data)

    def header_values(self, content):
        """Put other values into the header; it stays JSON, and the checksums fit."""
        header, data = split(content)
        found = json.loads(header)
        about = json.loads(found["__metadata__"]["about"])
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            root = found if self.random.random() < 0.3 else about
            self.change(root)
        text = json.dumps(about)
        if self.random.random() < 0.03:
            depth = self.random.choice([10, 1000, 100_000])
            text = text[:-1] + ',"deep":' + "[" * depth + "]" * depth + "}"
        if self.random.random() < 0.03:
            text = text[:-1] + "," + text[1:]
        if isinstance(found.get("__metadata__"), dict) and "about" in found["__metadata__"]:
            found["__metadata__"]["about"] = text
        return join(json.dumps(found).encode(), data)

    def change(self, value):
        """Walk down from a dict or list, and replace, remove or repeat what is there."""
        while True:
            keys = list(value) if isinstance(value, dict) else list(range(len(value)))
            if not keys:
                return
            key = self.random.choice(keys)
            if isinstance(value[key], dict | list) and value[key] and self.random.random() < 0.8:
                value = value[key]
                continue
            kind = self.random.randrange(5)
            if kind == 0:
                del value[key]
            elif kind == 1 and isinstance(value, dict):
                value[f"{key}x"] = value.pop(key)
            elif kind == 2 and isinstance(value[key], int | float):
                value[key] = self.random.choice([value[key] + 1, -value[key], value[key] * 1e6])
            elif kind == 3 and isinstance(value, list):
                value.append(value[key])
            else:
                value[key] = self.random.choice(VALUES)
            return

    def arrays(self, content):
        """Put other numbers into the arrays; the checksums fit."""
        header, data = split(content)
        data = bytearray(data)
        entries = [e for name, e in json.loads(header).items() if name[0] not in "_"]
        entry = self.random.choice(entries)
        begin, end = entry["data_offsets"]
        dtype = container.DTYPES[entry["dtype"]]
        numbers = np.frombuffer(bytes(data[begin:end]), dtype).copy()
        if len(numbers):
            bad = [-1, 0, 1e30, 7, 1] if dtype.kind in "iu" else [np.nan, np.inf, -1, 1e30, 1e-40]
            chosen = np.float64(self.random.choice(bad))
            with np.errstate(all="ignore"):
                numbers[self.random.randrange(len(numbers))] = chosen.astype(dtype)
        data[begin:end] = numbers.tobytes()
        return join(header, bytes(data))


def split(content):
    """Header and data of a sound file."""
    end = 8 + int.from_bytes(content[:8], "little")
    return content[8:end].rstrip(), content[end:]


def join(header, data):
    """A file with these, and with checksums that fit as far as the header tells where they are."""
    header += b" " * (-(8 + len(header)) % 64)
    data = bytearray(data)
    try:
        entries = json.loads(header)
        sums = [zlib.crc32(header)]
        for name, entry in entries.items():
            if name not in ("__metadata__", "checksums"):
                begin, end = entry["data_offsets"]
                sums.append(container.checksum(np.frombuffer(bytes(data[begin:end]), np.uint8)))
        begin, end = entries["checksums"]["data_offsets"]
        data[begin:end] = np.array(sums, "<u4").tobytes()
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, MemoryError):
        pass
    return len(header).to_bytes(8, "little") + header + bytes(data)


def attempt(path):
    """Load a file by both readers; "refused", or "read" where it gave a model that predicts."""
    outcomes = set()
    for read in (lambda: predict(load(path)), lambda: predict(load(path, mmap=True)), stream(path)):
        try:
            read()
            outcomes.add("read")
        except ModelFileError as error:
            if str(path) not in str(error):
                raise RuntimeError("an error that does not name the file") from error
            outcomes.add("refused")
    return "read" if "read" in outcomes else "refused"


def predict(model):
    if isinstance(model, TextClassifier):
        model.predict(["word1 word2 word3"])
    else:
        model.predict(np.ones((1, model.n_features_in_)))


def stream(path):
    def read():
        model = model_files.load(path).model()
        assert model.weights.shape[1] in (1, len(model.classes))

    return read


def run(n, seed=0):
    """Try n files; returns how many met which fate, and the most memory that one took."""
    counts, most = Counter(), 0
    # Many small files: in memory, where there is a folder for that.
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        mutate = Mutator(make_files(folder), seed)
        path = Path(folder) / "mutated"
        attempt_memory = tracemalloc.get_traced_memory
        tracemalloc.start()
        for _ in range(n):
            way, content = mutate()
            path.write_bytes(content)
            before = attempt_memory()[0]
            tracemalloc.reset_peak()
            try:
                fate = attempt(path)
            except BaseException:
                Path("failed-mutation").write_bytes(content)
                raise
            taken = attempt_memory()[1] - before
            most = max(most, taken)
            assert taken < MOST_MEMORY + 100 * len(content), (way, taken)
            counts[way, fate] += 1
        tracemalloc.stop()
    return counts, most


if __name__ == "__main__":
    begun = time.perf_counter()
    found, memory = run(int(sys.argv[1]), seed=int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    for (way, fate), count in sorted(found.items()):
        print(f"{way:14} {fate:8} {count:8,}")
    print(f"{found.total():,} files, {time.perf_counter() - begun:.0f} s")
    print(f"most memory for one: {memory / 1e6:.1f} MB")
