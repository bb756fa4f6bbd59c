"""Real text that every installation has: the docstrings of the libraries it came with.

A document is the docstring of one module, class or function, cleaned of its indentation
(`ast.get_docstring`); its label is the library whose source file holds it. Files are parsed, never
imported or run. Left out are the libraries' own test suites, and all but the first of equal
docstrings, so that none is in both halves of a split. Nothing else is removed: many a docstring
names its library, as real documents do.
"""

from __future__ import annotations

import ast
import importlib.util
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LIBRARIES = ("numpy", "scipy", "sklearn")
STANDARD_LIBRARY = "python"
LEFT_OUT = frozenset({"test", "tests", "idle_test", "site-packages", "dist-packages"})

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Corpus(NamedTuple):
    """Documents, and the label of each."""

    texts: list[str]
    labels: list[str]


def docstrings(source: bytes) -> Iterator[str]:
    """Yield the docstrings of a Python source file that are not empty, none if it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes in other people's strings
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED):
            text = ast.get_docstring(node)
            if text and text.strip():
                yield text


def sources(root: Path) -> Iterator[Path]:
    """Yield the Python files under a folder in the order of their names, without tests."""
    for path in sorted(root.rglob("*.py")):
        if not LEFT_OUT.intersection(path.relative_to(root).parts):
            yield path


def library_roots() -> dict[str, Path]:
    """Folders of the standard library and of LIBRARIES."""
    roots = {STANDARD_LIBRARY: Path(sysconfig.get_path("stdlib"))}
    for name in LIBRARIES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            roots[name] = Path(spec.submodule_search_locations[0])
    return roots


def docstring_corpus(roots: dict[str, Path] | None = None) -> Corpus:
    """Read the docstrings of the installed libraries.

    Parameters
    ----------
    roots : dict of str to Path, optional
        Label and folder of each library; by default those of `library_roots`.

    Returns
    -------
    Corpus
        In the order of the libraries, files and lines; no two texts are equal.
    """
    roots = library_roots() if roots is None else roots
    label_of: dict[str, str] = {}
    for label, root in roots.items():
        for path in sources(root):
            for text in docstrings(path.read_bytes()):
                label_of.setdefault(text, label)
    return Corpus(list(label_of), list(label_of.values()))
