"""Coverage-guided fuzzing of a target.

    python -m tests.fuzz TARGET -max_total_time=600

needs `pip install atheris`, and takes libFuzzer's options. New inputs go to the first folder named,
the seeds in tests/fuzz/corpus are always read. With TMPDIR in memory (/dev/shm) targets that read
files, written anew for each input, are eight times as fast. Coverage is that of the Python code,
and of the compiled code too where Clang has built it, in a clone of its own:

    CC=clang FASTADA_SANITIZE=undefined,fuzzer-no-link python setup.py build_ext --inplace
    export LD_PRELOAD=$(python -c "import atheris; print(atheris.path())")/ubsan_with_fuzzer.so
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
"""

import sys
from pathlib import Path

import atheris

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
with atheris.instrument_imports(include=["fastada", "fuzz"]):
    from fuzz.targets import TARGETS


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit(f"usage: python -m tests.fuzz {{{','.join(TARGETS)}}} [libFuzzer's options]")
    options = sys.argv[2:]
    # libFuzzer writes what it finds to the first folder.
    if all(option.startswith("-") for option in options):
        found = Path("build/fuzz") / name
        found.mkdir(parents=True, exist_ok=True)
        options.append(str(found))
    seeds = HERE / "corpus" / name
    atheris.Setup([sys.argv[0], *options, str(seeds)], TARGETS[name])
    atheris.Fuzz()


main()
