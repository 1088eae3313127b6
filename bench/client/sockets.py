"""Connections of the Python load generator: raw sockets on one epoll, frames by their heads."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from itertools import count
from typing import Final, NamedTuple

__all__ = ["Connection", "Counted", "Network", "count_frames"]

SOURCES: Final = 16
"""Loopback addresses to connect from: each has its own ephemeral ports."""

CONTROL: Final = 8
PING: Final = 9
SMALLEST_HEAD: Final = 2
TWO_BYTE_LENGTH: Final = 126


class Connection:
    """One socket, and how far it is.

    Attributes:
        open: Whether frames may be exchanged.
        awaited: Frames that the burst sent last is still to be answered with.
        began: When the handshake or the burst began, in monotonic nanoseconds.
        data: What arrived of something incomplete.
    """

    __slots__ = ("awaited", "began", "data", "fd", "network", "on_read", "open", "sock", "unsent")

    def __init__(
        self, network: Network, port: int, on_read: Callable[[Connection, memoryview, int], None]
    ) -> None:
        self.network = network
        self.on_read = on_read
        self.open = False
        self.awaited = 0
        self.data = self.unsent = b""
        self.began = time.monotonic_ns()
        self.sock = socket.socket()
        self.sock.settimeout(0)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.bind((f"127.0.0.{1 + next(network.dialled) % SOURCES}", 0))
        self.sock.connect_ex(("127.0.0.1", port))
        self.fd = self.sock.fileno()
        network.watch(self)

    def transmit(self, data: bytes) -> None:
        """Send ``data``; what does not fit follows when the socket is writable."""
        if self.unsent:
            self.unsent += data
            return
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.network.gone(self)
            return
        if sent < len(data):
            self.unsent = data[sent:]
            self.network.poll.modify(self.fd, select.EPOLLIN | select.EPOLLOUT)

    def flush(self) -> None:
        """Go on with what did not fit, or could not be sent before the connection was there."""
        data, self.unsent = self.unsent, b""
        self.network.poll.modify(self.fd, select.EPOLLIN)
        if data:
            self.transmit(data)


class Network:
    """All connections, on one epoll and one buffer.

    Attributes:
        lost: Open connections that the server ended while they were wanted.
    """

    def __init__(self) -> None:
        self.poll = select.epoll()
        self.connections: dict[int, Connection] = {}
        self.dialled = count()
        self.open_now = self.lost = 0
        self.closing = False
        self._view = memoryview(bytearray(1 << 18))

    def watch(self, connection: Connection) -> None:
        """Begin to hear of a connection; it is writable once it is there."""
        self.connections[connection.fd] = connection
        self.poll.register(connection.fd, select.EPOLLIN | select.EPOLLOUT)

    def gone(self, connection: Connection) -> None:
        """Forget a connection that ended: lost, if it was open."""
        if self.connections.pop(connection.fd, None) is None:
            return
        connection.sock.close()
        if connection.open:
            connection.open = False
            self.open_now -= 1
            self.lost += not self.closing

    def turn(self, seconds: float) -> None:
        """Wait for sockets, at most ``seconds``, and serve those that are ready."""
        for fd, events in self.poll.poll(seconds, 1024):
            connection = self.connections.get(fd)
            if connection is None:
                continue
            if events & select.EPOLLOUT:
                connection.flush()
            if events & ~select.EPOLLOUT:
                self._read(connection)

    def _read(self, connection: Connection) -> None:
        try:
            size = connection.sock.recv_into(self._view)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if size:
            connection.on_read(connection, self._view[:size], time.monotonic_ns())
        else:
            self.gone(connection)


class Counted(NamedTuple):
    """Data frames that were completed: how many, their bytes, and the payload of the last."""

    frames: int
    size: int
    last: bytes


def count_frames(connection: Connection, data: memoryview | bytes, prefix: bytes = b"") -> Counted:
    """Return the data frames that ``data`` completes and whose payload begins with ``prefix``.

    Pings are answered. What is left of an incomplete frame is kept for the next call.
    """
    if connection.data:
        data = connection.data + bytes(data)
    at = frames = counted = 0
    last = (0, 0)
    size = len(data)
    while size - at >= SMALLEST_HEAD:
        length, start = data[at + 1] & 127, at + SMALLEST_HEAD
        if length >= TWO_BYTE_LENGTH:
            start += 2 if length == TWO_BYTE_LENGTH else 8
            length = int.from_bytes(data[at + SMALLEST_HEAD : start], "big")
        end = start + length
        if end > size:
            break
        if not data[at] & CONTROL:
            if not prefix or bytes(data[start : start + len(prefix)]) == prefix:
                frames += 1
                counted += length
                last = (start, end)
        elif data[at] & 15 == PING:
            mask_of_zeros = bytes(4)
            pong = bytes((0x8A, 0x80 | length)) + mask_of_zeros + bytes(data[start:end])
            connection.transmit(pong)
        at = end
    connection.data = bytes(data[at:])
    return Counted(frames, counted, bytes(data[last[0] : last[1]]))
