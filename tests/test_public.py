"""The public interface: everything is documented, and its version is told."""

import importlib
import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import fastada

PUBLIC = ["fastada", "fastada.text", "fastada.optim", "fastada.inspection"]
REFERENCE = (Path(__file__).parents[1] / "docs" / "api.md").read_text()
LISTED = re.findall(r"^   ([\w.]+)$", REFERENCE, re.MULTILINE)


def members(thing):
    """What a class of ours has that users may call or read."""
    for name, value in inspect.getmembers(thing):
        function = value.fget if isinstance(value, property) else value
        ours = (getattr(function, "__module__", None) or "").startswith("fastada")
        if ours and not name.startswith("_") and (callable(value) or isinstance(value, property)):
            yield name, value


@pytest.mark.parametrize("name", LISTED)
def test_all_that_is_public_is_documented(name):
    if name.startswith("dask."):
        pytest.importorskip("distributed", reason="the extra [dask] is not installed")
    thing = pkgutil.resolve_name(f"fastada.{name}")
    assert inspect.getdoc(thing)
    assert inspect.getmodule(thing).__doc__
    if inspect.isclass(thing):
        assert [n for n, value in members(thing) if not inspect.getdoc(value)] == []


@pytest.mark.parametrize("module", PUBLIC)
def test_packages_name_what_is_public(module):
    package = importlib.import_module(module)
    assert package.__doc__
    assert set(package.__all__) <= set(dir(package))


def test_classes_document_their_parameters():
    """numpydoc's section names what __init__ takes, no more and no less."""
    for module in PUBLIC:
        package = importlib.import_module(module)
        for name in package.__all__:
            thing = getattr(package, name)
            if not inspect.isclass(thing):
                continue
            section = inspect.getdoc(thing).partition("Parameters\n----------\n")[2]
            section = section.partition("\n\n")[0]
            lines = [line for line in section.split("\n") if line and not line.startswith(" ")]
            told = {word for line in lines for word in re.findall(r"\w+", line.partition(" :")[0])}
            assert told == set(inspect.signature(thing).parameters), name


def test_every_module_has_a_docstring():
    names = [m.name for m in pkgutil.walk_packages(fastada.__path__, "fastada.")]
    for name in names:
        if name.startswith("fastada.dask") and importlib.util.find_spec("distributed") is None:
            continue
        if not name.endswith("__main__") and "._" not in name:
            assert importlib.import_module(name).__doc__, name


def test_versions_are_shown(capsys):
    fastada.show_versions()
    told = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert (told["fastada"], told["numpy"]) == (fastada.__version__, np.__version__)
    kernels = importlib.import_module("fastada.kernels")
    assert told["AVX2"] == ("yes" if kernels.multi.__name__.endswith("avx2") else "no")


def test_the_reference_lists_all_that_is_public():
    for module in PUBLIC:
        prefix = module.removeprefix("fastada.") + "." if module != "fastada" else ""
        public = {prefix + n for n in importlib.import_module(module).__all__ if n[0] != "_"}
        assert public <= set(LISTED)
