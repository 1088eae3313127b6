"""Exchanges, queues and bindings: what exists is used, what is absent is declared."""

from __future__ import annotations

from typing import Final, Literal

from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)
from pamqp.common import FieldTable

from gatewright_rabbitmq_kit.errors import TopologyError
from gatewright_rabbitmq_kit.link import Link

__all__ = ["ExchangeType", "bind", "use_exchange", "use_queue"]

ExchangeType = Literal["direct", "fanout", "topic", "headers"]

_EXCHANGE: Final = "exchange"
_QUEUE: Final = "queue"
_WRONG_TYPE: Final = "arg 'type'"


async def use_exchange(link: Link, name: str, kind: ExchangeType = "direct") -> None:
    """Make sure that an exchange is there: durable, without arguments, where it was absent.

    An existing one is used as it is, unless it is of another type. The default exchange (``""``)
    always is there. Each question has a channel of its own; cancelling leaves what was declared.

    Raises:
        TopologyError: It is of another type.
        Exception: One of `UNAVAILABLE`.
    """
    if not name:
        return
    exists = True
    try:
        async with link.passing_channel() as channel:
            await channel.exchange_declare(name, exchange_type=kind, passive=True)
    except ChannelNotFoundEntity:
        exists = False
    try:
        # Asked passively, the broker does not compare types; declaring compares everything.
        async with link.passing_channel() as channel:
            await channel.exchange_declare(name, exchange_type=kind, durable=True)
    except ChannelPreconditionFailed as error:
        if _WRONG_TYPE in str(error):
            problem = f"exists with another type than {kind}"
            raise TopologyError(_EXCHANGE, name, problem) from None
    except ChannelAccessRefused:
        if not exists:
            raise


async def use_queue(link: Link, name: str, *, arguments: FieldTable | None = None) -> int:
    """Make sure that a queue is there: durable, with ``arguments`` where it was absent.

    An existing one is used as it is, whatever its arguments. Cancelling leaves what was declared.

    Returns:
        How many messages wait in it.

    Raises:
        TopologyError: It belongs to somebody's connection alone.
        Exception: One of `UNAVAILABLE`.
    """
    try:
        try:
            return await _declare(link, name, passive=True)
        except ChannelNotFoundEntity:
            pass
        try:
            return await _declare(link, name, arguments=arguments)
        except ChannelPreconditionFailed:  # somebody else was faster
            return await _declare(link, name, passive=True)
    except ChannelLockedResource:
        problem = "is exclusive to another connection"
        raise TopologyError(_QUEUE, name, problem) from None


async def bind(link: Link, *, queue: str, exchange: str, routing_key: str = "") -> None:
    """Bind a queue; binding it again changes nothing. The default exchange needs no binding.

    Raises:
        Exception: One of `UNAVAILABLE`, among them `ChannelAccessRefused` and that either is gone.
    """
    if not exchange:
        return
    async with link.passing_channel() as channel:
        await channel.queue_bind(queue, exchange, routing_key)


async def _declare(
    link: Link, name: str, *, passive: bool = False, arguments: FieldTable | None = None
) -> int:
    async with link.passing_channel() as channel:
        answer = await channel.queue_declare(
            name, passive=passive, durable=not passive, arguments=arguments
        )
    return answer.message_count or 0
