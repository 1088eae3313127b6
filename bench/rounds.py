"""Measures cases in interleaved rounds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.cases import Case
from bench.compiled import CannotCompile
from bench.generator import Generator, GeneratorFailed, Sample
from bench.processes import Server, ServerFailed, started
from bench.targets import TARGETS

__all__ = ["Samples", "measured"]

Samples = Mapping[str, Sequence[Sample]]
"""The samples of every server, one for each round."""


@dataclass
class _Measurement:
    """The servers of one case, and what they gave so far.

    Attributes:
        samples: What counts, by server.
        failed: Why a peer is left out, by its name.
        running: Servers that live as long as the case.
    """

    case: Case
    generator: Generator
    samples: dict[str, list[Sample]]
    failed: dict[str, str] = field(default_factory=dict)
    running: dict[str, Server] = field(default_factory=dict)

    @property
    def left(self) -> list[str]:
        """The servers that are still measured, in their order."""
        return [name for name in self.case.targets if name not in self.failed]

    def start(self, stack: ExitStack) -> None:
        """Start every server."""
        for name in self.case.targets:
            with self._leaving_out(name):
                self.running[name] = stack.enter_context(_serving(name))

    def run(self) -> None:
        """Measure each server once."""
        for name in self.left:
            with self._leaving_out(name):
                if self.case.fresh:
                    with _serving(name) as server:
                        sample = _measure(self.case, self.generator, server)
                else:
                    sample = _measure(self.case, self.generator, self.running[name])
                self.samples[name].append(sample)

    @contextmanager
    def _leaving_out(self, name: str) -> Iterator[None]:
        """Leave a peer out of this case when it fails; the gateway's failure is everybody's."""
        try:
            yield
        except (CannotCompile, GeneratorFailed, ServerFailed) as error:
            if TARGETS[name].ours:
                raise
            self.failed[name] = str(error)
            self.samples.pop(name)


def measured(case: Case, generator: Generator, rounds: int) -> tuple[Samples, Mapping[str, str]]:
    """Measure all servers in turn, ``rounds`` times: A B C A B C.

    Returns:
        The samples, and why peers are not among them, by their names.

    Raises:
        GeneratorFailed: A measurement of the gateway does not count.
        ServerFailed: The gateway did not start, or ended.
    """
    measurement = _Measurement(case, generator, {name: [] for name in case.targets})
    with ExitStack() as stack:
        if not case.fresh:
            measurement.start(stack)
        for _ in range(rounds):
            measurement.run()
    return measurement.samples, measurement.failed


@contextmanager
def _serving(name: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix=f"gatewright-bench-{name}-") as folder:
        path = Path(folder)
        with started(name, TARGETS[name].recipe(path), path) as server:
            yield server


def _measure(case: Case, generator: Generator, server: Server) -> Sample:
    try:
        sample = generator.run(server, case.load)
        case.check(server.name, sample)
        server.rest()
        _nothing_dropped(server)
    except GeneratorFailed as error:
        msg = (
            f"{error}\n{server.name} printed: {server.log.read_text(encoding='utf-8') or 'nothing'}"
        )
        raise GeneratorFailed(msg) from error
    return sample


def _nothing_dropped(server: Server) -> None:
    """A server that throws work away is not a fast one."""
    if server.recipe.metrics_path is None:
        return
    _, text = server.get(server.recipe.metrics_path)
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith(_DROPS) and "_created" not in name and float(value):
            msg = f"{server.name} dropped something: {line}"
            raise GeneratorFailed(msg)


_DROPS = ("gatewright_spills", "gatewright_slow_closes", "gatewright_dead_letters")
