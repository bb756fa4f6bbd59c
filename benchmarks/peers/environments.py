"""An environment of its own for every peer, so that none keeps another from being installed."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MINUTES = 20


@dataclass(frozen=True)
class Environment:
    """What pip is asked for and what is then imported.

    `python` is a version other than the one at hand, if that is too new.
    """

    requirements: tuple[str, ...]
    module: str
    python: str | None = None


ENVIRONMENTS = {
    "lightning": Environment(
        # The last ones that it was built for.
        ("sklearn-contrib-lightning", "scikit-learn<1.2", "numpy<2"),
        "lightning.classification",
        python="3.10",
    ),
    "vowpal_wabbit": Environment(("vowpalwabbit",), "vowpalwabbit"),
    "liblinear": Environment(("liblinear-official",), "liblinear.liblinearutil"),
    "liblinear_multicore": Environment(("liblinear-multicore",), "liblinear"),
    # Built by CMake.
    "xlearn": Environment(("xlearn",), "xlearn"),
    "snapml": Environment(("snapml",), "snapml"),
    "cyanure": Environment(("cyanure",), "cyanure"),
    "river": Environment(("river",), "river"),
    "torch": Environment(("torch",), "torch"),
    "fasttext": Environment(("fasttext",), "fasttext"),
}
# These are with fastada.
AT_HAND = ("fastada", "sklearn")


def interpreter(peer: str, folder: Path) -> Path:
    """The Python that runs a peer, whether it is there or not."""
    if peer in AT_HAND:
        return Path(sys.executable)
    scripts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return folder.joinpath("environments", peer, *scripts)


def set_up(peer: str, folder: Path) -> str | None:
    """Install a peer, once; return why it is absent, None if it is there."""
    if peer in AT_HAND:
        return None
    environment = ENVIRONMENTS[peer]
    python = interpreter(peer, folder)
    log = folder / "environments" / f"{peer}.log"
    if log.exists():
        return _reason(python, environment, log)
    log.parent.mkdir(parents=True, exist_ok=True)
    base = _base_python(environment.python)
    if base is None:
        return f"it needs Python {environment.python}, which is not on this machine"
    print(f"installing {peer}", flush=True)
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    with open(log, "w") as output:
        for command in (
            [base, "-m", "venv", python.parents[1]],
            [*pip, "numpy", "scipy", *environment.requirements],
        ):
            try:
                done = subprocess.run(command, stdout=output, stderr=output, timeout=60 * MINUTES)
            except subprocess.TimeoutExpired:
                print(f"not installed within {MINUTES} minutes", file=output)
                break
            if done.returncode:
                break
    return _reason(python, environment, log)


def _reason(python, environment, log):
    found = subprocess.run(
        [python, "-c", f"import {environment.module}"], capture_output=True, text=True
    )
    if found.returncode == 0:
        return None
    text = [line for line in (log.read_text() + found.stderr).splitlines() if line.strip()]
    errors = [line for line in text if "rror" in line or "not installed" in line]
    return f"{(errors or text or ['?'])[-1].strip()} (delete {log} to try again)"


def _base_python(version):
    if version is None:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [shutil.which(f"python{version}")]
    candidates += pyenv.glob(f"versions/{version}.*/bin/python")
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "--version"], capture_output=True).returncode == 0:
            return str(candidate)
    return None
