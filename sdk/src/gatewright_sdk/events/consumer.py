"""What both consumers are: run until stopped, event after event, each until it is handled."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from typing import Any, Final, TypeVar

from gatewright_sdk.errors import ConfigurationError, Unavailable
from gatewright_sdk.events.backoff import Backoff
from gatewright_sdk.events.lanes import Lanes
from gatewright_sdk.events.registry import Events
from gatewright_sdk.model import Delivery, Event

__all__ = ["Consumer", "Outcome", "named", "positive"]

_Result = TypeVar("_Result")
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0
_RECONNECT: Final = (0.1, 5.0)


class Outcome(Enum):
    """What became of an event."""

    DONE = "done"
    GIVEN_UP = "tried often enough"
    LEFT = "stopped before it was done"
    GONE = "another consumer's"


class Consumer(ABC):
    """Has events handled, at least once each; see the subclasses.

    Args:
        events: Whose handlers hear of the events.
        log: Where troubles are told.
        concurrency: How many events are handled at once, each of another connection.
        max_deliveries: How often an event is tried.
        stop_seconds: What finishing may take once it is stopped.
        retry_seconds: The first pause between two tries; it doubles up to a minute.
    """

    def __init__(
        self,
        events: Events[Any],
        *,
        log: logging.Logger,
        concurrency: int,
        max_deliveries: int,
        stop_seconds: float,
        retry_seconds: float,
    ) -> None:
        positive(concurrency=concurrency, max_deliveries=max_deliveries)
        positive(stop_seconds=stop_seconds, retry_seconds=retry_seconds)
        self._events = events
        self._log = log
        self._concurrency = concurrency
        self._max_deliveries = max_deliveries
        self._stop_seconds = stop_seconds
        self._retry_seconds = retry_seconds
        self._stopping = asyncio.Event()
        self._lanes: Lanes | None = None

    async def run(self) -> None:
        """Consume until `stop`, or until it is cancelled; once, for one task.

        A broker that cannot be reached is waited for, with pauses up to five seconds and a warning
        each time. After `stop` nothing more is read, what was read is handled for up to
        ``stop_seconds``, and the rest is left to the next consumer. Cancelling cancels the
        handlers that run: their events are delivered again.

        Raises:
            Refused: The broker will not have it: a wrong password, a key of another type.
            RuntimeError: It runs, or ran, already.
        """
        if self._lanes is not None:
            msg = "run() was called before: make a consumer for each run"
            raise RuntimeError(msg)
        lanes = self._lanes = Lanes(self._concurrency)
        working = asyncio.create_task(self._work())
        try:
            await asyncio.wait({working, lanes.failed}, return_when=asyncio.FIRST_COMPLETED)
            if lanes.failed.done():
                lanes.failed.result()
            await working
        finally:
            await lanes.cancel()
            if lanes.failed.done():
                lanes.failed.exception()  # taken note of
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    def stop(self) -> None:
        """Have `run` end soon; see there. Harmless when repeated, and before `run`.

        To be called on the event loop's thread, such as by ``loop.add_signal_handler``; from
        another one through ``loop.call_soon_threadsafe(consumer.stop)``.
        """
        self._stopping.set()

    @abstractmethod
    async def _session(self) -> None:
        """Connect and read until it is stopped; raise `Unavailable` where that ends early."""

    @abstractmethod
    async def _work(self) -> None:
        """Keep sessions going until it is stopped, then finish."""

    @property
    def _running(self) -> Lanes:
        if self._lanes is None:
            msg = "the consumer does not run"
            raise RuntimeError(msg)
        return self._lanes

    async def _keep_sessions(self) -> None:
        backoff = Backoff(*_RECONNECT)
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            try:
                await self._session()
            except Unavailable as error:
                if loop.time() - began > _RECONNECT[1]:
                    backoff.reset()
                pause = next(backoff)
                self._log.warning("%s; trying again in %.1f s", error, pause)
                await self._sleep(pause)

    async def _finish(self) -> None:
        """Wait for what is under way."""
        if not await self._running.finish(self._stop_seconds):
            self._log.warning("stopped with events that are not handled: they come again")
            await self._running.cancel()

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or until it is stopped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _patiently(self, call: Callable[[], Awaitable[_Result]]) -> _Result:
        """Repeat a call to the broker until it answers."""
        backoff = Backoff(*_RECONNECT)
        while True:
            try:
                return await call()
            except Unavailable as error:
                pause = next(backoff)
                self._log.warning("%s; trying again in %.1f s", error, pause)
                await asyncio.sleep(pause)

    async def _handle(
        self, event: Event, tries: int, again: Callable[[], Awaitable[Delivery | None]]
    ) -> Outcome:
        """Dispatch an event until its handlers succeed, with growing pauses.

        Args:
            event: What happened.
            tries: Which try the first one is, from 1.
            again: Counts a further one, and tells how it comes; None: somebody else has it.
        """
        backoff = Backoff(self._retry_seconds, max(_LONGEST_PAUSE, self._retry_seconds))
        while tries <= self._max_deliveries:
            try:
                async with self._running.slots:
                    await self._events.dispatch(event)
            except Exception:  # noqa: BLE001 - whatever a handler raises
                self._log_failure(event, tries)
            else:
                return Outcome.DONE
            if tries == self._max_deliveries:
                break
            with self._running.paused(event.connection_id):
                await self._sleep(next(backoff))
            if self._stopping.is_set():
                return Outcome.LEFT
            delivery = await again()
            if delivery is None:
                return Outcome.GONE
            tries = max(tries + 1, delivery.attempt or 0)
            event = replace(event, delivery=delivery)
        return Outcome.GIVEN_UP

    def _log_failure(self, event: Event, tries: int) -> None:
        self._log.exception(
            "a handler of %s %s raised, try %d of %d",
            type(event).__name__,
            event.delivery.id,
            tries,
            self._max_deliveries,
        )


def positive(**numbers: float) -> None:
    """Check options that must be more than 0.

    Raises:
        ConfigurationError: One is not; names it.
    """
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not number > 0:
            msg = f"{name}: must be a number of more than 0, found {number!r}"
            raise ConfigurationError(msg)


def named(**texts: object) -> None:
    """Check options that must be texts that are not empty.

    Raises:
        ConfigurationError: One is not; names it.
    """
    for name, text in texts.items():
        if not isinstance(text, str) or not text:
            msg = f"{name}: must be a text that is not empty"
            raise ConfigurationError(msg)
