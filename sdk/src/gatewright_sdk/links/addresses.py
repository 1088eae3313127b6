"""Addresses of brokers: checked, completed, and shown without user and password."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from gatewright_sdk.errors import ConfigurationError

__all__ = ["rabbitmq_shown", "redis_shown", "with_heartbeat"]

_HEARTBEAT_SECONDS: Final = 10
_AMQP_PORTS: Final = {"amqp": 5672, "amqps": 5671}


def rabbitmq_shown(dsn: str) -> str:
    """Return host and port of an ``amqp://`` or ``amqps://`` address, for texts.

    Raises:
        ConfigurationError: It is none.
    """
    try:
        parts = urlsplit(dsn)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if not host or scheme not in _AMQP_PORTS:
        message = "dsn: must be amqp://user:password@host:port/vhost or amqps://…"
        raise ConfigurationError(message)
    return f"{_bracketed(host)}:{port or _AMQP_PORTS[scheme]}"


def with_heartbeat(dsn: str) -> str:
    """Ask for heartbeats every ten seconds, unless the address has ``heartbeat=``.

    A connection that nobody answers on is then given up after about twice as long.
    """
    query = urlsplit(dsn).query
    if "heartbeat=" in query:
        return dsn
    return f"{dsn}{'&' if query else '?'}heartbeat={_HEARTBEAT_SECONDS}"


def redis_shown(dsn: str) -> str:
    """Return host and port, or the path of a socket, for texts."""
    parts = urlsplit(dsn)
    if parts.scheme == "unix":
        return parts.path
    return f"{_bracketed(parts.hostname or 'localhost')}:{parts.port or 6379}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
