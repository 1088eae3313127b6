"""The way of a publication from a transport to the hub, through the bus where that is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from gatewright.errors import BusUnavailable, InvalidPublication
from gatewright.model import Publication, Receipt
from gatewright.wire.publication import PublicationLimits, check_publication
from gatewright.wire.strict import utf8_error

if TYPE_CHECKING:
    from gatewright.hub.hub import Hub
    from gatewright.metrics import Metrics
    from gatewright.plugin.protocols import Bus, Publish, Reach

__all__ = ["Ingress"]


class Ingress:
    """Makes each transport its ``publish``."""

    def __init__(self, hub: Hub, bus: Bus, limits: PublicationLimits, metrics: Metrics) -> None:
        self._hub = hub
        self._bus = bus
        self._limits = limits
        self._publications = metrics.publications

    def publish_for(self, name: str, reach: Reach) -> Publish:
        """Return the ``publish`` of a transport.

        Args:
            name: The transport's name, which its metrics carry.
            reach: ``cluster``: every node reads everything, so it goes straight to this node's
                hub. ``node``: this node has the only copy, so it goes over the bus.
        """
        hand_on = self._to_the_hub if reach == "cluster" else self._to_the_bus
        accepted = self._publications.labels(name, "accepted").inc
        duplicate = self._publications.labels(name, "duplicate").inc
        invalid = self._publications.labels(name, "invalid").inc
        refused = self._publications.labels(name, "bus_unavailable").inc

        async def publish(publication: Publication) -> Receipt:
            try:
                receipt = await self._once(publication, hand_on)
            except InvalidPublication:
                invalid()
                raise
            except BusUnavailable:
                refused()
                raise
            (duplicate if receipt.duplicate else accepted)()
            return receipt

        return publish

    async def _once(
        self, publication: Publication, hand_on: Callable[[Publication], Awaitable[Receipt]]
    ) -> Receipt:
        check_publication(publication, self._limits)
        if (where := utf8_error(publication.payload)) is not None:  # from a plugin's own making
            raise InvalidPublication(where)
        if (reached := self._hub.seen(publication)) is not None:
            return Receipt(sent=reached, duplicate=True)
        return await hand_on(publication)

    async def _to_the_hub(self, publication: Publication) -> Receipt:
        return Receipt(sent=self._hub.deliver(publication))

    async def _to_the_bus(self, publication: Publication) -> Receipt:
        return await self._bus.publish(publication, count=True)
