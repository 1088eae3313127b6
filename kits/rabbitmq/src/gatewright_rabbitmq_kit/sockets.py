"""Opens the client's sockets, and remembers them so that they can be dropped."""

from __future__ import annotations

import asyncio
from typing import Any

from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from yarl import URL

__all__ = ["Sockets"]


class Sockets(TransportFactory):
    """Opens sockets for one connection.

    The client's own farewell waits for a peer that may be frozen; `abort` does not.
    """

    def __init__(self, *, tls: bool) -> None:
        self._factory: TransportFactory = TLSTransportFactory() if tls else TCPTransportFactory()
        self._writer: asyncio.StreamWriter | None = None

    async def create(
        self,
        url: URL,
        **kwargs: Any,  # noqa: ANN401 - as the client declares it
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect."""
        reader, self._writer = await self._factory.create(url, **kwargs)
        return reader, self._writer

    def abort(self) -> None:
        """Drop the socket at once; what is in its buffers is lost."""
        if self._writer is not None:
            self._writer.transport.abort()
