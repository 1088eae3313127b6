"""A sink that remembers every event, and a bus that joins gateways of one test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from gatewright.errors import BusUnavailable
from gatewright.model import Command, Done, Event, EventType, Outcome, Publication, Receipt
from gatewright.plugin.context import PluginContext
from gatewright.plugin.factory import Factory
from gatewright.plugin.protocols import Deliver
from gatewright.plugin.settings import NoSettings, SinkSettings

__all__ = ["LinkedBus", "RecordedEvents"]


class RecordedEvents:
    """An event sink that remembers.

    Attributes:
        events: Everything that happened, in order.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    async def send(self, batch: Sequence[Event]) -> Sequence[Outcome]:
        """Take events; see `gatewright.EventSink`."""
        self.events.extend(batch)
        self._more.set()
        return [Done() for _ in batch]

    async def wait_for(
        self, event_type: EventType, *, user: str | None = None, count: int = 1, seconds: float = 5
    ) -> Event:
        """Return the ``count``-th event of a type, of anybody or of one user, once it is there.

        Raises:
            AssertionError: It did not happen in time; the text says what did.
        """

        def found() -> list[Event]:
            return [
                each
                for each in self.events
                if each.type == event_type and user in {None, each.user_id}
            ]

        try:
            async with asyncio.timeout(seconds):
                while len(found()) < count:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            seen = [f"{each.type} of {each.user_id}" for each in self.events]
            message = f"no {event_type} number {count} within {seconds:g} s, only {seen}"
            raise AssertionError(message) from None
        return found()[count - 1]

    def messages(self) -> list[Any]:
        """Return what clients sent, parsed, in order."""
        return [
            json.loads(each.body)["message"]
            for each in self.events
            if each.type == "message_received"
        ]

    def factory(self) -> Factory[SinkSettings, RecordedEvents]:
        """Return a factory that opens this very sink."""
        return Factory(settings=SinkSettings, open=_opener(self), summary="remembers events")


class LinkedBus:
    """A bus between the gateways of one test: each opened from `factory` is a node."""

    def __init__(self) -> None:
        self._deliver: dict[object, Deliver] = {}

    def factory(self) -> Factory[NoSettings, _Node]:
        """Return a factory that opens one more node."""

        @asynccontextmanager
        async def opening(settings: NoSettings, context: PluginContext) -> AsyncIterator[_Node]:
            del settings, context
            yield _Node(self._deliver)

        return Factory(
            settings=NoSettings,
            open=opening,
            summary="joins the gateways of one test",
            provides=frozenset({"cluster"}),
        )


class _Node:
    """One gateway's end of a `LinkedBus`."""

    def __init__(self, deliver: dict[object, Deliver]) -> None:
        self._all = deliver

    async def publish(self, message: Publication | Command, *, count: bool) -> Receipt:
        """Hand a message to every node at once."""
        if self not in self._all:
            reason = "the bus is not running"
            raise BusUnavailable(reason)
        sent = sum(deliver(message) for deliver in list(self._all.values()))
        return Receipt(sent if count else None)

    async def run(self, deliver: Deliver) -> None:
        """Be a node until cancelled."""
        self._all[self] = deliver
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            del self._all[self]


def _opener(
    backend: RecordedEvents,
) -> Callable[[SinkSettings, PluginContext], AbstractAsyncContextManager[RecordedEvents]]:
    @asynccontextmanager
    async def opening(
        settings: SinkSettings, context: PluginContext
    ) -> AsyncIterator[RecordedEvents]:
        del settings, context
        yield backend

    return opening
