"""The measurement of a storm of connects runs, with tokens that were checked before and without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_publications_and_handshakes_are_counted_at_the_same_time():
    command = [sys.executable, "-m", "bench.storm", "--connections", "5", "--at-a-time", "2"]
    command += ["--seconds", "0.4", "--rounds", "1"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in done.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == ["warm, 2 at a time", "cold, 2 at a time"]
    for row in rows:
        assert all(float(cell) > 0 for cell in row[1:5])
        assert float(row[6].replace(",", "")) > 50
