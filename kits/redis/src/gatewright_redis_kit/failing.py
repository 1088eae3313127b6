"""Why a Redis could not be talked to, as a finding that tells one cause from another."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Final

from redis import exceptions

from gatewright import Finding
from gatewright_redis_kit.connection import Connection
from gatewright_redis_kit.errors import describe
from gatewright_redis_kit.terminal import Terminal

__all__ = ["failed"]

_LOGIN: Final = (
    "wrongpass",
    "noauth",
    "authentication required",
    "invalid username-password",
    "invalid password",
    "without any password configured",
    "client sent auth",
)
_CLOSED: Final = (
    "connection closed by server",
    "connection lost",
    "connection reset",
    "broken pipe",
)


def failed(
    error: BaseException, connection: Connection, terminal: Terminal, option: str
) -> Finding:
    """Return the finding for an error that ended the talk.

    Args:
        error: One of `UNAVAILABLE`.
        connection: Where it was to go.
        terminal: Writes what the operator may type.
        option: Where the DSN stands in the file.
    """
    shown, chain = connection.shown, list(_chain(error))
    text = " ".join(str(each) for each in chain).lower()
    if isinstance(error, exceptions.AuthenticationError) or any(word in text for word in _LOGIN):
        return _login(connection, terminal, option)
    below = _below(chain, connection, terminal, option)
    if below is not None:
        return below
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return _silent(connection, terminal, option)
    if any(word in text for word in _CLOSED) and not connection.dsn.options.get("ssl"):
        found = f"{shown} closed the connection, as servers do that want TLS"
        return Finding.error(
            "tls", found, fix=f"write rediss:// in {option}, or the port without TLS"
        )
    if connection.dsn.kind == "sentinel" and "no master found" in text:
        return _no_master(connection, option)
    found = f"{shown} cannot be used: {describe(error)}"
    return Finding.error("reach", found, fix=terminal.line("ping"))


def _silent(connection: Connection, terminal: Terminal, option: str) -> Finding:
    shown = connection.shown
    if connection.dsn.options.get("ssl"):
        found = f"{shown} does not answer our TLS, as servers do that speak none"
        return Finding.error("tls", found, fix=f"write redis:// in {option}, or the TLS port")
    return Finding.error("reach", f"{shown} does not answer in time", fix=terminal.line("ping"))


def _below(
    chain: Sequence[BaseException], connection: Connection, terminal: Terminal, option: str
) -> Finding | None:
    """Return the finding for what lies below Redis: names and TLS."""
    shown = connection.shown
    for each in chain:
        if isinstance(each, ssl.SSLError):
            return _tls(each, shown, terminal, option)
        if isinstance(each, ConnectionRefusedError):
            return Finding.error("reach", f"nothing listens at {shown}", fix=terminal.line("ping"))
        if isinstance(each, socket.gaierror):
            host = connection.dsn.hosts[0][0]
            found = f"{shown}: the name {host} is not known here"
            fix = f"getent hosts {host}, or another host in {option}"
            return Finding.error("reach", found, fix=fix)
    return None


def _login(connection: Connection, terminal: Terminal, option: str) -> Finding:
    if "password" not in connection.dsn.options:
        found = f"{connection.shown} wants a password, and the DSN has none"
        return Finding.error("login", found, fix=f"write redis://:password@… in {option}")
    found = f"{connection.shown} refuses the password of user {terminal.user}"
    return Finding.error("login", found, fix=terminal.line("ping"))


def _tls(error: ssl.SSLError, shown: str, terminal: Terminal, option: str) -> Finding:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message.rstrip(".")
        found = f"the certificate of {shown} is not accepted: {why}"
        fix = f"add ?ssl_ca_certs=/path/of/its/authority.pem to {option}"
        return Finding.error("tls", found, fix=fix)
    reason = (error.reason or "").replace("_", " ").lower() or "handshake ended early"
    found = f"{shown} does not speak TLS with us: {reason}"
    return Finding.error("tls", found, fix=terminal.line("ping"))


def _no_master(connection: Connection, option: str) -> Finding:
    service = connection.dsn.service
    host, port = connection.dsn.hosts[0]
    found = f"the sentinels know no reachable master of {service}"
    fix = f"redis-cli -h {host} -p {port} sentinel masters, and the service's name in {option}"
    return Finding.error("reach", found, fix=fix)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
