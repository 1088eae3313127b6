"""The comparison of HTTP clients runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench/webhook_clients.py"


def test_every_client_is_measured() -> None:
    command = [sys.executable, BENCH, "--requests", "20", "--rounds", "1"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    table = output.partition("medians of the rounds:\n")[2].splitlines()
    assert [line[:28].strip() for line in table] == [
        "client",
        "httpx",
        "httpx + aiohttp transport",
        "aiohttp transport alone",
        "aiohttp",
        "events_webhook",
    ]
    assert all(float(line.split()[-3]) > 0 for line in table[1:])
