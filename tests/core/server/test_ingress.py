"""Where a publication goes, and what its receipt says."""

from __future__ import annotations

import pytest
from tests.core.hub.test_hub import hub_of, member, publication

from gatewright import BusUnavailable, Command, PublicationLimits, Receipt
from gatewright.metrics import Metrics
from gatewright.server.ingress import Ingress

pytestmark = pytest.mark.anyio


class Bus:
    """Reaches this node's hub and, in the count, three connections elsewhere."""

    def __init__(self, hub):
        self.hub = hub
        self.asked = []
        self.accepts = True

    async def publish(self, message, *, count):
        self.asked.append((message, count))
        if not self.accepts:
            why = "away"
            raise BusUnavailable(why)
        sent = self.hub.deliver(message)
        return Receipt(sent + 3) if count else Receipt(None)


def ingress_of(*members, reaches_all=True):
    hub = hub_of(*members)
    bus = Bus(hub)
    metrics = Metrics()
    ingress = Ingress(
        hub, bus, reaches_all=reaches_all, limits=PublicationLimits(), metrics=metrics
    )
    return ingress, bus, metrics


def count(metrics, result):
    return metrics.registry.get_sample_value(
        "gatewright_publications_total", {"transport": "http", "result": result}
    )


async def test_what_one_node_brings_goes_over_the_bus_and_is_counted_everywhere():
    ingress, bus, _ = ingress_of(member(1, "42"))
    publish = ingress.publish_for("http", "node")
    assert await publish(publication("user:42")) == Receipt(4)
    assert [asked for _, asked in bus.asked] == [True]


async def test_what_every_node_reads_goes_straight_to_the_hub():
    ingress, bus, _ = ingress_of(member(1, "42"))
    publish = ingress.publish_for("redis_stream", "cluster")
    assert await publish(publication("user:42")) == Receipt(1)
    assert bus.asked == []


async def test_without_a_count_the_receipt_holds_this_nodes_alone():
    ingress, bus, _ = ingress_of(member(1, "42"), member(2, "42"))
    publish = ingress.publish_for("http", "node")
    assert await publish(publication("user:42"), count=False) == Receipt(2, exact=False)
    assert [asked for _, asked in bus.asked] == [False]


async def test_a_bus_that_ends_here_counts_exactly_without_asking():
    ingress, _, _ = ingress_of(member(1, "42"), reaches_all=False)
    publish = ingress.publish_for("http", "node")
    assert await publish(publication("user:42"), count=False) == Receipt(1)


async def test_a_repeat_asks_the_other_nodes_again_and_reaches_nobody_twice():
    here = member(1, "42")
    ingress, bus, metrics = ingress_of(here)
    publish = ingress.publish_for("http", "node")
    assert await publish(publication("user:42", id="a")) == Receipt(4)
    assert await publish(publication("user:42", id="a")) == Receipt(4, duplicate=True)
    assert len(here.got) == 1
    assert len(bus.asked) == 2
    assert (count(metrics, "accepted"), count(metrics, "duplicate")) == (1, 1)


async def test_a_repeat_that_asks_for_no_count_does_not_leave_the_node():
    ingress, bus, _ = ingress_of(member(1, "42"))
    publish = ingress.publish_for("http", "node")
    await publish(publication("user:42", id="a"), count=False)
    again = await publish(publication("user:42", id="a"), count=False)
    assert again == Receipt(1, exact=False, duplicate=True)
    assert len(bus.asked) == 1


async def test_a_command_goes_to_all_nodes():
    connected = member(1, "42")
    ingress, bus, _ = ingress_of(connected)
    assert await ingress.command(Command("disconnect", user_id="42", code=4000)) == Receipt(4)
    assert connected.closed == (4000, "")
    assert [asked for _, asked in bus.asked] == [True]


async def test_a_bus_that_does_not_accept_is_counted_and_told():
    ingress, bus, metrics = ingress_of()
    bus.accepts = False
    with pytest.raises(BusUnavailable):
        await ingress.publish_for("http", "node")(publication("user:42"))
    assert count(metrics, "bus_unavailable") == 1
