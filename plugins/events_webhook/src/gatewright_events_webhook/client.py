"""The pooled HTTP client: one request per call, every bound of its own.

httpx's own transport keeps 64 connections at the cost of milliseconds of CPU per request (see
``bench/webhook_clients.py``), so the requests go through httpx's aiohttp transport, called
directly: the layers of `httpx.AsyncClient` (cookies, redirects, authentication, hooks, a log line
holding the whole URL) are all things a webhook must not have.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final, cast

import aiohttp
import anyio
import httpx
from httpx_aiohttp import AiohttpTransport

from gatewright_events_webhook.failures import DeniedAddress, NoAnswer, TimedOut, describe

__all__ = ["Answer", "Client", "open_client"]

KEEPALIVE_SECONDS: Final = 4.0
"""Idle connections close sooner than common servers close theirs (5 s): none is met half-shut."""
BODY_BYTES: Final = 64 * 1024
"""How much of an answer's body is read at most."""
SLICE_BYTES: Final = 256 * 1024
"""A larger body is sent in parts of this size."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Answer:
    """What of an answer matters.

    Attributes:
        status: Its status.
        retry_after: Its ``Retry-After``, or ``None``; not looked at on success.
    """

    status: int
    retry_after: str | None


class Client:
    """Posts to one URL. Safe from many tasks; each call holds a connection of the pool.

    Args:
        transport: Carries the requests.
        url: Where they go.
        timeout: Seconds that one request may take in total, from connecting to the body's end.
    """

    __slots__ = ("_timeout", "_transport", "_url")

    def __init__(self, transport: AiohttpTransport, url: httpx.URL, timeout: float) -> None:
        self._transport = transport
        self._url = url
        self._timeout = timeout

    async def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Make one request and read the answer to its end, or to 64 KiB of body.

        Being cancelled closes the request's connection; nothing of it stays in the pool.

        Raises:
            NoAnswer: Nothing complete came back within the timeout.
        """
        try:
            with anyio.move_on_after(self._timeout) as scope:
                return await self._exchange(headers, body)
        except (httpx.HTTPError, aiohttp.ClientError, OSError, ValueError) as error:
            if not scope.cancel_called:
                raise NoAnswer(describe(error)) from error
        raise TimedOut(self._timeout)

    async def _exchange(self, headers: Mapping[str, str], body: bytes) -> Answer:
        response = await self._transport.handle_async_request(_Post(self._url, headers, body))
        try:
            await _drain(response)
        finally:
            await response.aclose()
        if response.is_success:  # looking at headers costs, and nearly every answer is this one
            return Answer(response.status_code, None)
        return Answer(response.status_code, response.headers.get("retry-after"))


class _Post(httpx.Request):
    """A request with just what the transport asks for; building httpx's own takes 100 µs more.

    Its headers are a plain mapping, so that names leave in the case they are written in.
    """

    def __init__(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> None:
        self.method = "POST"
        self.url = url
        self.extensions = {}
        self.stream = _Slices(body)
        self._body = body
        if len(body) > SLICE_BYTES:
            headers = {**headers, "Content-Length": str(len(body))}
        self.headers = cast("httpx.Headers", headers)

    @property
    def content(self) -> bytes:
        """The body, unless it is one to be streamed."""
        if len(self._body) > SLICE_BYTES:
            raise httpx.RequestNotRead
        return self._body


class _Slices(httpx.AsyncByteStream):
    """A large body in parts, so that writing it does not hold up the loop."""

    def __init__(self, body: bytes) -> None:
        self._body = memoryview(body)

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        for start in range(0, len(self._body), SLICE_BYTES):
            yield bytes(self._body[start : start + SLICE_BYTES])


async def _drain(response: httpx.Response) -> None:
    """Read the body so that its connection can serve again; give up a body that is too long.

    What is not read to its end is closed instead of being kept for the next request. Nothing is
    decoded, whatever encoding the receiver claims.
    """
    left = BODY_BYTES
    stream = cast("httpx.AsyncByteStream", response.stream)
    async with aclosing(cast("AsyncGenerator[bytes]", aiter(stream))) as chunks:
        async for chunk in chunks:
            left -= len(chunk)
            if left <= 0:
                return


@asynccontextmanager
async def open_client(
    url: httpx.URL,
    *,
    tls: ssl.SSLContext,
    timeout: float,
    deny: Collection[Network] = (),
) -> AsyncGenerator[Client]:
    """Yield a client, and close its connections afterwards. Connects to nothing yet.

    The pool has no limit of its own: the caller bounds how many requests run at once, so that a
    slot which is never given back cannot block the next request.

    Args:
        url: Where requests go.
        tls: How the receiver's certificate is checked.
        timeout: Seconds that one request may take in total.
        deny: Networks that are never connected to, checked on the resolved address.
    """
    connector = aiohttp.TCPConnector(
        limit=0,
        keepalive_timeout=KEEPALIVE_SECONDS,
        ssl=tls,
        socket_factory=_socket_factory(timeout, tuple(deny)),
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        read_bufsize=BODY_BYTES // 2,  # aiohttp holds at most twice as much
    )
    async with AiohttpTransport(verify=tls, trust_env=False, client=session) as transport:
        yield Client(transport, url, timeout)


_AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]


def _socket_factory(
    timeout: float, deny: tuple[Network, ...]
) -> Callable[[_AddressInfo], socket.socket]:
    """Return what makes the sockets, one for each resolved address that is tried.

    Data that the receiver does not take within ``timeout`` resets the connection: a request given
    up half-written would otherwise stay in memory for as long as the receiver does not read.
    """
    milliseconds = max(1, int(timeout * 1000))

    def make_socket(info: _AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if deny and _is_in(str(address[0]), deny):
            raise DeniedAddress
        sock = socket.socket(family, kind, protocol)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        return sock

    return make_socket


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in network for network in networks)
