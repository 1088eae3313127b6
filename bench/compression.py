"""``python -m bench.compression``: what permessage-deflate costs and saves.

The same publications to 1,000 clients that offer it and to 1,000 that do not, on one gateway, four
on their way at a time: CPU for each delivery, bytes on the wire, and memory for each connection.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import uvloop

from bench.brokers.clients import clients
from bench.brokers.places import API_KEY, Node, node
from bench.client.measure import cpu_seconds, resident_kib
from bench.cores import CLIENT, pinned
from gatewright.testing.ports import LOOPBACK

__all__ = ["main"]

SIZES: Final = (120, 1000, 10_000)
WINDOW: Final = 4
OFFER: Final = "permessage-deflate; client_max_window_bits"
_SECTIONS: Final = f"transports: {{http: {{api_keys: [{API_KEY}]}}}}\nevents: {{none: {{}}}}"


@dataclass(frozen=True)
class Figure:
    """What one measurement found.

    Attributes:
        cpu_us: Microseconds of the gateway's CPU for each delivery.
        wire_bytes: Bytes that a client received for each.
        kib: Resident memory for each connection, after all that was published.
    """

    cpu_us: float
    wire_bytes: float
    kib: float


def rows(size: int) -> list[dict[str, object]]:
    """Return a list of records, as JSON about ``size`` bytes long, always the same ones."""
    made: list[dict[str, object]] = []
    numbers = random.Random(7)
    while len(json.dumps(made, separators=(",", ":"))) < size - 40:
        words = "".join(numbers.choices("abcdefghij klmnop", k=20))
        made.append({"id": numbers.randrange(10**6), "text": words, "at": 1_700_000_000})
    return made


async def _publish(gateway: Node, size: int, count: int) -> None:
    body = json.dumps({"subjects": ["user:bench"], "payload": rows(size)}, separators=(",", ":"))
    url = f"http://{LOOPBACK}:{gateway.port}/internal/publish"
    async with httpx.AsyncClient(trust_env=False) as http:

        async def some() -> None:
            for _ in range(count // WINDOW):
                answer = await http.post(url, content=body, headers={"X-Api-Key": API_KEY})
                answer.raise_for_status()

        await asyncio.gather(*(some() for _ in range(WINDOW)))


async def _measure(gateway: Node, size: int, offer: str, options: argparse.Namespace) -> Figure:
    before = resident_kib(gateway.pid)
    async with clients(gateway.port, options.connections, extensions=offer) as listeners:
        await _publish(gateway, size, WINDOW)
        for listener in listeners:
            await listener.until(WINDOW)
        received = sum(listener.received for listener in listeners)
        cpu, count = cpu_seconds(gateway.pid), options.publications
        await _publish(gateway, size, count)
        for listener in listeners:
            await listener.until(WINDOW + count)
        spent = cpu_seconds(gateway.pid) - cpu
        kib = (resident_kib(gateway.pid) - before) / len(listeners)
        received = sum(listener.received for listener in listeners) - received
    deliveries = count * len(listeners)
    return Figure(spent / deliveries * 1e6, received / deliveries, kib)


async def _run(options: argparse.Namespace) -> None:
    found: dict[tuple[int, str], list[Figure]] = {}
    deflate = f"permessage_deflate: {{level: {options.level}, min_bytes: 0}}"
    with tempfile.TemporaryDirectory(prefix="gatewright-bench-") as place:
        for number in range(options.rounds):
            for size in options.sizes:
                for offer in ("", OFFER):
                    print(f"round {number + 1}: {size}, {offer=} …", file=sys.stderr, flush=True)
                    async with node(Path(place), "bench", _SECTIONS, server=deflate) as gateway:
                        figure = await _measure(gateway, size, offer, options)
                    found.setdefault((size, offer), []).append(figure)
    print("| payload | offered | CPU µs/delivery | bytes on the wire | KiB/connection |")
    print("|--:|---|--:|--:|--:|")
    for (size, offer), figures in found.items():
        print(_row(size, offer, figures))


def _row(size: int, offer: str, figures: Sequence[Figure]) -> str:
    def median(name: str) -> float:
        return float(statistics.median(getattr(figure, name) for figure in figures))

    cells = [f"{size:,}", "yes" if offer else "no", f"{median('cpu_us'):.2f}"]
    cells += [f"{median('wire_bytes'):,.0f}", f"{median('kib'):.1f}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.compression", description=__doc__)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--publications", type=int, default=200, help="of each measurement (200)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (3)")
    parser.add_argument("--level", type=int, default=3, help="zlib's (3)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="of payloads, bytes")
    with pinned(CLIENT):
        uvloop.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
