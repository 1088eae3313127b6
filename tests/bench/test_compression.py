"""The measurement of permessage-deflate runs, and clients that offer it get fewer bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_who_offers_and_who_does_not_is_measured():
    command = [sys.executable, "-m", "bench.compression", "--connections", "5"]
    command += ["--publications", "8", "--rounds", "1", "--sizes", "1000"]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    plain, squeezed = [row.split("|")[1:-1] for row in output.splitlines()[2:]]
    assert [plain[1].strip(), squeezed[1].strip()] == ["no", "yes"]
    assert float(plain[3].replace(",", "")) > 1000 > float(squeezed[3].replace(",", "")) > 100
    assert all(float(row[2]) > 0 for row in (plain, squeezed))
