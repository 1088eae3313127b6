"""Dead letters kept in a queue, read without taking them out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from copy import copy
from typing import TYPE_CHECKING, Final, Protocol

import anyio
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from gatewright import DeadLetter, StoredDeadLetter
from gatewright_rabbitmq_kit.deadlines import Deadline
from gatewright_rabbitmq_kit.errors import UNAVAILABLE
from gatewright_rabbitmq_kit.held import Held, HeldLetters
from gatewright_rabbitmq_kit.keys import KEY_HEADER, KeyMaker
from gatewright_rabbitmq_kit.link import Link
from gatewright_rabbitmq_kit.messages import Message
from gatewright_rabbitmq_kit.publisher import ConfirmedPublisher
from gatewright_rabbitmq_kit.topology import use_queue

if TYPE_CHECKING:
    from aiormq.channel import Channel

    from gatewright import Clock
    from gatewright_rabbitmq_kit.broker import Broker

__all__ = ["STATE_HEADER", "Codec", "QueueStore"]

STATE_HEADER: Final = "x-gatewright-state"
_NEW: Final = "new"


class Codec(Protocol):
    """How a message becomes a dead letter, and the other way round. Must not fail to decode."""

    def encode(self, letter: DeadLetter) -> tuple[bytes, Basic.Properties]:
        """Return a message's body and properties; `persistent` makes the latter."""
        ...

    def decode(self, message: DeliveredMessage, key: str) -> DeadLetter:
        """Return what a message holds; ``key`` is for one that has no id."""
        ...


class QueueStore:
    """A `DeadLetterStore` over a durable queue.

    Reading gets messages without acknowledging them, over a connection that stays open: they go
    back to where they were when it closes, so nothing else sees them meanwhile. What was read is
    held in memory until then. Writing has a connection of its own.

    A key is a header of ours, increasing in the order of writing, or else made of the message's
    content: the same in every process. Marking publishes a letter again with its new state, at the
    queue's end and under the same key, before the old copy is acknowledged: a crash between leaves
    two, never none. Safe from many tasks. Everything may raise `UNAVAILABLE`; after a lost
    connection, the next call starts again, and keys stay good.

    Args:
        broker: Where the queue is.
        queue: Its name; declared durable, without arguments, where it is absent.
        codec: What is in it.
        clock: For keys; ``None``: letters are written without a key.
    """

    def __init__(
        self, broker: Broker, *, queue: str, codec: Codec, clock: Clock | None = None
    ) -> None:
        self._broker = broker
        self._queue = queue
        self._codec = codec
        self._keys = None if clock is None else KeyMaker(clock)
        self._publisher = ConfirmedPublisher(broker, prepare=self._prepare, timeout=broker.timeout)
        self._link: Link | None = None
        self._channel: Channel | None = None
        self._held = HeldLetters()
        self._reading = anyio.Lock()

    async def put(self, records: Sequence[DeadLetter]) -> None:
        """Write letters and return once all of them are confirmed.

        Raises:
            Exception: Some are not known to be written; writing them again may double others.
        """
        await self._publish([self._message(each) for each in records])

    async def read(self, after: str | None = None, limit: int = 100) -> Sequence[StoredDeadLetter]:
        """Return up to ``limit`` letters in the queue's order, after the key ``after``.

        A letter that is marked keeps its place until the store is closed. After an unknown key
        there is nothing.
        """
        async with self._reading:
            await self._open()
            while after is not None and not self._held.knows(after):
                if not await self._fetch():
                    return ()
            while len(self._held.page(after, limit)) < limit and await self._fetch():
                pass
            return [self._stored(each) for each in self._held.page(after, limit)]

    async def mark(self, key: str, state: str) -> None:
        """Give a letter a state. An unknown key is no error."""
        async with self._reading:
            held = await self._find(key)
            if held is None:
                return
            properties = copy(held.message.header.properties)
            properties.headers = {
                **(properties.headers or {}),
                KEY_HEADER: held.key,
                STATE_HEADER: state,
            }
            await self._publish([Message(held.message.body, "", self._queue, properties)])
            await self._ack(held)
            held.tag, held.message.header.properties = None, properties

    async def remove(self, keys: Sequence[str]) -> int:
        """Remove letters for good and return how many there were."""
        removed = 0
        async with self._reading:
            for key in dict.fromkeys(keys):
                held = await self._find(key)
                if held is None:
                    continue
                await self._ack(held, wait=True)
                self._held.remove(key)
                removed += 1
            if removed:
                await self._settle()
        return removed

    async def close(self) -> None:
        """Close both connections within a bounded time; what was read goes back."""
        await self._publisher.close()
        await self._let_go()

    def _message(self, letter: DeadLetter) -> Message:
        body, properties = self._codec.encode(letter)
        if self._keys is not None:
            properties.headers = {**(properties.headers or {}), KEY_HEADER: self._keys.next()}
        return Message(body, "", self._queue, properties)

    def _stored(self, held: Held) -> StoredDeadLetter:
        headers = held.message.header.properties.headers or {}
        state = headers.get(STATE_HEADER)
        letter = self._codec.decode(held.message, held.key)
        return StoredDeadLetter(held.key, letter, state if isinstance(state, str) else _NEW)

    async def _prepare(self, link: Link) -> None:
        await use_queue(link, self._queue)

    async def _publish(self, messages: Sequence[Message]) -> None:
        for portion in _portions(messages):
            for outcome in await self._publisher.publish_many(portion):
                if outcome is not None:
                    raise outcome

    async def _find(self, key: str) -> Held | None:
        """Return the letter, fetched again where marking has moved it to the queue's end."""
        await self._open()
        while True:
            held = self._held.get(key)
            if held is not None and held.tag is not None:
                return held
            if not await self._fetch():
                return None

    async def _open(self) -> Channel:
        if (
            self._channel is not None
            and not self._channel.is_closed
            and self._link is not None
            and not self._link.lost
        ):
            return self._channel
        await self._let_go()
        self._link = await self._broker.connect()
        await self._prepare(self._link)
        self._channel = await self._link.channel()
        return self._channel

    async def _let_go(self) -> None:
        link, self._link, self._channel = self._link, None, None
        self._held = HeldLetters()
        if link is not None:
            await link.close()

    async def _fetch(self) -> bool:
        """Get one more message and hold it; ``False``: there is none."""
        channel = await self._open()
        async with Deadline(self._broker.timeout):
            message = await channel.basic_get(self._queue)
        tag = message.delivery_tag
        if tag is None:
            return False
        older = self._held.add(message, tag)
        if older is not None:
            await channel.basic_ack(older, wait=False)
        return True

    async def _ack(self, held: Held, *, wait: bool = False) -> None:
        if held.tag is not None:
            channel = await self._open()
            async with Deadline(self._broker.timeout):
                await channel.basic_ack(held.tag, wait=wait)

    async def _settle(self) -> None:
        """Wait until the broker has done what it was told: closing at once could cut it off."""
        channel = await self._open()
        with suppress(*UNAVAILABLE):
            async with Deadline(self._broker.timeout):
                await channel.basic_qos(prefetch_count=0)


_PORTION: Final = 1000


def _portions(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    for start in range(0, len(messages), _PORTION):
        yield messages[start : start + _PORTION]
