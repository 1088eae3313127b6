"""Everything about a bus that is not the broker."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import anyio

from gatewright import (
    BusUnavailable,
    Command,
    Deliver,
    Health,
    PluginContext,
    Publication,
    Receipt,
)
from gatewright_bus_kit.canary import Canary
from gatewright_bus_kit.codec import Answer, Answers, Beat, Envelope, Unreadable, decode, encode
from gatewright_bus_kit.gaps import Gaps
from gatewright_bus_kit.link import Link, LinkEnded, LinkSilent
from gatewright_bus_kit.meter import Meter
from gatewright_bus_kit.nodes import Nodes
from gatewright_bus_kit.outbox import Outbox
from gatewright_bus_kit.repeats import Repeats
from gatewright_bus_kit.tally import Tallies

__all__ = ["BusCore"]

FAREWELL_SECONDS: Final = 0.5
SILENT_BEATS: Final = 10
"""A link that brings nothing for so long is taken to be dead without knowing it."""


class BusCore:
    """A bus over a `Link`: order, counts, canary, known nodes, copies that come again.

    A plugin's backend holds one, hands `publish` and `run` on to it, and answers ``health`` with
    `health`. Used from the event loop only.
    """

    def __init__(
        self, context: PluginContext, *, publish_timeout: float = 5.0, beat_seconds: float = 1.0
    ) -> None:
        """Prepare; no I/O.

        Args:
            context: The plugin's.
            publish_timeout: How long a message may take until the broker has accepted it.
            beat_seconds: How often the canary is sent; all nodes must agree on it.
        """
        self._log = context.log
        self._node = context.node_id
        self._beat_seconds = beat_seconds
        self._incarnation = secrets.token_bytes(8)
        self._meter = Meter(context.metrics)
        self._nodes = Nodes(
            context.clock, node=self._node, own=self._incarnation, beat_seconds=beat_seconds
        )
        self._canary = Canary(context.clock, beat_seconds)
        self._repeats = Repeats(context.clock)
        self._tallies = Tallies()
        self._outbox = Outbox(timeout=publish_timeout, patient=lambda: self._canary.alive)
        self._deliver: Deliver | None = None
        self._lost = ""  # why `run` ended, while it is to be started again
        self._stopping = False
        self._came = False  # whether anything came in since the last beat
        self._seq = 0
        self._answers: list[Answer] = []
        self._gaps = Gaps(context.clock)
        self._duplicated = False

    async def publish(self, message: Publication | Command, *, count: bool) -> Receipt:
        """Hand ``message`` to every node, this one included, and return once it was accepted.

        With ``count``, waits for the nodes' answers too, at most 100 ms. Cancelling never delivers
        twice. Safe to call from many tasks at once; sequential calls keep their order.

        Raises:
            BusUnavailable: It was not accepted in time; the caller may retry with the same id. It
                may have been stored all the same.
        """
        if (closed := self._closed()) is not None:
            self._meter.published.labels("unavailable").inc()
            raise BusUnavailable(closed)
        self._seq += 1
        seq = self._seq
        data = encode(message, sender=self._incarnation, seq=seq, counted=count)
        tally = self._tallies.open(seq, self._nodes.live) if count else None
        try:
            await self._accepted(data)
            if tally is None:
                return Receipt(None)
            receipt = await tally.receipt()
        finally:
            self._tallies.close(seq)
        if not receipt.exact:
            self._meter.partial.inc()
        return receipt

    def _closed(self) -> str | None:
        """Why no message can be taken now; a short outage is no reason."""
        if self._stopping:
            return "the bus is stopping"
        if self._deliver is not None or (self._lost and self._canary.alive):
            return None
        return self._lost or "the bus is not running"

    async def _accepted(self, data: bytes) -> None:
        try:
            await self._outbox.put(data)
        except BusUnavailable:
            self._meter.published.labels("unavailable").inc()
            raise
        self._meter.published.labels("accepted").inc()

    async def run(self, deliver: Deliver, link: Link) -> None:
        """Carry messages over ``link`` until cancelled, when this node says good-bye.

        Raises:
            Exception: What the link raised. Messages that wait go on waiting for the next call, as
                long as they may.
        """
        self._deliver = deliver
        self._lost = ""
        self._stopping = False
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._part, partial(self._outbox.run, link))
                tasks.start_soon(self._part, self._beat)
                tasks.start_soon(self._part, partial(link.read, self.receive))
                await self._until_cancelled()
        except BaseExceptionGroup as group:
            if _is_cancelled():  # while something failed, too: who cancels must not wait for us
                raise asyncio.CancelledError from None
            raise _first(group) from None
        finally:
            self._deliver = None

    async def _part(self, function: Callable[[], Awaitable[None]]) -> None:
        """Run one part of the bus, all of which end together."""
        try:
            await function()
        except Exception as error:
            self._lost = f"the bus is restarting after {type(error).__name__}"
            raise
        self._lost = "the bus is restarting: its link ended"
        raise LinkEnded

    async def _until_cancelled(self) -> None:
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            if not self._lost:  # from outside; else one of the parts ended
                await self._leave()
            raise

    async def _leave(self) -> None:
        """Send what waits, and tell the others not to expect answers from this node any more."""
        self._stopping = True
        beat = Beat(self._node, 0, leaving=True)
        self._outbox.post(encode(beat, sender=self._incarnation))
        with anyio.move_on_after(FAREWELL_SECONDS, shield=True):
            await self._outbox.emptied()
        self._outbox.abandon("the bus is stopping")

    def receive(self, data: bytes) -> None:
        """Take the bytes of one message that came in; what cannot be read is counted."""
        self._came = True
        try:
            envelope = decode(data)
        except Unreadable as error:
            self._meter.ignored.labels(error.reason).inc()
            return
        body = envelope.body
        if isinstance(body, (Publication, Command)):
            self._received(envelope, body)
        elif isinstance(body, Answers):
            for answer in body.answers:
                if answer.sender == self._incarnation:
                    self._tallies.add(answer.seq, envelope.sender, answer.sent)
        elif envelope.sender == self._incarnation:
            self._echoed(body)
        else:
            self._heard(envelope.sender, body)

    def gap(self, what: str, *, times: int = 1) -> None:
        """Note that messages were lost to this node: log and count it, show it in ``/ready``.

        Args:
            what: What happened, in words without secrets.
            times: How often it happened.
        """
        self._gaps.note(what, times)
        self._meter.gaps.inc(times)
        self._log.warning("messages of the bus were lost to this node", what=what)

    def health(
        self, *, detail: str = "", facts: Mapping[str, str | int | float | bool] | None = None
    ) -> Health:
        """Tell how the bus is: red while the canary does not come back or the node id is shared.

        Args:
            detail: What the plugin has to add.
            facts: Further facts of the plugin.
        """
        own: dict[str, str | int | float | bool] = {"nodes": len(self._nodes.live)}
        if self._canary.round_trip is not None:
            own["canary_ms"] = round(self._canary.round_trip * 1000, 1)
        own |= self._gaps.facts
        trouble = self._trouble()
        parts = [trouble, detail, "" if trouble else self._gaps.recent]
        return Health(not trouble, "; ".join(filter(None, parts)), own | dict(facts or {}))

    def close(self) -> None:
        """Take the metrics out of the registry."""
        self._outbox.abandon("the bus is closed")
        self._meter.close()

    def _trouble(self) -> str:
        if self._nodes.duplicated:
            return f"another process on the bus uses the node id {self._node!r}"
        if self._deliver is None and not self._lost:
            return "not running"
        why = f": {cause}" if (cause := self._lost or self._outbox.failure) else ""
        if not self._canary.has_sung:
            return f"the canary has not come back yet{why}"
        if not self._canary.alive:
            return f"the canary was missed {self._canary.missed} times{why}"
        return ""

    def _received(self, envelope: Envelope, message: Publication | Command) -> None:
        if not self._repeats.is_new(envelope.sender, envelope.seq):
            self._meter.repeats.inc()
            return
        self._meter.received.inc()
        if self._deliver is None:
            return
        sent = self._deliver(message)
        if not envelope.counted:
            return
        if envelope.sender == self._incarnation:
            self._tallies.add(envelope.seq, self._incarnation, sent)
            return
        if not self._answers:
            asyncio.get_running_loop().call_soon(self._answer)
        self._answers.append(Answer(envelope.sender, envelope.seq, sent))

    def _answer(self) -> None:
        answers, self._answers = tuple(self._answers), []
        self._outbox.post(encode(Answers(answers), sender=self._incarnation))

    def _echoed(self, beat: Beat) -> None:
        if beat.leaving:
            return
        waited = self._canary.waiting
        self._canary.came(beat.number)
        if waited and self._canary.round_trip is not None:
            self._meter.round_trip.observe(self._canary.round_trip)

    def _heard(self, sender: bytes, beat: Beat) -> None:
        if self._nodes.heard(sender, beat):
            self._log.info("a node joined the bus", node=beat.node)
        if beat.hello and not beat.leaving:
            self._send_beat()
        self._meter.nodes.set(len(self._nodes.live))
        duplicated = self._nodes.duplicated
        if duplicated and beat.node == self._node:
            self._meter.duplicates.inc()
        if duplicated and not self._duplicated:
            self._log.error("another process on the bus uses this node's id", node=self._node)
        self._duplicated = duplicated

    async def _beat(self) -> None:
        self._send_beat(hello=True)
        silent = 0
        while silent < SILENT_BEATS:
            await anyio.sleep(self._beat_seconds)
            silent = 0 if self._came else silent + 1
            self._came = False
            if self._canary.missed:
                self._meter.missed.inc()
            self._nodes.forget()
            self._meter.nodes.set(len(self._nodes.live))
            self._repeats.forget()
            self._send_beat()
        raise LinkSilent(SILENT_BEATS)

    def _send_beat(self, *, hello: bool = False) -> None:
        beat = Beat(self._node, self._canary.next(), hello=hello, rival=self._nodes.rival)
        self._outbox.post(encode(beat, sender=self._incarnation))


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
