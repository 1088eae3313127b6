"""Keeps a publisher connected, with what it publishes to in place."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import anyio

from gatewright import Health
from gatewright_events_rabbitmq.routes import Routes
from gatewright_rabbitmq_kit import (
    UNAVAILABLE,
    Broker,
    ConfirmedPublisher,
    Link,
    Pauses,
    describe,
)

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Upkeep"]

_LOOK_SECONDS: Final = 5.0
_NOT_YET: Final = "not connected yet"
_ENDED: Final = "the connection ended"
_DECLARING: Final = "exchanges and queues are declared again"
_ALARM: Final = "takes no events for now: an alarm is raised"


class Upkeep:
    """Connects, declares, looks after both, and knows how things are.

    Attributes:
        publisher: What it looks after; only before the first attempt has ended
            does anybody else connect it.
    """

    def __init__(
        self,
        broker: Broker,
        routes: Routes,
        *,
        seconds: float,
        pauses: Pauses,
        log: FilteringBoundLogger,
    ) -> None:
        self.publisher = ConfirmedPublisher(broker, prepare=self._prepare, timeout=seconds)
        self._shown = broker.shown
        self._routes = routes
        self._pauses = pauses
        self._log = log
        self._link: Link | None = None
        self._closing: asyncio.Future[object] | None = None
        self._trouble = ""
        self._note = ""
        self._calls: asyncio.Future[None] | None = None
        self._up = False

    @property
    def away(self) -> bool:
        """Whether it was tried to connect, in vain."""
        return bool(self._trouble)

    @property
    def trouble(self) -> str:
        """Why nothing can be published right now."""
        if self._trouble:
            return self._trouble
        if self._link is None:
            return _NOT_YET
        return _ENDED if self._link.lost else _DECLARING

    def call(self) -> None:
        """Say that the publisher has to be connected or prepared again. Never blocks."""
        if self._calls is not None and not self._calls.done():
            self._calls.set_result(None)

    async def run(self) -> None:
        """Look after the publisher until cancelled; its connection then stays as it is."""
        while True:
            try:
                await self.publisher.connect()
            except UNAVAILABLE as error:
                self._away(describe(error))
                await anyio.sleep(self._pauses.next())
                continue
            self._back()
            while self.publisher.connected:
                await self._until_called()
                await self._look()
            if self._link is None or self._link.lost:
                self._away(_ENDED)

    def health(self) -> Health:
        """Tell whether events can be published, and why not."""
        facts = {"rabbitmq": self._shown}
        if not self.publisher.connected:
            return Health(ready=False, detail=f"{self._shown}: {self.trouble}", facts=facts)
        if self._link is not None and self._link.blocked:
            return Health(ready=False, detail=f"{self._shown} {_ALARM}", facts=facts)
        return Health(ready=True, detail=self._note, facts=facts)

    async def _prepare(self, link: Link) -> None:
        if link is not self._link:
            self._link = link
            self._closing = link.connection.closing
            self._closing.add_done_callback(_look_at)
        self._noted(await self._routes.ensure(link))

    async def _until_called(self) -> None:
        """Wait until somebody calls, the connection ends, or it is time to look."""
        self._calls = calls = asyncio.get_running_loop().create_future()
        ends = calls if self._closing is None else self._closing
        try:
            await asyncio.wait(
                {calls, ends}, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            self._calls = None

    async def _look(self) -> None:
        """See that a quiet broker answers and that bindings are there; drop a connection if not."""
        link = self._link
        if link is None or link.blocked or not self.publisher.connected:
            return
        try:
            self._noted(await self._routes.mend(link))
        except TimeoutError:
            if not link.blocked:
                link.abort()
        except UNAVAILABLE as error:
            if not link.lost:
                self._noted(describe(error))

    def _away(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._log.warning("no connection to RabbitMQ", rabbitmq=self._shown, error=trouble)
        self._trouble, self._up = trouble, False

    def _back(self) -> None:
        self._pauses.reset()
        if not self._up:
            self._log.info("connected to RabbitMQ", rabbitmq=self._shown)
        self._trouble, self._up = "", True

    def _noted(self, note: str) -> None:
        if note and note != self._note:
            self._log.warning("RabbitMQ is not as it should be", rabbitmq=self._shown, problem=note)
        self._note = note


def _look_at(closing: asyncio.Future[object]) -> None:
    """Take note of an error, so that nobody logs that it was overlooked."""
    if not closing.cancelled():
        closing.exception()
