"""C that only the benchmarks need, built by the system's compiler with the package's own flags."""

import ctypes
import functools
import shlex
import subprocess
import sysconfig
import tempfile
from pathlib import Path

FLAGS = ("-O3", "-fno-math-errno", "-shared", "-fPIC")


@functools.cache
def library(source, *extra_flags):
    """Compile a string of C; NotImplementedError, by which asv skips, without a compiler."""
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[0]
    # Once loaded, the library needs its file no more.
    with tempfile.TemporaryDirectory(prefix="fastada-benchmark-") as name:
        folder = Path(name)
        (folder / "source.c").write_text(source)
        command = [compiler, *FLAGS, *extra_flags, str(folder / "source.c"), "-lm"]
        try:
            subprocess.run([*command, "-o", str(folder / "library.so")], check=True)
        except FileNotFoundError:
            raise NotImplementedError(f"there is no C compiler {compiler!r}") from None
        return ctypes.CDLL(str(folder / "library.so"))


def pointer(array):
    return ctypes.c_void_p(array.ctypes.data)
