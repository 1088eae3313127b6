"""Starts and ends the servers, and waits until they are at rest."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.client.measure import cpu_seconds
from bench.cores import SERVER, pinned
from bench.recipe import Recipe

__all__ = ["ROOT", "Server", "ServerFailed", "started"]

ROOT: Final = Path(__file__).resolve().parent.parent
START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 15.0
REST_SECONDS: Final = 10.0


class ServerFailed(Exception):
    """A server did not start, or ended by itself.

    Attributes:
        name: Which one.
        log: What it printed.
    """

    def __init__(self, name: str, log: str) -> None:
        self.name, self.log = name, log
        super().__init__(name, log)

    def __str__(self) -> str:
        return f"{self.name} does not serve; it printed:\n{self.log}"


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    name: str
    recipe: Recipe
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pids(self) -> tuple[int, ...]:
        """All its processes: the one that was started, and whatever that one started."""
        return (self.process.pid, *_descendants(self.process.pid))

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of an HTTP GET.

        Raises:
            OSError: Nobody answers.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.recipe.port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def is_ready(self) -> bool:
        """Whether it serves.

        Raises:
            ServerFailed: It ended instead.
        """
        if self.process.poll() is not None:
            raise ServerFailed(self.name, self.log.read_text(encoding="utf-8"))
        with suppress(OSError, http.client.HTTPException):
            if self.recipe.ready_path is not None:
                return self.get(self.recipe.ready_path)[0] == http.HTTPStatus.OK
            for port in (self.recipe.port, self.recipe.publish_port):
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return True
        return False

    def rest(self) -> None:
        """Wait until the work that former clients left behind is done, within reason."""
        until = time.monotonic() + REST_SECONDS
        before = cpu_seconds(*self.pids)
        while time.monotonic() < until:
            time.sleep(0.1)
            now = cpu_seconds(*self.pids)
            if now - before < 0.005:  # noqa: PLR2004 (a twentieth of a core)
                return
            before = now


@contextmanager
def started(name: str, recipe: Recipe, folder: Path) -> Iterator[Server]:
    """Run a server on its core while the context lasts; its files and its log go to ``folder``.

    Raises:
        ServerFailed: It did not become ready.
    """
    log = folder / f"{name}.log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "STATE_DIRECTORY": str(folder)}
    with log.open("wb") as output, pinned(SERVER):
        process = subprocess.Popen(
            recipe.command, stdout=output, stderr=output, cwd=folder, env=environment
        )
    server = Server(name, recipe, process, log)
    try:
        _await_ready(server)
        server.rest()
        yield server
    finally:
        _stop(process)


def _await_ready(server: Server) -> None:
    until = time.monotonic() + START_SECONDS
    while not server.is_ready():
        if time.monotonic() > until:
            raise ServerFailed(server.name, server.log.read_text(encoding="utf-8"))
        time.sleep(0.05)


def _descendants(pid: int) -> list[int]:
    """Return the processes below another one, by what each says its parent is."""
    children: dict[int, list[int]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            parent = file.read_text(encoding="utf-8").rpartition(")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(file.parent.name))
    found = list(children.get(pid, ()))
    for each in found:
        found += children.get(each, ())
    return found


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
