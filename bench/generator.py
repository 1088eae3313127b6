"""Builds and runs the load generator, and judges whether a run counts."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from bench.cores import CLIENT, pinned
from bench.prepared import STAMP_AT, publish_request, upgrade
from bench.processes import ROOT, Server

__all__ = ["Generator", "GeneratorFailed", "Sample", "find_generator"]

Choice = Literal["auto", "c", "python"]

_SOURCES: Final = ROOT / "bench" / "client"
_SECONDS: Final = 180.0


class GeneratorFailed(Exception):
    """A run that does not count: connections were refused or lost, or deliveries are missing."""


@dataclass(frozen=True)
class Sample:
    """What one run of the load generator saw.

    Times are seconds, latencies milliseconds. ``seconds``, ``server_cpu``, ``client_cpu``,
    ``count``, ``publications`` and the latencies are of the measured part alone; the other
    counters are of the whole run, its beginning and its end included.

    Attributes:
        count: Deliveries, replies or handshakes.
        server_cpu: CPU time of the server's process, user and system.
        client_cpu: CPU time of the load generator.
        sent: The sum of what the server said it sent.
        lost: Connections that the server ended.
    """

    seconds: float
    server_cpu: float
    client_cpu: float
    count: int
    publications: int
    p50_ms: float
    p99_ms: float
    samples: int
    published: int
    answered: int
    sent: int
    delivered: int
    bursts: int
    replied: int
    opened: int
    lost: int
    rss_before_kib: int
    rss_after_kib: int


@dataclass(frozen=True)
class Generator:
    """A load generator that can be run.

    Attributes:
        name: What it is, for people.
        command: Program and first arguments.
    """

    name: str
    command: Sequence[str]

    def run(
        self, mode: str, server: Server, options: Mapping[str, float], burst: bytes = b""
    ) -> Sample:
        """Load a server, and return what came of it.

        Raises:
            GeneratorFailed: It could not do what it should, or lost connections.
        """
        recipe = server.recipe
        with tempfile.TemporaryDirectory(prefix="gatewright-bench-") as name:
            folder = Path(name)
            upgrades = b"\0".join(upgrade(target) for target in recipe.websockets)
            (folder / "upgrades").write_bytes(upgrades)
            arguments = {
                "port": recipe.port,
                "publish-port": recipe.publish_port,
                "pid": server.process.pid,
                "upgrades": folder / "upgrades",
                **options,
            }
            if mode == "fanout":
                request = publish_request(recipe.publish_path, recipe.publish_headers)
                (folder / "publish").write_bytes(request)
                arguments |= {"publish": folder / "publish", "stamp": STAMP_AT}
            if burst:
                (folder / "burst").write_bytes(burst)
                arguments["burst"] = folder / "burst"
            sample = self._start(mode, arguments)
        if sample.lost:
            msg = f"{server.name} ended {sample.lost} connections in the middle of {mode}"
            raise GeneratorFailed(msg)
        return sample

    def _start(self, mode: str, arguments: Mapping[str, object]) -> Sample:
        command = [*self.command, mode]
        for name, value in arguments.items():
            command += [f"--{name}", str(value)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with pinned(CLIENT):
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                env=environment,
                check=False,
            )
        if done.returncode:
            raise GeneratorFailed(done.stderr.strip())
        return Sample(**json.loads(done.stdout))


def find_generator(choice: Choice = "auto") -> Generator:
    """Return the load generator: in C where there is a compiler, else in Python.

    Raises:
        GeneratorFailed: C was asked for, and cannot be compiled.
    """
    compiler = shutil.which("cc")
    if choice == "python" or (choice == "auto" and compiler is None):
        return Generator("python", [sys.executable, "-m", "bench.client.fallback"])
    if compiler is None:
        msg = "there is no cc to compile the load generator with"
        raise GeneratorFailed(msg)
    return Generator(f"C, built by {compiler}", [str(_compiled(compiler))])


def _compiled(compiler: str) -> Path:
    """Return the program, kept in a folder of this user until its sources change."""
    sources = sorted(_SOURCES.glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gatewright-bench"
    program = cache / f"loadgen-{digest[:16]}"
    if program.exists():
        return program
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache, delete=False) as target:
        built = Path(target.name)
    done = subprocess.run(
        [compiler, "-O2", "-o", built, *(s for s in sources if s.suffix == ".c")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        built.unlink()
        msg = f"cannot compile the load generator: {done.stderr.strip()}"
        raise GeneratorFailed(msg)
    return built.replace(program)
