"""A RabbitMQ as a DSN describes it, and connections to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiormq.connection import Connection
from pydantic import SecretStr

from gatewright_rabbitmq_kit.certificates import tls_context
from gatewright_rabbitmq_kit.deadlines import Deadline
from gatewright_rabbitmq_kit.dsn import parse_dsn
from gatewright_rabbitmq_kit.link import Link
from gatewright_rabbitmq_kit.sockets import Sockets

__all__ = ["Broker"]

_ABORT_SECONDS: Final = 1.0


class Broker:
    """Where a RabbitMQ is; makes plain connections, one at a time or several.

    Nothing is repeated or mended behind its user's back: a connection that ends has ended, and
    whoever used it makes another one, after a pause of its own.

    Args:
        dsn: The DSN.
        name: What connections are called in RabbitMQ's own tools.
        timeout: What connecting, and each call, may take in seconds.

    Raises:
        BadDsn: It is no DSN.
        UnusableCertificates: A file that it names cannot be used. Blocks while files are read.
    """

    def __init__(self, dsn: SecretStr, *, name: str, timeout: float = 5.0) -> None:
        self._dsn = parse_dsn(dsn.get_secret_value())
        self._tls = tls_context(self._dsn)
        self._name = name
        self.timeout = timeout
        _quieten()

    @property
    def shown(self) -> str:
        """The address for logs and health, without secrets: ``rabbitmq:5672/``."""
        return self._dsn.shown

    async def connect(self) -> Link:
        """Connect. Whoever calls has to close; see `session`. Cancelling leaves nothing open.

        Raises:
            Exception: One of `UNAVAILABLE`.
        """
        sockets = Sockets(tls=self._dsn.tls)
        connection = Connection(
            self._dsn.url.update_query(name=self._name),
            context=self._tls,
            transport_factory=sockets,
        )
        try:
            async with Deadline(self.timeout):
                await _connected(connection, sockets)
        except BaseException:
            sockets.abort()
            raise
        return Link(connection, sockets, self.timeout)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Link]:
        """Connect, and close at the end within a bounded time.

        Raises:
            Exception: One of `UNAVAILABLE`: it could not be connected.
        """
        link = await self.connect()
        try:
            yield link
        finally:
            await link.close()


async def _connected(connection: Connection, sockets: Sockets) -> None:
    """Connect; when cancelled, drop the socket first: the client waits for its peer otherwise."""
    connecting = asyncio.ensure_future(connection.connect())
    try:
        await asyncio.wait({connecting})
    except asyncio.CancelledError:
        sockets.abort()
        connecting.cancel()
        await asyncio.wait({connecting}, timeout=_ABORT_SECONDS)
        if connecting.done() and not connecting.cancelled():
            connecting.exception()
        raise
    connecting.result()


def _quieten() -> None:
    """Have the client say nothing: all that it logs is reported by whoever holds a connection."""
    logger = logging.getLogger("aiormq")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.CRITICAL)
