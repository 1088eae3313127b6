"""Frames of many messages at once, and the confirmations that answer them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiormq.abc import ChannelFrame, FrameType
from aiormq.channel import Channel
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from gatewright_rabbitmq_kit.messages import Message

__all__ = ["Sent", "chunks", "ids_free", "write"]

_CHUNK_BYTES: Final = 256 * 1024
_CHUNK_MESSAGES: Final = 256


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was handed to the client.

    Attributes:
        number: The channel's number for it.
        confirmation: Done when the broker answered, or the channel ended.
    """

    number: int
    confirmation: asyncio.Future[Any]


def chunks(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Cut messages into portions that are written at once, none with an id twice."""
    start, held, ids = 0, 0, set[str]()
    for index, each in enumerate(messages):
        identity = each.identity
        if index > start and (
            index - start == _CHUNK_MESSAGES or held > _CHUNK_BYTES or identity in ids
        ):
            yield messages[start:index]
            start, held, ids = index, 0, set()
        held += len(each.body)
        ids.add(identity)
    if messages:
        yield messages[start:]


async def ids_free(channel: Channel, messages: Iterable[Message]) -> None:
    """Wait until no id is under way: the broker's returns are told apart by it alone."""
    numbers = channel.message_id_delivery_tag
    for message in messages:
        number = numbers.get(message.identity)
        earlier = None if number is None else channel.confirmations.get(number)
        if earlier is not None and not earlier.done():
            await asyncio.wait({earlier})


async def write(channel: Channel, messages: Sequence[Message], sent: list[Sent]) -> None:
    """Write messages to a channel with confirms, in one piece, and note them in ``sent``.

    One at a time for each channel. When it raises or is cancelled, the channel's numbers may be
    wrong: it must not be used any more.
    """
    frames: list[FrameType] = []
    for message in messages:
        channel.delivery_tag += 1
        number = channel.delivery_tag
        confirmation = channel.create_future()
        channel.confirmations[number] = confirmation
        channel.message_id_delivery_tag[message.identity] = number
        sent.append(Sent(number, confirmation))
        frames += _frames(channel, message)
    await channel.write_queue.put(ChannelFrame.marshall(channel.number, frames))


def _frames(channel: Channel, message: Message) -> Iterator[FrameType]:
    body, most = message.body, channel.max_content_size
    yield Basic.Publish(exchange=message.exchange, routing_key=message.routing_key, mandatory=True)
    yield ContentHeader(properties=message.properties, body_size=len(body))
    for start in range(0, len(body), most):
        yield ContentBody(body[start : start + most])
