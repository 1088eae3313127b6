"""What becomes of events once a sink has answered, or has not."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from gatewright.clock import Clock
from gatewright.events.backlog import Backlog
from gatewright.events.breaker import Breaker
from gatewright.events.lane import Lane
from gatewright.events.retry import RetryPolicy
from gatewright.events.sink_meter import SinkMeter
from gatewright.events.throttle import Throttle
from gatewright.model import Done, Outcome, Reject, Retry
from gatewright.plugin.settings import SinkSettings

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Faults", "Verdicts"]

_OUTCOMES: Final = frozenset({Done, Retry, Reject})


class Verdicts:
    """Carries out what one sink's attempts ended in: next, wait, or dead letter.

    Args:
        name: The sink's name.
        settings: How often an event may be tried.
        backlog: Where the events wait.
        breaker: Learns how every attempt went.
        meter: Counts it.
        log: Says when the breaker opens or closes.
    """

    def __init__(
        self,
        name: str,
        settings: SinkSettings,
        *,
        backlog: Backlog,
        breaker: Breaker,
        meter: SinkMeter,
        log: FilteringBoundLogger,
    ) -> None:
        self._name = name
        self._attempts = settings.attempts or inf
        self._retries = RetryPolicy(settings.base_seconds)
        self._backlog = backlog
        self._breaker = breaker
        self._meter = meter
        self._log = log

    def settle(
        self, lanes: Sequence[Lane], outcomes: Sequence[Outcome], now: float, *, probe: bool
    ) -> None:
        """Do with the head of each lane what its outcome says.

        Args:
            lanes: The lanes of the attempt.
            outcomes: One for each of them.
            now: When the attempt ended (monotonic seconds).
            probe: Whether it asked a backend that was thought dead; such attempts cost no event
                one of its own.
        """
        self._tell_breaker(lanes[0], outcomes, now)
        results: dict[str, int] = {}
        done = 0
        for lane, outcome in zip(lanes, outcomes, strict=True):
            if isinstance(outcome, Done):
                self._backlog.finish(lane, now)
                if not outcome.note:
                    done += 1
                    continue
                result = outcome.note
            elif isinstance(outcome, Reject):
                result = "rejected"
                lane.error = outcome.reason
                self._backlog.give_up(lane, "rejected", now)
            else:
                result = "retry"
                self._again(lane, outcome, now, probe=probe)
            results[result] = results.get(result, 0) + 1
        if done:
            self._meter.attempts("done", done)
        for result, number in results.items():
            self._meter.attempts(result, number)

    def _again(self, lane: Lane, outcome: Retry, now: float, *, probe: bool) -> None:
        lane.error = outcome.error
        if not probe:
            lane.used += 1
        if lane.used >= self._attempts:
            self._backlog.give_up(lane, "attempts", now)
        else:
            wait = self._retries.wait(lane.used, outcome.after)
            self._backlog.retry(lane, now + wait, now)

    def _tell_breaker(self, first: Lane, outcomes: Sequence[Outcome], now: float) -> None:
        """Tell the breaker how the attempt went, and everybody when that changed it."""
        last = outcomes[-1]
        if isinstance(last, Retry) and all(isinstance(each, Retry) for each in outcomes):
            event_id = first.outgoing.id if first.outgoing is not None else ""
            if self._breaker.failed(event_id, last.error, now):
                self._meter.breaker(is_open=True)
                self._log.warning("breaker open", sink=self._name, error=last.error)
        elif self._breaker.answered():
            self._meter.breaker(is_open=False)
            self._log.info("breaker closed", sink=self._name)


class Faults:
    """Finds what is wrong with a sink's answers, and says so once a minute."""

    def __init__(self, name: str, clock: Clock, log: FilteringBoundLogger) -> None:
        self._name = name
        self._monotonic = clock.monotonic
        self._log = log
        self._throttle = Throttle()

    def checked(self, outcomes: Sequence[Outcome], expected: int) -> Sequence[Outcome]:
        """Return the outcomes, or as many retries as were expected where they do not fit."""
        if len(outcomes) == expected:
            for outcome in outcomes:
                if type(outcome) not in _OUTCOMES:
                    break
            else:
                return outcomes
        error = "the sink's answer does not fit the batch"
        self._report(error, found=len(outcomes), expected=expected)
        return [Retry(error)] * expected

    def raised(self, error: Exception) -> str:
        """Name an exception and its place; its text may hold what must not be logged."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = (
            f" in {PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
            if trace is not None
            else ""
        )
        text = f"{type(error).__name__}{place}"
        self._report("the sink raised", error=text)
        return text

    def _report(self, problem: str, **facts: object) -> None:
        if times := self._throttle.count(problem, self._monotonic()):
            self._log.error(problem, sink=self._name, times=times, **facts)
