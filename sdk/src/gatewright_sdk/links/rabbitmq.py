"""A RabbitMQ to publish to: connected when it is needed, and again when it was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AMQPError,
    AuthenticationError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    ProbableAuthenticationError,
)
from aiormq.exceptions import ChannelAccessRefused, InvalidFrameError, PublishError

from gatewright_sdk.errors import Refused, Unavailable
from gatewright_sdk.links.addresses import rabbitmq_shown, with_heartbeat

__all__ = ["BROKEN", "RabbitMqLink", "answered"]

_CLOSE_SECONDS: Final = 2.0
BROKEN: Final = (*CONNECTION_EXCEPTIONS, AMQPError, OSError)
"""What the library raises where a connection, a channel or a call has come to nothing."""


class RabbitMqLink:
    """Confirmed publishing to one exchange. Safe from many tasks of one event loop.

    Args:
        dsn: ``amqp://`` or ``amqps://``.
        exchange: A direct exchange.
        queue: The queue behind it.
        routing_key: What binds them.
        timeout_seconds: What a step within `answered` may take in all, connecting included.

    Raises:
        ConfigurationError: The address is none.
    """

    def __init__(
        self, dsn: str, exchange: str, queue: str, routing_key: str, timeout_seconds: float
    ) -> None:
        self._shown = rabbitmq_shown(dsn)
        self._dsn = with_heartbeat(dsn)
        self._exchange, self._queue, self._routing_key = exchange, queue, routing_key
        self._timeout = timeout_seconds
        self._connecting = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def publish(self, body: bytes) -> None:
        """Publish one persistent message, and wait until the broker has it.

        Call it within `answered`.
        """
        message = aio_pika.Message(
            body,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        channel = await self._open_channel()
        exchange = await channel.get_exchange(self._exchange, ensure=False)
        try:
            await exchange.publish(message, routing_key=self._routing_key, mandatory=True)
        except DeliveryError as error:
            await self._forget(channel, connection_too=False)
            raise self._undelivered(error) from None
        except BROKEN:
            await self._forget(channel, connection_too=True)
            raise

    @asynccontextmanager
    async def answered(self) -> AsyncIterator[None]:
        """Hold what is within to the timeout, and turn the library's errors into this package's.

        Raises:
            Unavailable: RabbitMQ did not answer in time, or not at all.
            Refused: It will not have this user, or nothing is bound to take the message.
        """
        async with answered(self._shown, self._timeout):
            yield

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with suppress(*BROKEN, TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await connection.close()

    async def _open_channel(self) -> AbstractChannel:
        async with self._connecting:
            if self._channel is not None and not self._channel.is_closed:
                return self._channel
            try:
                connection = await self._open_connection()
                await self._see_to_topology(connection)
                self._channel = await connection.channel(on_return_raises=True)
            except BROKEN:
                await self.close()
                raise
            return self._channel

    async def _forget(self, channel: AbstractChannel, *, connection_too: bool) -> None:
        """Have the next call open another channel, unless one has been opened meanwhile."""
        if self._channel is not channel:
            return
        if connection_too:
            await self.close()  # whatever the library makes of it, the next call connects anew
        else:
            self._channel = None
            with suppress(*BROKEN):
                await channel.close()

    async def _open_connection(self) -> AbstractConnection:
        if self._connection is None or self._connection.is_closed:
            await self.close()
            self._connection = await aio_pika.connect(self._dsn, timeout=self._timeout)
        return self._connection

    async def _see_to_topology(self, connection: AbstractConnection) -> None:
        """Use what is there as it is; make what is missing, durable and without arguments."""
        if not await self._exists(connection, "exchange"):
            async with connection.channel() as channel:
                await channel.declare_exchange(self._exchange, "direct", durable=True)
        if not await self._exists(connection, "queue"):
            async with connection.channel() as channel:
                await channel.declare_queue(self._queue, durable=True)
        async with connection.channel() as channel:
            queue = await channel.get_queue(self._queue, ensure=False)
            await queue.bind(self._exchange, self._routing_key)

    async def _exists(self, connection: AbstractConnection, what: str) -> bool:
        channel = await connection.channel()
        try:
            if what == "queue":
                await channel.declare_queue(self._queue, passive=True)
            else:
                await channel.declare_exchange(self._exchange, "direct", passive=True)
        except ChannelNotFoundEntity:
            return False
        except ChannelPreconditionFailed:
            return True  # of another kind than expected: it is used as it is
        await channel.close()
        return True

    def _undelivered(self, error: DeliveryError) -> Refused | Unavailable:
        if isinstance(error, PublishError):  # it was returned: mandatory
            message = f"has no queue behind exchange {self._exchange!r} for {self._routing_key!r}"
            return Refused(f"rabbitmq {self._shown} {message}")
        return Unavailable(f"rabbitmq {self._shown} did not take the message")


@asynccontextmanager
async def answered(shown: str, seconds: float) -> AsyncIterator[None]:
    """Hold what is within to a timeout, and turn the library's errors into this package's.

    Args:
        shown: The broker, for texts.
        seconds: What it may take in all.

    Raises:
        Unavailable: RabbitMQ did not answer in time, or not at all.
        Refused: It will not have this user, or not let it do this.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        message = f"rabbitmq {shown} did not answer within {seconds:g} s"
        raise Unavailable(message) from None
    except (AuthenticationError, ProbableAuthenticationError):
        message = f"rabbitmq {shown} refuses the user or the password"
        raise Refused(message) from None
    except ChannelAccessRefused as error:
        message = f"rabbitmq {shown} refuses: {error}"
        raise Refused(message) from None
    except BROKEN as error:
        message = f"rabbitmq {shown} does not answer: {_cause(error)}"
        raise Unavailable(message) from None


def _cause(error: BaseException) -> str:
    """Name what went wrong; the texts of the library's errors may hold an address."""
    if isinstance(error, InvalidFrameError):  # closed where it should have opened the connection
        return "it opens no such virtual host, or not yet, or not for this user"
    return type(error).__name__
