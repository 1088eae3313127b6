"""Judges tokens that clients send in-band, and applies what they change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gatewright.errors import AuthenticationError
from gatewright.model import Command, Identity

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from gatewright.hub.hub import Hub
    from gatewright.server.expiry import Expiry
    from gatewright.server.identify import Identifier
    from gatewright.session.session import Session

__all__ = ["Refresher"]


class Refresher:
    """One task per token under judgement; a session has at most one at a time."""

    def __init__(
        self, identifier: Identifier, expiry: Expiry, hub: Hub, log: FilteringBoundLogger
    ) -> None:
        self._identifier = identifier
        self._expiry = expiry
        self._hub = hub
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, session: Session, token: str) -> None:
        """Judge ``token``; the session hears of it by `Session.refreshed`."""
        task = asyncio.get_running_loop().create_task(self._judge(session, token))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _judge(self, session: Session, token: str) -> None:
        before = session.identity
        try:
            after = await self._identifier.again(token, before)
        except AuthenticationError as error:
            self._log.info("refresh refused", reason=error.reason)
            session.refreshed(None)
            return
        session.refreshed(after)
        if self._hub.get(session.info.connection_id) is not None:
            self._apply(session, before, after)

    def _apply(self, session: Session, before: Identity, after: Identity) -> None:
        self._expiry.watch(session)
        gone = tuple(set(before.subjects) - set(after.subjects))
        new = tuple(set(after.subjects) - set(before.subjects))
        if gone or new:
            connection_id = session.info.connection_id
            self._hub.deliver(
                Command("subjects", connection_id=connection_id, add=new, remove=gone)
            )
