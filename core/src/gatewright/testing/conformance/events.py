"""Rules for sinks of events."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import pytest

from gatewright.model import Done, Event, Reject, Retry
from gatewright.plugin.protocols import EventSink
from gatewright.plugin.settings import SinkSettings
from gatewright.plugin.spec import Kind
from gatewright.testing.conformance.base import Case, Conformance
from gatewright.testing.conformance.rules import rule
from gatewright.testing.conformance.waiting import PAUSE, SECONDS, within

__all__ = ["EventSinkCase", "EventSinkConformance", "Heard"]

BODIES: Final = (
    b'{"type":"connected"}',
    b'{ "type": "message_received",\n"raw":"\\u00fc \\ud83d" }',
    '{"raw":"grüße ☃","message":1.0,"message":1e2}'.encode(),
    b'{"raw":"' + b"x" * 70_000 + b'"}',
)
AT_ONCE: Final = 50
REASON_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as the far side has it.

    Attributes:
        body: The event, byte for byte.
        id: Its id, beside the body.
        seq: Its number, or 0 where none stands beside the body.
        reason: Its reason, or ``None`` where none stands beside the body.
    """

    body: bytes
    id: str
    seq: int = 0
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class EventSinkCase(Case):
    """A sink under test, whose far side is there and takes everything.

    Attributes:
        received: Returns all that the far side has so far, in its order; ``None``: the sink hands
            events to nobody who could be asked, and rules about that are skipped.
        away: Options under which the far side cannot be reached, such as the address of a server
            that is down; ``None``: there is no far side that could be away.
        refuse: Has the far side refuse the next event for good; ``None``: it never does.
    """

    received: Callable[[], Awaitable[Sequence[Heard]]] | None = None
    away: dict[str, Any] | None = None
    refuse: Callable[[], Awaitable[None]] | None = None


class EventSinkConformance(Conformance[EventSinkCase]):
    """Rules for a `gatewright.EventSink`.

    Attributes:
        seconds: How long anything that must come is waited for.
    """

    kind: ClassVar[Kind] = "events"
    seconds: ClassVar[float] = SECONDS

    @rule("EVENTS-1", "The options are a `gatewright.SinkSettings`, which the core reads.")
    async def test_events_1_has_the_core_s_options(self, case: EventSinkCase) -> None:
        assert issubclass(case.factory.settings, SinkSettings)

    @rule("EVENTS-2", "`send` returns one outcome for each event of the batch.")
    async def test_events_2_answers_for_each(self, case: EventSinkCase, backend: EventSink) -> None:
        settings = case.factory.settings.model_validate(dict(case.options))
        full = getattr(settings, "batch", 1)
        for size in {1, 2, full} & set(range(1, full + 1)):
            batch = [event(f"batch-{size}-{number}") for number in range(size)]
            outcomes = await within(backend.send(batch))
            assert len(outcomes) == size
            assert all(isinstance(each, Done | Retry | Reject) for each in outcomes), outcomes

    @rule("EVENTS-3", "`Done` means that the far side has the event.")
    async def test_events_3_done_is_done(self, case: EventSinkCase, backend: EventSink) -> None:
        for number in range(5):
            sent = event(f"c-{number}")
            await self.delivered(backend, sent)
            assert sent.id in [each.id for each in await received(case)]

    @rule("EVENTS-4", "The far side gets the event's body byte for byte.")
    async def test_events_4_keeps_bodies(self, case: EventSinkCase, backend: EventSink) -> None:
        for number, body in enumerate(BODIES):
            await self.delivered(backend, event(f"c-{number}", body=body))
        found = {each.id: each.body for each in await self.heard(case, len(BODIES))}
        assert found == {f"c-{number}-1": body for number, body in enumerate(BODIES)}

    @rule(
        "EVENTS-5",
        "Id, number and reason of an event go beside its body; the number 0 and the reason `None` "
        "are left out.",
    )
    async def test_events_5_keeps_what_is_beside(
        self, case: EventSinkCase, backend: EventSink
    ) -> None:
        sent = [
            event("c-1", 7),
            event("c-2", 2**40),
            replace(event("c-3", 0), type="disconnected", reason="node_lost"),
        ]
        for each in sent:
            await self.delivered(backend, each)
        found = {each.id: (each.seq, each.reason) for each in await self.heard(case, len(sent))}
        assert found == {each.id: (each.seq, each.reason) for each in sent}

    @rule("EVENTS-6", "What is sent one after the other is there in that order.")
    async def test_events_6_keeps_order(self, case: EventSinkCase, backend: EventSink) -> None:
        sent = [event("c-1", number) for number in range(1, 21)]
        for each in sent:
            await self.delivered(backend, each)
        assert [each.id for each in await self.heard(case, 20)] == [each.id for each in sent]

    @rule("EVENTS-7", "Many calls at once do not mix up their events.")
    async def test_events_7_many_at_once(self, case: EventSinkCase, backend: EventSink) -> None:
        sent = [event(f"c-{number}", number + 1) for number in range(AT_ONCE)]
        await asyncio.gather(*(self.delivered(backend, each) for each in sent))
        found = Counter(each.id for each in await self.heard(case, AT_ONCE))
        assert found.keys() == {each.id for each in sent}

    @rule(
        "EVENTS-8",
        "Being cancelled ends `send` soon, at any point of it, and does no harm to the next call.",
    )
    async def test_events_8_may_be_cancelled(self, backend: EventSink) -> None:
        for turns in range(10):
            sending = asyncio.ensure_future(backend.send([event(f"cancelled-{turns}")]))
            for _ in range(turns):
                await asyncio.sleep(0)
            sending.cancel()
            done, _ = await asyncio.wait({sending}, timeout=self.seconds)
            assert done, "it goes on"
        await self.delivered(backend, event("the next"))

    @rule("EVENTS-9", "While the far side is away, it raises or answers with `Retry`.")
    async def test_events_9_asks_for_another_attempt(self, case: EventSinkCase) -> None:
        if case.away is None:
            pytest.skip("the case knows no options under which the far side is away")
        async with self.running(replace(case, options=case.away)) as backend:
            try:
                outcomes = await within(backend.send([event("lost")]), self.seconds)
            except Exception:  # noqa: BLE001 - raising counts as `Retry`
                return
            assert [type(each) for each in outcomes] == [Retry]

    @rule("EVENTS-10", "What the far side refuses for good is a `Reject`, whose reason is short.")
    async def test_events_10_rejects(self, case: EventSinkCase) -> None:
        if case.refuse is None:
            pytest.skip("the case has no far side that refuses")
        async with self.running(case) as backend:
            await case.refuse()
            (outcome,) = await within(backend.send([event("refused")]))
        assert isinstance(outcome, Reject), outcome
        assert 0 < len(outcome.reason) <= REASON_LENGTH

    async def delivered(self, backend: EventSink, sent: Event) -> None:
        """Send an event until it is done, as the core does."""
        async with asyncio.timeout(self.seconds):
            while True:
                (outcome,) = await backend.send([sent])
                assert not isinstance(outcome, Reject), outcome
                if isinstance(outcome, Done):
                    return
                await asyncio.sleep(outcome.after or PAUSE)

    async def heard(self, case: EventSinkCase, count: int) -> Sequence[Heard]:
        """Wait until the far side has so many events; return them."""
        async with asyncio.timeout(self.seconds):
            while True:
                found = await received(case)
                if len(found) >= count:
                    return found
                await asyncio.sleep(PAUSE)


def event(connection: str, seq: int = 1, *, body: bytes = b'{"type":"message_received"}') -> Event:
    """Return an event of a connection."""
    return Event(
        type="message_received",
        id=f"{connection}-{seq}",
        seq=seq,
        connection_id=connection,
        user_id="jürgen 42",
        body=body,
        occurred_at=1_700_000_000.25,
    )


async def received(case: EventSinkCase) -> Sequence[Heard]:
    """Return what the far side has."""
    if case.received is None:
        pytest.skip("the case has no far side that could be asked")
    return await case.received()
