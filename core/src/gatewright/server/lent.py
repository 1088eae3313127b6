"""What plugins are lent of a gateway that is made only after they are open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gatewright.errors import GatewrightError
from gatewright.model import Command, ConnectionInfo, Publication, Receipt

if TYPE_CHECKING:
    from gatewright.server.gateway import Gateway

__all__ = ["Lent", "NotThereYet"]


class NotThereYet(GatewrightError):
    """A plugin used the gateway while it was being opened; it may from its ``run`` on."""

    def __str__(self) -> str:
        return "the gateway is not there yet; use it from run on"


class Lent:
    """Hands on to the gateway, which `fill` gives it before any plugin runs."""

    def __init__(self) -> None:
        self._there: Gateway | None = None

    def fill(self, gateway: Gateway) -> None:
        """Say which gateway it is."""
        self._there = gateway

    async def publish(self, publication: Publication, *, count: bool = True) -> Receipt:
        """Publish from a plugin that is no transport."""
        return await self._gateway.publish(publication, count=count)

    async def command(self, command: Command) -> Receipt:
        """Command the connections of all nodes."""
        return await self._gateway.command(command)

    async def lost(self, connections: Sequence[ConnectionInfo]) -> None:
        """Say that connections of another node are gone; see `Membership`."""
        await self._gateway.membership.lost(connections)

    def evict(self, why: str) -> int:
        """Close all sockets of this node; see `Membership`."""
        return self._gateway.membership.evict(why)

    @property
    def _gateway(self) -> Gateway:
        if self._there is None:
            raise NotThereYet
        return self._there
