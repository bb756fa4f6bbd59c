"""Compile every src/NAME.pyx into the private extension module fastada._NAME."""

import os
import platform
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# FASTADA_DEBUG=1 builds with Cython's bounds checks and without optimisation.
DEBUG = os.environ.get("FASTADA_DEBUG", "0") != "0"
# FASTADA_SANITIZE=address,undefined or thread builds for GCC's or Clang's sanitizers.
SANITIZE = os.environ.get("FASTADA_SANITIZE", "")

if sys.platform == "win32":
    COMPILE_ARGS = ["/Od"] if DEBUG else ["/O2"]
else:
    # Without -fno-math-errno sqrtf stays a call, and without -fno-trapping-math a comparison stays
    # a branch: no loop around them vectorises. Neither changes a bit of any result.
    # -ffp-contract=off gives the same bits on CPUs with and without fused multiply-add, but for
    # what the C library computes.
    # Python's own flags ask for debugging symbols: a third of the time and nine tenths of the size.
    RELEASE_ARGS = ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math"]
    COMPILE_ARGS = ["-O1", "-g"] if DEBUG else RELEASE_ARGS
    COMPILE_ARGS += ["-ffp-contract=off"]
LINK_ARGS = []
if SANITIZE:
    LINK_ARGS = [f"-fsanitize={SANITIZE}"]
    COMPILE_ARGS += [*LINK_ARGS, "-O1", "-g", "-fno-omit-frame-pointer"]

# The training kernels, and that of combining replicas, are compiled a second time, for CPUs with
# AVX2: fastada/kernels.py chooses. The bits are the same.
WIDE = ("merge", "multi", "single")
IS_X86 = platform.machine() in ("x86_64", "AMD64") and "arm64" not in os.environ.get(
    "ARCHFLAGS", ""
)
USES_AVX2 = IS_X86 and sys.platform != "win32" and not DEBUG

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "cdivision": True,
    "freethreading_compatible": True,
    "embedsignature": True,
}

# What Cython writes depends on DIRECTIVES, and it does not notice when they change.
BUILD = Path("build/debug" if DEBUG else "build")

extensions = cythonize(
    [
        Extension(
            f"fastada._{source.stem}",
            [source.as_posix()],
            include_dirs=["src"],
            define_macros=[("FASTADA_AVX2_BUILT", "1")] if USES_AVX2 else [],
            extra_compile_args=COMPILE_ARGS,
            extra_link_args=LINK_ARGS,
        )
        for source in sorted(Path("src").glob("*.pyx"))
    ],
    include_path=["src"],
    compiler_directives=DIRECTIVES,
    build_dir=BUILD.as_posix(),
    nthreads=0,
)


def for_avx2(name):
    """Give the extension of the same C file under another name."""
    source = BUILD / "src" / f"{name}_avx2.c"
    text = f'#define PyInit__{name} PyInit__{name}_avx2\n#include "{name}.c"\n'
    if not source.exists() or source.read_text() != text:
        source.write_text(text)
    return Extension(
        f"fastada._{name}_avx2",
        [source.as_posix()],
        include_dirs=["src"],
        depends=[(BUILD / "src" / f"{name}.c").as_posix()],
        extra_compile_args=[*COMPILE_ARGS, "-mavx2"],
        extra_link_args=LINK_ARGS,
    )


if USES_AVX2:
    extensions += [for_avx2(name) for name in WIDE]

setup(options={"build_ext": {"parallel": os.cpu_count()}}, ext_modules=extensions)
