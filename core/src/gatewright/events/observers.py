"""Lookers-on: they see events when they happen, and have no say in them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from gatewright.metrics import Metrics
from gatewright.model import Event, EventType, Health
from gatewright.plugin.describe import describe
from gatewright.plugin.offered import OBSERVERS
from gatewright.plugin.settings import EVENT_TYPES, OnError

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Observer", "Observers", "OnEvent"]

OnEvent = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Observer:
    """One extension, in the order of the configuration.

    Attributes:
        name: The plugin's name.
        backend: What it opened; observes events where it has a method for them.
        on_error: What happens when it raises.
    """

    name: str
    backend: object
    on_error: OnError = "disable"

    def misspelt(self) -> Iterator[tuple[str, str]]:
        """Yield methods that will see no event, each with the name that was probably meant."""
        for name in dir(self.backend):
            if name.startswith("on_") and name not in OBSERVERS and (meant := _meant(name)):
                yield name, meant

    def watcher(self, event_type: EventType) -> OnEvent | None:
        """Return what sees events of a type: ``on_event``, the type's own method, or both."""
        every: OnEvent | None = getattr(self.backend, "on_event", None)
        own: OnEvent | None = getattr(self.backend, f"on_{event_type}", None)
        if every is None or own is None:
            return every or own

        def both(event: Event) -> None:
            every(event)
            own(event)

        return both


def _meant(name: str) -> str | None:
    """Return the observer's method that a name stands for: its beginning, or nearly all of it."""
    begun = [known for known in OBSERVERS if known.startswith(name) and name != "on_"]
    return next(iter(begun or get_close_matches(name, OBSERVERS, n=1, cutoff=0.85)), None)


def _nothing() -> None:
    """Let the gateway run on."""


class Observers:
    """The observers of a gateway, compiled for each type of event when it starts.

    One that raises is switched off, with all of its methods, until the gateway starts again:
    logged once with its name, counted, and shown by `health`. With ``on_error: fail`` the gateway
    is told to stop as well.

    Args:
        observers: The extensions, in the order of the configuration.
        metrics: Where switched-off observers are counted.
        log: Where they are named.
        fail: Called when one that the gateway must not run without is switched off.

    Attributes:
        watching: What sees events of each type; where nothing does, there is nothing to `watch`.
    """

    def __init__(
        self,
        observers: Iterable[Observer],
        *,
        metrics: Metrics,
        log: FilteringBoundLogger,
        fail: Callable[[], None] = _nothing,
    ) -> None:
        every = tuple(observers)
        self.watching: Mapping[EventType, tuple[tuple[Observer, OnEvent], ...]] = {
            event_type: tuple(
                (observer, watcher)
                for observer in every
                if (watcher := observer.watcher(event_type)) is not None
            )
            for event_type in EVENT_TYPES
        }
        self._metrics = metrics
        self._log = log
        self._fail = fail
        self._off: dict[str, tuple[Observer, str]] = {}
        self._warn_of_misspelt(every)

    def watch(self, event: Event) -> None:
        """Show an event to everything that sees its type. Never raises."""
        for observer, watcher in self.watching[event.type]:
            try:
                watcher(event)
            except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001 - an observer's fault is never the event's
                self._switch_off(observer, error)

    def health(self) -> Mapping[str, Health]:
        """Return the observers that were switched off, by name, with the error's type.

        Never its text, which may repeat what a client sent: anybody may ask whether it is ready.
        """
        return {
            name: Health(ready=observer.on_error == "disable", detail=f"off: {error}")
            for name, (observer, error) in self._off.items()
        }

    def _warn_of_misspelt(self, observers: Iterable[Observer]) -> None:
        for observer in observers:
            for found, meant in observer.misspelt():
                self._log.warning(
                    f"extension {observer.name!r} has {found!r}, which sees no events; "
                    f"did you mean {meant!r}?"
                )

    def _switch_off(self, observer: Observer, error: BaseException) -> None:
        if observer.name in self._off:  # what it did at one event was another event
            return
        self.watching = {
            event_type: tuple(each for each in watchers if each[0] is not observer)
            for event_type, watchers in self.watching.items()
        }
        self._off[observer.name] = observer, type(error).__name__
        self._metrics.observers_off.labels(observer.name).inc()
        failing = observer.on_error == "fail"
        then = "the gateway stops (on_error: fail)" if failing else "it is off until restart"
        self._log.error(f"observer {observer.name!r} raised {describe(error)}; {then}")
        if failing:
            self._fail()
