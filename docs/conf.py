"""Sphinx builds the site from these pages: `make docs`."""

import argparse
import re
from datetime import date
from pathlib import Path

from fastada import __version__
from fastada.cli.parser import make_parser

project = "fastada"
author = "the fastada developers"
copyright = f"{date.today().year}, {author}"
release = version = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["generated/*.md"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
# A page may be there before its place is.
suppress_warnings = ["toc.not_included"]

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc tells types
autodoc_member_order = "groupwise"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = "fastada"
html_show_sourcelink = False
html_theme_options = {"show_nav_level": 2, "secondary_sidebar_items": ["page-toc"]}
templates_path = ["_templates"]


def skip_foreign(app, what, name, obj, skip, options):
    """Leave out what scikit-learn adds to every estimator: it documents that itself."""
    module = getattr(obj, "__module__", None) or ""
    if name.startswith("set_") and name.endswith("_request"):
        return True
    return skip or module.startswith(("sklearn", "builtins"))


def escape_markup(app, what, name, obj, options, lines):
    """Have |w| and coef_, which docstrings write as they are, mean no more than that."""
    in_math = False
    for i, line in enumerate(lines):
        if line.strip():
            in_math = ".. math::" in line or (in_math and line.startswith(" "))
        if in_math or line.lstrip().startswith((">>>", "...", "..")):
            continue
        parts = re.split(r"(`+[^`]*`+)", line)
        for k in range(0, len(parts), 2):
            parts[k] = re.sub(r"(?<!\\)\|", r"\\|", parts[k])
            parts[k] = re.sub(r"\b([A-Za-z]\w*)_(?!\w)", r"\1\\_", parts[k])
        lines[i] = "".join(parts)


def write_help(app):
    """Write what the commands say of themselves, for command-line.md to take in."""
    folder = Path(app.srcdir) / "generated"
    folder.mkdir(exist_ok=True)
    actions = make_parser()._actions
    commands = next(a for a in actions if isinstance(a, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        (folder / f"help-{name}.txt").write_text(command.format_help(), encoding="utf-8")


def setup(app):
    """Connect what is above; the markup last, once numpydoc has made its own."""
    app.connect("builder-inited", write_help)
    app.connect("autodoc-process-docstring", escape_markup, priority=900)
    app.connect("autodoc-skip-member", skip_foreign)
