"""Sends dead letters once more: one at a time, in the order they were written."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import anyio

from gatewright.clock import Clock, SystemClock
from gatewright.events.letters import event_of
from gatewright.model import DeadLetter, Done, Event, Outcome, Reject, Retry, StoredDeadLetter
from gatewright.plugin.describe import describe
from gatewright.plugin.protocols import DeadLetterStore, EventSink, Resends
from gatewright.wire.event import extended_body

if TYPE_CHECKING:
    from gatewright.plugin.settings import SinkSettings

__all__ = ["REDRIVEN", "NamedSink", "Redrive", "Sums"]

REDRIVEN: Final = "redriven"
ENOUGH_FAILURES: Final = 20
"""So many in a row that may pass, and the sink is left alone: its backend is away."""
RESEND_SECONDS: Final = 10.0
"""How long a transport may take to put one publication back."""

FindResender = Callable[[str], Awaitable[Resends | None]]
"""Returns what sends the publications of a target once more; ``None``: nothing can."""


@dataclass(frozen=True, slots=True)
class NamedSink:
    """An event sink that is open.

    Attributes:
        sink: The sink.
        settings: What bounds an attempt.
    """

    sink: EventSink
    settings: SinkSettings


@dataclass(slots=True)
class Sums:
    """What became of the dead letters.

    Attributes:
        redriven: The backend took them.
        failed: It did not; they stay as they were.
        held: Not tried, because an earlier event of the same connection has to come first, or
            because the sink's backend is away.
        skipped: They can go nowhere: no such sink is configured, or they are publications of a
            transport that cannot put them back.
    """

    redriven: int = 0
    failed: int = 0
    held: int = 0
    skipped: int = 0

    def __str__(self) -> str:
        parts = [f"{self.redriven} {REDRIVEN}", f"{self.failed} failed"]
        if self.held:
            parts.append(f"{self.held} held back")
        if self.skipped:
            parts.append(f"{self.skipped} skipped")
        return ", ".join(parts)

    @property
    def all_went(self) -> bool:
        """Whether nothing stays behind."""
        return not (self.failed or self.held or self.skipped)


class Redrive:
    """One run over dead letters.

    Args:
        store: Where they are, and are marked.
        sinks: The open sinks by their name in the configuration.
        find_resender: Finds what sends publications again.
        per_second: At most this many attempts a second; ``None``: as fast as they go.
        tell: Called with a line for each letter that did not go.
        clock: The time.
    """

    def __init__(
        self,
        store: DeadLetterStore,
        sinks: Mapping[str, NamedSink],
        find_resender: FindResender,
        *,
        per_second: float | None,
        tell: Callable[[str], None],
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._sinks = sinks
        self._find_resender = find_resender
        self._pause = 0.0 if per_second is None else 1 / per_second
        self._tell = tell
        self._clock = clock or SystemClock()
        self._next_at = self._clock.monotonic()
        self._waiting: set[tuple[str, str]] = set()
        self._failures: Counter[str] = Counter()
        self.sums = Sums()

    async def run(self, records: AsyncIterable[StoredDeadLetter]) -> Sums:
        """Send ``records``, in their order, and mark what was taken.

        An event that may succeed later holds back the later ones of its connection, so that a
        backend never gets them in another order. So does one that the sink lets go with a note,
        such as a webhook without url or with its receiver off: nobody heard it. After twenty of
        them in a row, whatever is left for that sink or transport is held. Cancelling leaves the
        rest as it was; an event whose attempt is cut off may be sent again with the same id.

        Raises:
            StartError: The transport of a publication does not open.
            Exception: The store failed.
        """
        async for record in records:
            await self._one(record)
        return self.sums

    async def _one(self, record: StoredDeadLetter) -> None:
        letter = record.letter
        if letter.kind == "publication":
            await self._publication(record)
            return
        named = self._sinks.get(letter.target)
        try:
            event = event_of(letter)
        except ValueError:
            self._skip(record, "is no event")
            return
        if named is None:
            self._skip(record, "no sink of this name is configured")
            return
        if (
            self._failures[letter.target] >= ENOUGH_FAILURES
            or (letter.target, letter.connection_id) in self._waiting
        ):
            self.sums.held += 1
            return
        await self._keep_pace()
        outcome = await _attempt(named, event)
        await self._settle(record, outcome)

    async def _publication(self, record: StoredDeadLetter) -> None:
        target = record.letter.target
        resender = await self._find_resender(target)
        if resender is None:
            self._skip(record, "is no event; only its publisher can send it again")
        elif self._failures[target] >= ENOUGH_FAILURES:
            self.sums.held += 1
        else:
            await self._keep_pace()
            error = await _resend(resender, record.letter)
            if error is None:
                await self._went(record)
            else:
                self._failed(record, error)

    async def _settle(self, record: StoredDeadLetter, outcome: Outcome) -> None:
        letter = record.letter
        if isinstance(outcome, Done) and not outcome.note:
            await self._went(record)
        elif isinstance(outcome, Reject):
            self.sums.failed += 1
            self._tell(_line(record, _why(outcome)))
            self._failures[letter.target] = 0
        else:
            self._waiting.add((letter.target, letter.connection_id))
            self._failed(record, _why(outcome))

    async def _went(self, record: StoredDeadLetter) -> None:
        await self._store.mark(record.key, REDRIVEN)
        self.sums.redriven += 1
        self._failures[record.letter.target] = 0

    def _failed(self, record: StoredDeadLetter, why: str) -> None:
        """Count a failure that may pass."""
        target = record.letter.target
        self.sums.failed += 1
        self._tell(_line(record, why))
        self._failures[target] += 1
        if self._failures[target] == ENOUGH_FAILURES:
            self._tell(f"{target}: {ENOUGH_FAILURES} failures in a row; the rest is held")

    def _skip(self, record: StoredDeadLetter, why: str) -> None:
        self.sums.skipped += 1
        self._tell(_line(record, why))

    async def _keep_pace(self) -> None:
        now = self._clock.monotonic()
        if now < self._next_at:
            await anyio.sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + self._pause


async def _attempt(named: NamedSink, event: Event) -> Outcome:
    """Give one event to its sink once, under the sink's own limit."""
    if named.settings.extended:
        event = replace(event, body=extended_body(event))
    seconds = named.settings.timeout_seconds
    try:
        with anyio.fail_after(seconds):
            outcomes = await named.sink.send([event])
    except TimeoutError:
        return Retry(f"no answer within {seconds:g} s")
    except Exception as error:  # noqa: BLE001 - a sink may raise anything; that is a failed attempt
        return Retry(describe(error))
    if len(outcomes) != 1:
        return Retry(f"the sink gave {len(outcomes)} outcomes for one event")
    return outcomes[0]


async def _resend(resender: Resends, letter: DeadLetter) -> str | None:
    """Put one publication back; return what went wrong, if anything."""
    try:
        with anyio.fail_after(RESEND_SECONDS):
            await resender.resend(letter)
    except TimeoutError as error:
        return describe(error) if str(error) else f"no answer within {RESEND_SECONDS:g} s"
    except Exception as error:  # noqa: BLE001 - a transport may raise anything; none of it ends the run
        return describe(error)
    return None


def _why(outcome: Outcome) -> str:
    if isinstance(outcome, Done):
        return f"let go unheard ({outcome.note})"
    return outcome.reason if isinstance(outcome, Reject) else outcome.error or "not taken now"


def _line(record: StoredDeadLetter, why: str) -> str:
    letter: DeadLetter = record.letter
    return f"{record.key} {letter.target} {letter.type or letter.kind} {letter.id}: {why}"
