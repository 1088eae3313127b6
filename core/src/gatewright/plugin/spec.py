"""The hooks: one per kind, each called once at start to be handed a factory.

Hooks are a catalogue, never the data path: plain functions that declare, positional parameters
only. What runs per message are methods of what the factories open (`gatewright.plugin.protocols`).
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import pluggy

from gatewright.plugin.factory import Factory
from gatewright.plugin.protocols import (
    Authenticator,
    Bus,
    DeadLetterStore,
    EventSink,
    Presence,
    RateLimit,
    Transport,
)

__all__ = ["HOOK_API", "KINDS", "PROJECT", "Kind", "hookimpl", "hookspec", "section_of"]

PROJECT: Final = "gatewright"
HOOK_API: Final = (1, 0)
"""Major and minor of the hook API; ``docs/hook-api.md`` says what may change in which."""

Kind = Literal[
    "auth", "transport", "presence", "events", "dead_letters", "rate_limit", "bus", "extension"
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


def section_of(kind: Kind) -> str:
    """Return the YAML section that names the plugins of ``kind``."""
    return {"transport": "transports", "extension": "extensions"}.get(kind, kind)


@hookspec
def gatewright_auth() -> Factory[Any, Authenticator]:  # type: ignore[empty-body]
    """Declare how clients are authenticated.

    Called once per gateway that names the plugin below ``auth``, after the configuration is read
    and before any backend opens. Must not do I/O.

    .. versionadded:: 1.0
    """


@hookspec
def gatewright_transport() -> Factory[Any, Transport]:  # type: ignore[empty-body]
    """Declare a transport that brings publications.

    Called once per gateway that names the plugin below ``transports``, before any backend opens.
    Must not do I/O.

    .. versionadded:: 1.0
    """


@hookspec
def gatewright_presence() -> Factory[Any, Presence]:  # type: ignore[empty-body]
    """Declare a presence store.

    Called once per gateway that names the plugin below ``presence``, before any backend opens.
    Must not do I/O.

    .. versionadded:: 1.0
    """


@hookspec
def gatewright_events() -> Factory[Any, EventSink]:  # type: ignore[empty-body]
    """Declare an event sink; its settings are a `SinkSettings`.

    Called once per gateway that names the plugin below ``events``, before any backend opens.
    Must not do I/O.

    .. versionadded:: 1.0
    """


@hookspec
def gatewright_dead_letters() -> Factory[Any, DeadLetterStore]:  # type: ignore[empty-body]
    """Declare a store for what could not be delivered.

    Called once per gateway that names the plugin below ``dead_letters``, before any backend opens.
    Must not do I/O.

    .. versionadded:: 1.0
    """


@hookspec
def gatewright_rate_limit() -> Factory[Any, RateLimit]:  # type: ignore[empty-body]
    """Declare a rate limit for what clients send.

    Called once per gateway that names the plugin below ``rate_limit``, before any backend opens.
    Must not do I/O.

    .. versionadded:: 1.0
    """


@hookspec
def gatewright_bus() -> Factory[Any, Bus]:  # type: ignore[empty-body]
    """Declare the bus between nodes.

    Called once per gateway that names the plugin below ``bus``, before any backend opens.
    Must not do I/O.

    .. versionadded:: 1.0
    """


@hookspec
def gatewright_extension() -> Factory[Any, Any]:  # type: ignore[empty-body]
    """Declare an extension: HTTP routes, observers of events, health.

    Called once per gateway that names the plugin below ``extensions``, before any backend opens.
    Must not do I/O.

    .. versionadded:: 1.0
    """
