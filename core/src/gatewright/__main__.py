"""``python -m gatewright`` is ``gatewright``."""

from __future__ import annotations

import sys

from gatewright.cli import main

if __name__ == "__main__":
    sys.exit(main())
