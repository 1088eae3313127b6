"""Why a RabbitMQ could not be talked to, as a finding that tells one cause from another."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from aiormq.exceptions import AuthenticationError, InvalidFrameError, ProbableAuthenticationError

from gatewright import Finding
from gatewright_rabbitmq_kit.dsn import Dsn
from gatewright_rabbitmq_kit.errors import describe
from gatewright_rabbitmq_kit.words import user_of, vhost_of

__all__ = ["failed"]


def failed(error: BaseException, dsn: Dsn, option: str) -> Finding:
    """Return the finding for an error that ended the talk.

    Args:
        error: One of `UNAVAILABLE`.
        dsn: Where it was to go.
        option: Where the DSN stands in the file.
    """
    user, vhost = user_of(dsn), vhost_of(dsn)
    if isinstance(error, AuthenticationError | ProbableAuthenticationError):
        found = f"{dsn.shown} refuses the password of user {user}"
        fix = f"rabbitmqctl authenticate_user {user}, and the password in {option}"
        return Finding.error("login", found, fix=fix)
    if isinstance(error, InvalidFrameError):  # it closed the connection instead of opening it
        found = f"{dsn.shown} has no virtual host {vhost}, or user {user} has no permissions there"
        fix = f"rabbitmqctl list_permissions -p {vhost}"
        return Finding.error("virtual host", found, fix=fix)
    return _below(error, dsn, option) or Finding.error(
        "reach", f"{dsn.shown} cannot be used: {describe(error)}", fix=_knock(dsn)
    )


def _below(error: BaseException, dsn: Dsn, option: str) -> Finding | None:
    """Return the finding for what lies below AMQP: names, sockets, TLS, time."""
    shown, host = dsn.shown, dsn.url.host or ""
    for each in _chain(error):
        match each:
            case ssl.SSLError():
                return _tls(each, dsn, option)
            case ConnectionRefusedError():
                return Finding.error("reach", f"nothing listens at {shown}", fix=_knock(dsn))
            case socket.gaierror():
                found = f"{shown}: the name {host} is not known here"
                fix = f"getent hosts {host}, or another host in {option}"
                return Finding.error("reach", found, fix=fix)
            case TimeoutError():
                return Finding.error("reach", f"{shown} does not answer in time", fix=_knock(dsn))
            case ConnectionResetError() | EOFError() if not dsn.tls:
                return _closed(dsn, option)
    return None


def _closed(dsn: Dsn, option: str) -> Finding:
    found = f"{dsn.shown} closed the connection, as brokers do that want TLS"
    fix = f"write amqps:// in {option}, or the port without TLS"
    return Finding.error("tls", found, fix=fix)


def _tls(error: ssl.SSLError, dsn: Dsn, option: str) -> Finding:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message.rstrip(".")
        found = f"the certificate of {dsn.shown} is not accepted: {why}"
        fix = f"add ?cafile=/path/of/its/authority.pem to {option}"
        return Finding.error("tls", found, fix=fix)
    reason = (error.reason or "").replace("_", " ").lower() or "handshake ended early"
    found = f"{dsn.shown} does not speak TLS with us: {reason}"
    return Finding.error("tls", found, fix=f"write amqp:// in {option}, or the port with TLS")


def _knock(dsn: Dsn) -> str:
    return f"nc -vz {dsn.url.host} {dsn.url.port}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
