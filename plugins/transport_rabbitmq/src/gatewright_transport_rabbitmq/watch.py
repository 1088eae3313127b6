"""How consuming goes: told in the log, in metrics and for ``/ready``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from gatewright import Clock, Health
from gatewright_rabbitmq_kit import describe
from gatewright_transport_rabbitmq.counters import Counters

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Watch"]


class Watch:
    """Keeps track of what the transport is doing."""

    def __init__(
        self, *, shown: str, queue: str, counters: Counters, clock: Clock, log: FilteringBoundLogger
    ) -> None:
        self._shown = shown
        self._queue = queue
        self._counters = counters
        self._clock = clock
        self._log = log
        self._state: Literal["away", "holding", "standby"] = "away"
        self._trouble = "not connected yet"
        self._away_since: float | None = None
        self._topology = ""
        self._letters = ""
        self._bus = False

    def holding(self) -> None:
        """Messages come."""
        if self._state != "holding":
            self._log.info("consuming", rabbitmq=self._shown, queue=self._queue, **self._away())
        self._state = "holding"
        self._counters.holding.set(1)

    def standby(self) -> None:
        """Somebody else holds the queue."""
        if self._state != "standby":
            self._log.info("standing by", rabbitmq=self._shown, queue=self._queue, **self._away())
        self._state = "standby"
        self._counters.holding.set(0)

    def queue_lost(self) -> None:
        """The queue was deleted while it was consumed."""
        self._counters.queue_losses.inc()
        self._counters.holding.set(0)
        self._log.error("the queue was deleted; making it again", queue=self._queue)

    def failed(self, error: BaseException) -> None:
        """RabbitMQ is away, or refuses."""
        self._trouble = describe(error)
        self._counters.holding.set(0)
        if self._state != "away" or self._away_since is None:
            self._away_since = self._clock.monotonic()
            self._counters.outages.inc()
            self._log.warning("rabbitmq is away", rabbitmq=self._shown, error=self._trouble)
        self._state = "away"

    def topology(self, trouble: str) -> None:
        """Exchange or binding are not as they should be; ``""``: they are."""
        if trouble and trouble != self._topology:
            self._log.warning("messages may not arrive", queue=self._queue, error=trouble)
        self._topology = trouble

    def letters_refused(self, error: BaseException, waiting: int) -> None:
        """Dead letters could not be written."""
        self._counters.dead_letter_failures.inc()
        if not self._letters:
            self._log.error(
                "dead letters cannot be written; their messages stay unacknowledged",
                messages=waiting,
                error=describe(error),
            )
        self._letters = f"{waiting} dead letters cannot be written: {describe(error)}"

    def letters_written(self) -> None:
        """Dead letters were written."""
        if self._letters:
            self._log.info("dead letters are written again")
        self._letters = ""

    def bus(self, *, away: bool) -> None:
        """The bus accepts nothing, or does again."""
        if away and not self._bus:
            self._log.warning("the bus accepts nothing; messages wait", queue=self._queue)
        self._bus = away

    def health(self) -> Health:
        """Tell whether messages come, and what is in the way."""
        said = []
        if self._state == "away":
            said.append(f"{self._shown}: {self._trouble}")
        elif self._state == "standby":
            said.append(f"standby: another consumer holds queue {self._queue}")
        said += [each for each in (self._topology, self._letters) if each]
        if self._bus:
            said.append("the bus accepts nothing; messages wait")
        return Health(self._state != "away", "; ".join(said), {"holding": self._state == "holding"})

    def _away(self) -> dict[str, float]:
        since, self._away_since = self._away_since, None
        return {} if since is None else {"away_seconds": round(self._clock.monotonic() - since, 1)}
