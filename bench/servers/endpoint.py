"""Where servers that serve no POST take publications.

A parser that does only what the load generator needs: cheaper than any HTTP server, in favour of
the peers that use it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

__all__ = ["Endpoint", "Publish"]

Publish = Callable[[bytes], int]
"""Sends a publication, the body of its request, to everybody; returns how many that are."""


class Endpoint(asyncio.Protocol):
    """Requests with a Content-Length, one after another on one connection."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Publish and answer, once a request is complete."""
        self._data += data
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._data = rest[length:]
        assert self._transport is not None
        answer = b'{"sent":%d}' % self._publish(rest[:length])
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer)
        )
