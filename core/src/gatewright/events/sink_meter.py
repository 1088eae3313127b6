"""One sink's part of the metrics, its labels bound once."""

from __future__ import annotations

from collections.abc import Callable

from gatewright.metrics import Metrics

__all__ = ["SinkMeter"]


class SinkMeter:
    """Counts what one sink does.

    Attributes:
        seconds: Takes the time of one call of the sink.
    """

    def __init__(self, metrics: Metrics, sink: str) -> None:
        self._metrics = metrics
        self._sink = sink
        self._attempts: dict[str, Callable[[float], None]] = {}
        self._spills: dict[str, Callable[[float], None]] = {}
        self._breaker = metrics.breaker_open.labels(sink).set
        self._breaker(0)
        self.seconds = metrics.sink_seconds.labels(sink).observe

    def attempts(self, result: str, number: int) -> None:
        """Count attempts by result: ``done`` or the sink's own word, ``retry``, ``rejected``."""
        count = self._attempts.get(result)
        if count is None:
            count = self._attempts[result] = self._metrics.sink_attempts.labels(
                self._sink, result
            ).inc
        count(number)

    def spilled(self, reason: str) -> None:
        """Count an event that became a dead letter."""
        count = self._spills.get(reason)
        if count is None:
            count = self._spills[reason] = self._metrics.spills.labels(self._sink, reason).inc
        count(1)

    def breaker(self, *, is_open: bool) -> None:
        """Show the breaker's state."""
        self._breaker(int(is_open))

    def waiting(
        self, events: Callable[[], float], size: Callable[[], float], age: Callable[[], float]
    ) -> None:
        """Ask these for events, bytes and seconds whenever the metrics are read."""
        self._metrics.lane_events.labels(self._sink).set_function(events)
        self._metrics.lane_bytes.labels(self._sink).set_function(size)
        self._metrics.lane_age_seconds.labels(self._sink).set_function(age)
