"""Sockets that are bound before anything opens, and listened on only when all is open."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from hypercorn.config import Config as HypercornConfig

from gatewright.errors import StartError

__all__ = ["Bound", "CannotBind", "bind"]


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
        sock: The socket.
        address: ``host:port`` or ``unix:/path``, with the port that the system chose for port 0.
    """

    sock: socket.socket
    address: str


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
        problem = (error.strerror or str(error)).lower()
        raise CannotBind(option, address, problem) from None
    return Bound(sock, _name(sock, address))


def _name(sock: socket.socket, address: str) -> str:
    if sock.family == socket.AF_UNIX:
        return address
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if sock.family == socket.AF_INET6 else f"{host}:{port}"
