"""Questions to a RabbitMQ that change nothing there, whatever the answer.

The broker judges rights before it looks at arguments. So a declaration, a consumer and the removal
of a binding that **can only fail**, or do nothing, show whether the real ones would be let through.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiormq.channel import Channel
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)

from gatewright_rabbitmq_kit.link import Link
from gatewright_rabbitmq_kit.topology import ExchangeType

__all__ = ["Probe", "Refusal"]

POLL_SECONDS: Final = 0.02
_NO_LIFE: Final[dict[str, Any]] = {"x-expires": 0}
_NO_EXCHANGE: Final[dict[str, Any]] = {"alternate-exchange": 1}
_NO_NUMBER: Final[dict[str, Any]] = {"x-priority": "none"}
_BODY: Final = b"-"
"""Not empty: publishers are held up at the first byte of a body."""


class Refusal(Exception):
    """The user has no right to it; the broker's words name it."""


class Probe:
    """Asks over one connection; each question has a channel of its own.

    Every method raises `Refusal` where the user lacks the right, else one of `UNAVAILABLE`.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    async def queue(self, name: str) -> tuple[int, int] | None:
        """Return how many messages and consumers a queue has; ``None``: it is absent.

        Raises:
            ChannelLockedResource: It is exclusive to another connection.
        """
        try:
            async with self._link.passing_channel() as channel:
                answer = await channel.queue_declare(name, passive=True)
        except ChannelNotFoundEntity:
            return None
        return answer.message_count or 0, answer.consumer_count or 0

    async def exchange_exists(self, name: str) -> bool:
        """Tell whether an exchange is there."""
        try:
            async with self._link.passing_channel() as channel:
                await channel.exchange_declare(name, passive=True)
        except ChannelNotFoundEntity:
            return False
        return True

    async def may_declare_queue(self, name: str) -> str:
        """Have a declaration fail; return how an existing queue differs from a durable one."""
        return await self._failing(
            lambda channel: channel.queue_declare(name, durable=True, arguments=_NO_LIFE)
        )

    async def may_declare_exchange(self, name: str, kind: ExchangeType) -> str:
        """Have a declaration fail; return how an existing exchange differs from the wanted one."""
        return await self._failing(
            lambda channel: channel.exchange_declare(
                name, exchange_type=kind, durable=True, arguments=_NO_EXCHANGE
            )
        )

    async def may_consume(self, name: str) -> None:
        """Have a consumer fail to begin."""
        await self._failing(
            lambda channel: channel.basic_consume(name, _ignored, arguments=_NO_NUMBER)
        )

    async def may_bind(self, queue: str, exchange: str) -> None:
        """Remove a binding that is not there: it takes the rights that binding takes."""
        key = _nobodys_key()
        await self._failing(lambda channel: channel.queue_unbind(queue, exchange, key))

    async def may_use_exchange(self, name: str) -> None:
        """Remove a binding of an exchange to itself: it takes the rights to write and to read."""
        key = _nobodys_key()
        await self._failing(lambda channel: channel.exchange_unbind(name, name, routing_key=key))

    async def takes_messages(self) -> bool:
        """Publish a message that no queue can get; ``False``: an alarm holds publishers up."""
        channel = await self._link.channel(confirms=True)
        publishing = asyncio.ensure_future(
            channel.basic_publish(_BODY, routing_key=_nobodys_key(), timeout=self._link.timeout)
        )
        try:
            while not publishing.done() and not self._link.blocked:
                await asyncio.wait({publishing}, timeout=POLL_SECONDS)
            if self._link.blocked:
                return False
            publishing.result()
        except ChannelAccessRefused as error:
            raise Refusal(str(error)) from None
        finally:
            publishing.cancel()
        return True

    async def _failing(self, question: Callable[[Channel], Awaitable[object]]) -> str:
        """Ask, and return what the broker objected to beside the arguments made to fail."""
        try:
            async with self._link.passing_channel() as channel:
                await question(channel)
        except ChannelAccessRefused as error:
            raise Refusal(str(error)) from None
        except ChannelPreconditionFailed as error:
            return str(error)
        except (ChannelNotFoundEntity, ChannelLockedResource):
            return ""  # rights come first, so there are some
        return ""


def _nobodys_key() -> str:
    return f"gatewright.doctor.{secrets.token_hex(16)}"


async def _ignored(_message: object) -> None:
    """No message ever comes."""
