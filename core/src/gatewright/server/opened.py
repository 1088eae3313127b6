"""Opens what a configuration chose, in the order that lets nothing be lost or missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatewright.config.result import Config, Selected
from gatewright.plugin.host import Host, Hosts
from gatewright.plugin.opening import check_backend
from gatewright.plugin.spec import Kind
from gatewright.server.lent import Lent

if TYPE_CHECKING:
    from gatewright.plugin.protocols import (
        Authenticator,
        Bus,
        DeadLetterStore,
        EventSink,
        Presence,
        RateLimit,
        Transport,
    )

__all__ = ["Opened", "Opener"]


@dataclass(slots=True)
class Opened:
    """The hosts of one gateway by kind, each holding its open backend."""

    dead_letters: Host[DeadLetterStore]
    last_resort: Host[DeadLetterStore]
    events: list[Host[EventSink]]
    auth: Host[Authenticator]
    rate_limit: Host[RateLimit]
    presence: Host[Presence]
    bus: Host[Bus]
    extensions: list[Host[Any]]
    transports: list[Host[Transport]]


class Opener:
    """Opens backends with what each may need of the others.

    Attributes:
        provided: What there is so far for plugins that name it in ``needs``.
    """

    def __init__(self, config: Config, hosts: Hosts, provided: Mapping[str, Any]) -> None:
        self._config = config
        self._hosts = hosts
        self.provided = dict(provided)

    async def open(self, lent: Lent) -> Opened:
        """Open everything, the dead letters first so that nothing can fail unrecorded.

        Args:
            lent: What plugins that need ``publish``, ``command`` or ``membership`` get.

        Raises:
            StartError: A plugin did not open, or what it opened lacks something that its kind's
                protocol asks for.
        """
        dead_letters = await self._one("dead_letters")
        last_resort = dead_letters
        if self._config.last_resort is not None:
            last_resort = await self._open(self._config.last_resort)
        self.provided["dead_letters"] = dead_letters.backend
        events = await self._all("events")
        auth = await self._one("auth")
        rate_limit = await self._one("rate_limit")
        self.provided["membership"] = lent
        presence = await self._one("presence")
        self.provided["presence"] = presence.backend
        bus = await self._one("bus")
        self.provided |= {"publish": lent.publish, "command": lent.command}
        return Opened(
            dead_letters=dead_letters,
            last_resort=last_resort,
            events=events,
            auth=auth,
            rate_limit=rate_limit,
            presence=presence,
            bus=bus,
            extensions=await self._all("extension"),
            transports=await self._all("transport"),
        )

    async def _one(self, kind: Kind) -> Host[Any]:
        return await self._open(self._config.one(kind))

    async def _all(self, kind: Kind) -> list[Host[Any]]:
        return [await self._open(selected) for selected in self._config.plugins.get(kind, ())]

    async def _open(self, selected: Selected) -> Host[Any]:
        host = await self._hosts.open(selected, provided=self.provided)
        check_backend(selected, host.backend)
        return host
