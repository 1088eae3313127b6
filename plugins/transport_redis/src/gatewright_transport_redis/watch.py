"""How reading goes: told in the log, in metrics and for ``/ready``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewright import Clock, Health
from gatewright_redis_kit import StreamReader, describe
from gatewright_transport_redis.counters import Counters

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Watch"]


class Watch:
    """Keeps track of one reader's connection and gaps."""

    def __init__(
        self,
        reader: StreamReader,
        *,
        shown: str,
        counters: Counters,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._reader = reader
        self._shown = shown
        self._counters = counters
        self._clock = clock
        self._log = log
        self._connected = False
        self._trouble = "not connected yet"
        self._away_since: float | None = None
        self._gaps = 0
        self._missed = 0

    def arrived(self, entries: int) -> None:
        """Redis answered a read."""
        if entries:
            self._counters.entries.inc(entries)
        if not self._connected:
            self._connected, self._trouble = True, ""
            self._tell_arrival()
        self._look()

    def failed(self, error: BaseException) -> None:
        """Redis did not answer, or refused."""
        self._look()
        self._trouble = describe(error)
        if self._connected or self._away_since is None:
            self._connected = False
            self._away_since = self._clock.monotonic()
            self._counters.outages.inc()
            self._log.warning("redis is away", redis=self._shown, error=self._trouble)

    def health(self) -> Health:
        """Tell whether entries are being read, where, and what was missed."""
        reader = self._reader
        said = [f"{self._shown}: {self._trouble}"] if self._trouble else []
        if reader.gaps:
            said.append(f"gaps: {reader.gaps}, the last: {reader.last_gap}")
        facts: dict[str, str | int | float | bool] = {
            "cursor": reader.cursor,
            "gaps": reader.gaps,
            "missed": reader.missed,
        }
        if reader.lag is not None:
            facts["lag"] = reader.lag
        return Health(self._connected, "; ".join(said), facts)

    def _tell_arrival(self) -> None:
        more = {}
        if self._away_since is not None:
            more["away_seconds"] = round(self._clock.monotonic() - self._away_since, 1)
            self._away_since = None
        self._log.info("reading", redis=self._shown, after=self._reader.cursor, **more)

    def _look(self) -> None:
        reader = self._reader
        if reader.lag is not None:
            self._counters.lag.set(reader.lag)
        if reader.gaps == self._gaps:
            return
        self._counters.gaps.inc(reader.gaps - self._gaps)
        self._counters.missed.inc(reader.missed - self._missed)
        self._gaps, self._missed = reader.gaps, reader.missed
        self._log.error("entries are missing", redis=self._shown, gap=reader.last_gap)
