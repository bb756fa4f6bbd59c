"""``python -m fastada``."""

import sys

from fastada.cli import main

if __name__ == "__main__":
    sys.exit(main())
