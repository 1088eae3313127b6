"""Measures cases in interleaved rounds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.cases import Case
from bench.generator import Generator, GeneratorFailed, Sample
from bench.processes import Server, started
from bench.targets import TARGETS

__all__ = ["Samples", "measured"]

Samples = Mapping[str, Sequence[Sample]]
"""The samples of every server, one for each round."""


def measured(case: Case, generator: Generator, rounds: int) -> Samples:
    """Measure all servers in turn, ``rounds`` times: A B C A B C.

    Raises:
        GeneratorFailed: A measurement does not count.
        ServerFailed: A server did not start, or ended.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in case.targets}
    with ExitStack() as stack:
        running = {} if case.fresh else {t: stack.enter_context(_serving(t)) for t in case.targets}
        for _ in range(rounds):
            for name in case.targets:
                if case.fresh:
                    with _serving(name) as server:
                        samples[name].append(_measure(case, generator, server))
                else:
                    samples[name].append(_measure(case, generator, running[name]))
    return samples


@contextmanager
def _serving(name: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix=f"gatewright-bench-{name}-") as folder:
        path = Path(folder)
        with started(name, TARGETS[name](path), path) as server:
            yield server


def _measure(case: Case, generator: Generator, server: Server) -> Sample:
    try:
        sample = generator.run(case.run, server, case.options, case.burst)
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
