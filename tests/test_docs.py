"""Every block of code in README.md and docs/ runs, a page at a time, in a folder of its own.

What follows three backticks says what a block is: `python` and `sh` are run in the order of the
page, the former in one namespace; `output` is what the block before it prints; `console` is run
elsewhere (by make, by hand) and has to name what there is; `text` is no code. Each folder has what
README.md calls one's own: reviews.csv, test.csv and new.csv.
"""

import contextlib
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
# Read by Sphinx, not run.
DIRECTIVES = ("{toctree}", "{eval-rst}", "{literalinclude}")
KINDS = ("python", "sh", "output", "console", "text", *DIRECTIVES)
COMMAND = re.compile(r"^    (?:python|fastada|make|pip|sh|\.venv\S*) .*$", re.MULTILINE)


def blocks_of(page):
    """Kind, first line and content of each block."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        yield found[1], text.count("\n", 0, found.start()) + 2, found[2]


@pytest.fixture
def shell(tmp_path):
    """Run lines by sh, with this Python's `fastada` and `python` first on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, command in {"fastada": "-m fastada", "python": ""}.items():
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
        (folder / name).chmod(0o755)
    # A build in another folder comes before the one in place.
    paths = {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}{os.pathsep}{ROOT}".strip(os.pathsep),
    }

    def run(lines):
        done = subprocess.run(
            ["sh", "-euc", lines], capture_output=True, text=True, env={**os.environ, **paths}
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("page", PAGES)
def test_blocks_run(page, tmp_path, monkeypatch, shell):
    if shutil.which("sh") is None:
        pytest.skip("blocks are run by sh")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    rows = "".join(f"pos,so good {i}\nneg,so bad {i}\n" for i in range(10))
    for name in ("reviews.csv", "test.csv", "new.csv"):
        Path(name).write_text(f"label,text\n{rows}")
    names, printed = {"__name__": "__main__"}, ""
    for kind, line, content in blocks_of(page):
        if kind == "python":
            if "matplotlib" in content or "fastada.inspection" in content:
                pytest.importorskip("matplotlib", reason=f"{page} draws from line {line} on")
            if "distributed" in content or "fastada.dask" in content:
                pytest.importorskip("distributed", reason=f"{page} uses Dask from line {line} on")
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                # Lines of blank in front, for tracebacks to name the page's.
                exec(compile("\n" * (line - 1) + content, ROOT / page, "exec"), names)
            printed = output.getvalue()
        elif kind == "sh":
            printed = shell(content)
        elif kind == "output":
            assert printed == content, f"{page}:{line}"


@pytest.mark.parametrize("page", PAGES)
def test_blocks_say_what_they_are(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for kind, line, content in blocks_of(page):
        assert kind.partition(" ")[0] in KINDS, f"{page}:{line}"
        if kind == "console":
            for command in content.splitlines():
                check_command(command, f"{page}:{line}")
    assert not COMMAND.findall(BLOCK.sub("", text)), "a command outside a block"


def check_command(command, place):
    """Fail if make has no such target, or Python no such module or file."""
    words = command.split("#")[0].split()
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        wanted = {word for word in words[1:] if "=" not in word}
        assert wanted <= set(targets), f"{place}: {command}"
    elif words[:2] == ["python", "-m"] and words[2].startswith(("benchmarks", "fastada")):
        check_module(words[2], f"{place}: {command}")
    elif words[0] == "python" and words[1] != "-m":
        assert (ROOT / words[1]).exists(), f"{place}: {command}"


def check_module(name, place):
    """Fail unless `python -m name` does something."""
    spec = importlib.util.find_spec(name)
    assert spec, place
    if spec.submodule_search_locations:
        assert importlib.util.find_spec(f"{name}.__main__"), place
    else:
        assert '__name__ == "__main__"' in Path(spec.origin).read_text(encoding="utf-8"), place


@pytest.mark.parametrize("page", PAGES)
def test_modules_named_in_the_text_can_be_run(page):
    text = BLOCK.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for name in re.findall(r"`python -m (benchmarks[.\w]*)", text):
        check_module(name, page)


@pytest.mark.parametrize("page", [*PAGES, "SECURITY.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page):
    text = BLOCK.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for target, place in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text):
        if not target.startswith(("http:", "https:")):
            path = (ROOT / page).parent.joinpath(target) if target else ROOT / page
            assert path.exists(), f"{page}: {target}"
            assert not place or place in anchors_of(path), f"{page}: {target}#{place}"


def anchors_of(path):
    """The names of a page's headings in links, as Sphinx and code hosts make them."""
    headings = re.findall(
        r"^#+ (.*)$", BLOCK.sub("", path.read_text(encoding="utf-8")), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_says_what_has_to_be_there_already():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    names = {"numpy": "NumPy", "scipy": "SciPy", "scikit-learn": "scikit-learn"}
    needed = re.search(r"^dependencies = \[(.*)\]$", project, re.MULTILINE)[1]
    assert re.findall(r'"([a-z-]+)', needed) == list(names)
    assert "({}, {} and {};".format(*names.values()) in readme
    oldest = re.search(r'^requires-python = ">=([\d.]+)"$', project, re.MULTILINE)[1]
    assert f"Python ≥ {oldest}," in readme
    assert re.search(r"^dask = ", project, re.MULTILINE)


def test_the_architecture_names_all_that_is_there():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    there = [path.name for path in (ROOT / "fastada").glob("*.py") if path.name[0] != "_"]
    there += [f"fastada/{path.parent.name}/" for path in (ROOT / "fastada").glob("*/__init__.py")]
    assert [name for name in there if f"{name}`" not in page] == []
