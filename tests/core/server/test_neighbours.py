"""A node never looks well while its publications miss the clients of others."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gatewright.server.neighbours import neighbours


class Host:
    def __init__(self, key, backend, *capabilities):
        self.key = key
        self.backend = backend
        self.offers = capabilities.__contains__


def opened(others, *reaches, bus=()):
    presence = SimpleNamespace()
    if others is not None:
        presence.other_nodes = lambda: others
    return SimpleNamespace(
        presence=Host("presence.redis", presence),
        bus=Host("bus.memory", object(), *bus),
        transports=[
            Host(f"transports.{number}", SimpleNamespace(reach=reach))
            for number, reach in enumerate(reaches)
        ],
    )


@pytest.mark.parametrize("others", [None, 0])
def test_alone_there_is_nothing_to_say(others):
    assert neighbours(opened(others, "node")) is None


def test_a_bus_that_ends_here_is_not_ready_beside_others():
    health = neighbours(opened(2, "node", "cluster"))
    assert not health.ready
    assert health.detail == (
        "presence.redis sees 2 more, and bus.memory reaches none of them, so what transports.0 "
        "brings stays here; choose a bus that all nodes share"
    )


def test_a_bus_that_reaches_all_is_fine():
    assert neighbours(opened(2, "node", bus=("cluster",))).ready


def test_transports_that_every_node_reads_need_no_bus():
    health = neighbours(opened(2, "cluster"))
    assert health.ready
    assert health.facts == {"nodes": 2}
