"""Sockets that are bound before anything opens, and listened on only when all is open."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final

from hypercorn.config import Config as HypercornConfig

from gatewright.errors import StartError

__all__ = ["Bound", "CannotBind", "bind"]

UNREAD_SECONDS: Final = 60
"""How long the kernel keeps bytes for a client that takes none before it drops the connection.

A client that stops reading must not hold a descriptor for ever, whatever it was served over.
"""


class CannotBind(StartError):
    """An address is taken, not ours, or not allowed."""

    def __init__(self, option: str, address: str, problem: str) -> None:
        self.option, self.address, self.problem = option, address, problem
        super().__init__(option, address, problem)

    def __str__(self) -> str:
        return f"{self.option}: cannot bind {self.address}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound socket that does not listen yet.

    Attributes:
        option: Which option names it.
        sock: The socket.
        address: ``host:port`` or ``unix:/path``, with the port that the system chose for port 0.
    """

    option: str
    sock: socket.socket
    address: str

    def listen(self, backlog: int) -> None:
        """Let clients connect.

        Raises:
            CannotBind: Somebody who bound the same address at the same time listens already.
        """
        try:
            self.sock.listen(backlog)
        except OSError as error:
            raise CannotBind(self.option, self.address, _problem(error)) from None


def bind(option: str, address: str) -> Bound:
    """Bind ``address``; nothing can connect before somebody listens.

    Args:
        option: Which option names it, for the error.
        address: ``host:port``, ``[v6]:port`` or ``unix:/path``.

    Raises:
        CannotBind: The system refuses.
    """
    config = HypercornConfig()
    config.bind = [address]
    try:
        (sock,) = config.create_sockets().insecure_sockets
    except OSError as error:
        raise CannotBind(option, address, _problem(error)) from None
    if sock.family != socket.AF_UNIX and hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; inherited
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
    return Bound(option, sock, _name(sock, address))


def _problem(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _name(sock: socket.socket, address: str) -> str:
    if sock.family == socket.AF_UNIX:
        return address
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if sock.family == socket.AF_INET6 else f"{host}:{port}"
