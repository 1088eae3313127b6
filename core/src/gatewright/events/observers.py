"""Lookers-on: they see every event when it happens, and have no say in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from gatewright.metrics import Metrics
from gatewright.model import Event
from gatewright.plugin.describe import describe

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Observers", "OnEvent"]

OnEvent = Callable[[Event], None]


class Observers:
    """The observers of a gateway, in the order of the configuration.

    One that raises is switched off until the gateway starts again: logged once with its name,
    counted, and listed in `off`. With no observers, `watch` is never called.

    Args:
        observers: The plugins' names with their ``on_event``.
        metrics: Where switched-off observers are counted.
        log: Where they are named.
    """

    def __init__(
        self,
        observers: Iterable[tuple[str, OnEvent]],
        *,
        metrics: Metrics,
        log: FilteringBoundLogger,
    ) -> None:
        self._observers = tuple(observers)
        self._metrics = metrics
        self._log = log
        self._off: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._observers)

    @property
    def off(self) -> Mapping[str, str]:
        """Names of the observers that were switched off, and the error's type, for ``/ready``.

        Never its text, which may repeat what a client sent: anybody may ask whether it is ready.
        """
        return self._off

    def watch(self, event: Event) -> None:
        """Show an event to every observer. Never raises."""
        for observer in self._observers:
            try:
                observer[1](event)
            except Exception as error:  # noqa: BLE001 - an observer's fault is never the event's
                self._switch_off(observer, error)

    def _switch_off(self, observer: tuple[str, OnEvent], error: Exception) -> None:
        name = observer[0]
        self._observers = tuple(each for each in self._observers if each is not observer)
        self._off[name] = type(error).__name__
        self._metrics.observers_off.labels(name).inc()
        self._log.error(f"observer {name!r} raised {describe(error)}; it is off until restart")
