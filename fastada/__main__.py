"""``python -m fastada``."""

from fastada.cli import run_process

if __name__ == "__main__":
    run_process()
