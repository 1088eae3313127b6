"""The open sessions of this node, and everything that follows them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from gatewright.events.dispatcher import Dispatcher
from gatewright.hub.hub import Hub
from gatewright.hub.presence_keeper import PresenceKeeper
from gatewright.model import ConnectionInfo, Identity
from gatewright.server.expiry import Expiry
from gatewright.server.refresh import Refresher
from gatewright.session.flood import FloodGuard
from gatewright.session.services import MessageCounts, SessionServices
from gatewright.session.session import Session

if TYPE_CHECKING:
    from gatewright.clock import Clock
    from gatewright.metrics import Metrics
    from gatewright.plugin.protocols import RateLimit

__all__ = ["Connections"]

COUNTED_CODES: Final = frozenset(
    {1000, 1001, 1002, 1003, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 4008, 4401}
)


class Connections:
    """Makes sessions, and keeps hub, presence, expiry and lanes in step with them."""

    def __init__(
        self,
        *,
        hub: Hub,
        keeper: PresenceKeeper,
        dispatcher: Dispatcher,
        expiry: Expiry,
        refresher: Refresher,
        rate_limit: RateLimit,
        refresh_enabled: bool,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._hub = hub
        self._keeper = keeper
        self._expiry = expiry
        self._rate_limit = rate_limit
        self._closes = metrics.closes
        self._empty = asyncio.Event()
        self._empty.set()
        self._services = SessionServices(
            emit=dispatcher.emit,
            joined=self._joined,
            left=self._left,
            touched=self._touched,
            reply=hub.fanout.reply,
            settle=hub.fanout.flush,
            reauthenticate=refresher.start,
            refresh_enabled=refresh_enabled,
            flood=FloodGuard(rate_limit.per_second, rate_limit.burst),
            counted=MessageCounts(metrics),
            clock=clock,
        )

    def new(self, info: ConnectionInfo, identity: Identity) -> Session:
        """Make the session of an accepted client; it is in the hub once a driver opens it."""
        return Session(self._services, info, identity, self._rate_limit.admission(info))

    def pause(self, connection_id: str, paused: bool) -> None:  # noqa: FBT001 - the lanes' callback
        """Stop or resume reading a connection, because its lane is full."""
        member = self._hub.get(connection_id)
        if member is not None:
            member.pause(paused)

    async def empty(self) -> None:
        """Wait until there is no session."""
        await self._empty.wait()

    def _joined(self, session: Session) -> None:
        self._empty.clear()
        self._hub.add(session)
        self._keeper.joined(session.info)
        self._expiry.watch(session)

    def _left(self, session: Session, code: int, _reason: str) -> None:
        self._hub.remove(session)
        self._keeper.left(session.info)
        self._expiry.forget(session)
        self._closes.labels(_label(code)).inc()
        if not len(self._hub):
            self._empty.set()

    def _touched(self, session: Session) -> None:
        self._keeper.touch(session.info)


def _label(code: int) -> str:
    """Return a close code for the metric; a client may choose among thousands, which share one."""
    return str(code) if code in COUNTED_CODES else "other"
