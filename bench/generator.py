"""Builds and runs the load generator, and judges whether a run counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from bench.compiled import CannotCompile, compiled, compiler
from bench.cores import CLIENT, pinned
from bench.prepared import Word, masked, publication, publish_request, upgrade, users
from bench.processes import ROOT, Server
from bench.recipe import Recipe

__all__ = ["Generator", "GeneratorFailed", "Load", "Sample", "find_generator"]

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
        server_cpu: CPU time of the server's processes, user and system.
        client_cpu: CPU time of the load generator.
        sent: The sum of what the server said it sent.
        payload_bytes: The bytes of the texts that were delivered.
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
    payload_bytes: int
    bursts: int
    replied: int
    opened: int
    lost: int
    rss_before_kib: int
    rss_after_kib: int


@dataclass(frozen=True)
class Load:
    """What a server is loaded with.

    Attributes:
        mode: The load generator's run: fanout, inbound, handshake or idle.
        options: Its options that are numbers.
        burst: What every client says at once, if clients talk.
        users: How many users each publication is for, each with one connection; 0: one user, whom
            all clients are.
    """

    mode: str
    options: Mapping[str, float]
    burst: Sequence[Word] = ()
    users: int = 0


@dataclass(frozen=True)
class Generator:
    """A load generator that can be run.

    Attributes:
        name: What it is, for people.
        command: Program and first arguments.
    """

    name: str
    command: Sequence[str]

    def run(self, server: Server, load: Load) -> Sample:
        """Load a server, and return what came of it.

        Raises:
            GeneratorFailed: It could not do what it should, or lost connections.
        """
        with tempfile.TemporaryDirectory(prefix="gatewright-bench-") as name:
            arguments: dict[str, object] = {
                "port": server.recipe.port,
                "publish-port": server.recipe.publish_port,
                "pids": ",".join(str(pid) for pid in server.pids),
                **load.options,
                **_words(server.recipe, load),
            }
            for option, data in _prepared(server.recipe, load).items():
                path = Path(name, option)
                path.write_bytes(data)
                arguments[option] = path
            sample = self._start(load.mode, arguments)
        if sample.lost:
            msg = f"{server.name} ended {sample.lost} connections in the middle of {load.mode}"
            raise GeneratorFailed(msg)
        return sample

    def _start(self, mode: str, arguments: Mapping[str, object]) -> Sample:
        command = [*self.command, mode]
        for name, value in arguments.items():
            command += [f"--{name}", str(value)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        try:
            with pinned(CLIENT):
                done = subprocess.run(
                    command,
                    capture_output=True,
                    text=True,
                    timeout=_SECONDS,
                    env=environment,
                    check=False,
                )
        except subprocess.TimeoutExpired as error:
            msg = f"{mode} did not come to an end within {_SECONDS:g} s"
            raise GeneratorFailed(msg) from error
        if done.returncode:
            raise GeneratorFailed(done.stderr.strip())
        return Sample(**json.loads(done.stdout))


def _words(recipe: Recipe, load: Load) -> dict[str, object]:
    """Return what the load generator has to know of what a server says."""
    dialect = recipe.dialect
    words: dict[str, object] = {"welcome": dialect.welcome, "counted": dialect.counted}
    if load.mode == "fanout":
        words |= {"sent": recipe.sent, "stamp": dialect.stamp_at}
    return words


def _prepared(recipe: Recipe, load: Load) -> dict[str, bytes]:
    """Return the bytes that the load generator sends, by the option that names their file."""
    dialect = recipe.dialect
    websockets: Sequence[str] = recipe.websockets
    addressees = users(load.users)
    if addressees:
        assert recipe.user_path is not None, "only servers that know users can address them"
        websockets = [recipe.user_path.format(user=user) for user in addressees]
    prepared = {"upgrades": b"\0".join(upgrade(target) for target in websockets)}
    if load.mode == "fanout":
        body = publication(dialect, addressees) if addressees else publication(dialect)
        request = publish_request(recipe.publish_path, recipe.publish_headers, body)
        prepared["publish"] = request
    if load.burst:
        prepared["burst"] = dialect.burst(load.burst)
    if dialect.greeting:
        prepared["greeting"] = masked(dialect.greeting)
    return prepared


def find_generator(choice: Choice = "auto") -> Generator:
    """Return the load generator: in C where there is a compiler, else in Python.

    Raises:
        GeneratorFailed: C was asked for, and cannot be compiled.
    """
    cc = compiler()
    if choice == "python" or (choice == "auto" and cc is None):
        return Generator("python", [sys.executable, "-m", "bench.client.fallback"])
    if cc is None:
        msg = "there is no cc to compile the load generator with"
        raise GeneratorFailed(msg)
    try:
        program = compiled("loadgen", _SOURCES, cc)
    except CannotCompile as error:
        raise GeneratorFailed(str(error)) from error
    return Generator(f"C, built by {cc}", [str(program)])
