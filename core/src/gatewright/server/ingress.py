"""The way of a publication from a transport to the hub, through the bus where that is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from gatewright.errors import BusUnavailable, InvalidPublication
from gatewright.model import Command, Publication, Receipt
from gatewright.wire.publication import PublicationLimits, check_publication
from gatewright.wire.strict import utf8_error

if TYPE_CHECKING:
    from gatewright.hub.hub import Hub
    from gatewright.metrics import Metrics
    from gatewright.plugin.protocols import Bus, Publish, Reach

__all__ = ["Ingress"]

HandOn = Callable[[Publication, bool], Awaitable[Receipt]]


class Ingress:
    """Makes each transport its ``publish``.

    Args:
        hub: This node's connections.
        bus: The way to all nodes.
        reaches_all: Whether the bus reaches other nodes than this one.
        limits: How large a publication may be.
        metrics: Counts publications by transport and result.
    """

    def __init__(
        self,
        hub: Hub,
        bus: Bus,
        *,
        reaches_all: bool,
        limits: PublicationLimits,
        metrics: Metrics,
    ) -> None:
        self._hub = hub
        self._bus = bus
        self._reaches_all = reaches_all
        self._limits = limits
        self._publications = metrics.publications

    def publish_for(self, name: str, reach: Reach) -> Publish:
        """Return the ``publish`` of a transport.

        Args:
            name: The transport's name, which its metrics carry.
            reach: ``cluster``: every node reads everything, so it goes straight to this node's
                hub. ``node``: this node has the only copy, so it goes over the bus.
        """
        once = self._to_the_hub if reach == "cluster" else self._to_the_bus
        accepted = self._publications.labels(name, "accepted").inc
        duplicate = self._publications.labels(name, "duplicate").inc
        invalid = self._publications.labels(name, "invalid").inc
        refused = self._publications.labels(name, "bus_unavailable").inc

        async def publish(publication: Publication, *, count: bool = True) -> Receipt:
            try:
                self._check(publication)
                receipt = await once(publication, count)
            except InvalidPublication:
                invalid()
                raise
            except BusUnavailable:
                refused()
                raise
            (duplicate if receipt.duplicate else accepted)()
            return receipt

        return publish

    async def command(self, command: Command) -> Receipt:
        """Have every node carry out a command; count the connections that it reached.

        Raises:
            BusUnavailable: The bus did not accept it.
        """
        return await self._bus.publish(command, count=True)

    def _check(self, publication: Publication) -> None:
        check_publication(publication, self._limits)
        if (where := utf8_error(publication.payload)) is not None:  # from a plugin's own making
            raise InvalidPublication(where)

    async def _to_the_hub(self, publication: Publication, _count: bool) -> Receipt:  # noqa: FBT001 - one shape for both
        if (reached := self._hub.seen(publication)) is not None:
            return Receipt(sent=reached, duplicate=True)
        return Receipt(sent=self._hub.deliver(publication))

    async def _to_the_bus(self, publication: Publication, count: bool) -> Receipt:  # noqa: FBT001 - as above
        """Go over the bus; what was seen here goes again only to ask the others how many it was."""
        reached = self._hub.seen(publication)
        if reached is not None and not (count and self._reaches_all):
            return Receipt(sent=reached, exact=not self._reaches_all, duplicate=True)
        receipt = await self._bus.publish(publication, count=count)
        if receipt.sent is None:
            here = self._hub.matching(publication)
            receipt = replace(receipt, sent=here, exact=not self._reaches_all)
        return receipt if reached is None else replace(receipt, duplicate=True)
