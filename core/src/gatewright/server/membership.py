"""Nodes that are gone: what becomes of their connections, and of ours if we are taken for one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from gatewright.errors import DeadLettersUnwritten
from gatewright.server.drain import SHORTEST_SPREAD_MS
from gatewright.wire.close_codes import SERVICE_RESTART
from gatewright.wire.event import lost_event

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from gatewright.clock import Clock
    from gatewright.events.dead_letters import DeadLetterWriter
    from gatewright.events.dispatcher import Dispatcher
    from gatewright.hub.hub import Hub
    from gatewright.metrics import Metrics
    from gatewright.model import ConnectionInfo

__all__ = ["NodeMembership"]

WRITE_SECONDS: Final = 5.0


class NodeMembership:
    """The core's side of `Membership`."""

    def __init__(
        self,
        *,
        hub: Hub,
        dispatcher: Dispatcher,
        dead_letters: DeadLetterWriter,
        metrics: Metrics,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._hub = hub
        self._dispatcher = dispatcher
        self._dead_letters = dead_letters
        self._lost = metrics.lost_connections.inc
        self._clock = clock
        self._log = log

    async def lost(self, connections: Sequence[ConnectionInfo]) -> None:
        """Say ``disconnected`` for each, and wait until it is taken or written down.

        Raises:
            DeadLettersUnwritten: Neither could be done.
        """
        now = self._clock.time()
        await self._dispatcher.settle([lost_event(one, now) for one in connections])
        if not await self._dead_letters.flush(WRITE_SECONDS):
            raise DeadLettersUnwritten
        self._lost(len(connections))

    def evict(self, why: str) -> int:
        """Close every socket with 1012 and a hint when to come back."""
        members = self._hub.members()
        self._log.error("sockets are closed: this node was taken for dead", error=why)
        for member in members:
            retry = random.randint(0, SHORTEST_SPREAD_MS)  # noqa: S311 - spreads load, guards nothing
            member.evict(SERVICE_RESTART, f"retry={retry}")
        return len(members)
