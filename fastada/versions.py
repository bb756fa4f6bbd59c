"""What a report of a problem should tell."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "numpy", "scipy", "scikit-learn", "matplotlib", "pyarrow", "pandas", "polars", "dask",
    "distributed",
)  # fmt: skip


def show_versions() -> None:
    """Print the versions of fastada, Python and the libraries, and which kernels are in use.

    Examples
    --------
    >>> import fastada
    >>> fastada.show_versions()  # doctest: +SKIP
    """
    from fastada import __version__, _cpu

    width = max(map(len, PACKAGES)) + 2
    found = {
        "fastada": __version__,
        "AVX2": "yes" if _cpu.uses_avx2() else "no",
        "Python": sys.version.split()[0],
        "system": platform.platform(),
        "machine": platform.machine(),
        **{name: _version_of(name) for name in PACKAGES},
    }
    for name, value in found.items():
        print(f"{name:{width}}{value}")


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
