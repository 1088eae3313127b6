"""WebSockets and HTTP by hand, for what no client library sends, and servers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct

UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


def frame(opcode, payload=b"", *, fin=True, rsv=0, mask=True):
    """Build a client's frame by RFC 6455, section 5.2."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([bit | 126]) + struct.pack("!H", len(payload))
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", len(payload))
    if not mask:
        return head + payload
    key = os.urandom(4)
    whole = int.from_bytes(payload, "big") ^ int.from_bytes(
        (key * (len(payload) // 4 + 1))[: len(payload)], "big"
    )
    return head + key + whole.to_bytes(len(payload), "big")


def upgrade(path="/ws", headers=b"", host="x"):
    """Build a handshake."""
    return (
        b"GET %b HTTP/1.1\r\nHost: %b\r\n" % (path.encode(), host.encode())
        + UPGRADE
        + headers
        + b"\r\n"
    )


async def dial(address, *, receive_buffer=None):
    """Connect to ``host:port``; return a reader and a writer."""
    host, _, port = address.rpartition(":")
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
    return await asyncio.open_connection(sock=sock, limit=2**16)


@contextlib.asynccontextmanager
async def raw_socket(running, user="42", *, receive_buffer=None, headers=b""):
    """Open a WebSocket of anonymous authentication; yield a reader and a writer after the 101."""
    reader, writer = await dial(running.host, receive_buffer=receive_buffer)
    writer.write(upgrade(f"/ws?token={user}", headers))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def next_frame(reader, seconds=10.0):
    """Read one frame of the server; return its opcode and payload."""
    async with asyncio.timeout(seconds):
        first, length = await reader.readexactly(2)
        if length == 126:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await reader.readexactly(8))
        return first & 0x0F, await reader.readexactly(length)


async def close_frame(reader, seconds=10.0):
    """Read up to the server's close frame; return its code and reason."""
    while True:
        opcode, payload = await next_frame(reader, seconds)
        if opcode == 8:
            return struct.unpack("!H", payload[:2])[0], payload[2:].decode()


async def until_closed(reader, seconds=10.0):
    """Read until the server hangs up; return what it said.

    Raises:
        TimeoutError: It does not hang up in time.
    """
    got = b""
    async with asyncio.timeout(seconds):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                got += data
    return got


async def exchange(address, data, seconds=10.0):
    """Send bytes on a connection of their own; return everything up to the server's hanging up."""
    reader, writer = await dial(address)
    writer.write(data)
    try:
        return await until_closed(reader, seconds)
    finally:
        writer.transport.abort()


@contextlib.asynccontextmanager
async def misbehaving(handle):
    """Serve connections with ``handle(reader, writer)`` on a loopback port; yield the port."""
    tasks = set()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await handle(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
