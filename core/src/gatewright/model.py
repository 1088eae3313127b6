"""The values that cross the seams between core and plugins: frozen, without behaviour.

Times are POSIX seconds unless a name says otherwise; ids and subjects are text, never escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "Command",
    "ConnectionInfo",
    "ConnectionPage",
    "DeadLetter",
    "Done",
    "Event",
    "EventType",
    "Handshake",
    "Health",
    "Identity",
    "Outcome",
    "Publication",
    "Receipt",
    "Reject",
    "Retry",
    "StoredDeadLetter",
]

EventType = Literal["connected", "message_received", "disconnected"]


@dataclass(frozen=True, slots=True)
class Handshake:
    """What an authenticator may look at before a WebSocket is accepted.

    Attributes:
        path: The request path, percent-decoded.
        query: The query parameters, each with all its values in order.
        headers: Header values by lower-case name; several of one name are joined by ``", "``.
        subprotocols: The values of ``Sec-WebSocket-Protocol`` in the client's order.
        client: The client's address, already resolved through trusted proxies; ``""`` if unknown.
        http_version: ``"1.1"`` or ``"2"``.
    """

    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    subprotocols: Sequence[str] = ()
    client: str = ""
    http_version: str = "1.1"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a client is, as an authenticator found it.

    Attributes:
        user_id: 1–512 bytes of UTF-8 without control characters.
        subjects: Further subjects beside ``user:<user_id>``, which the core always adds; a
            ``user:`` subject here is refused.
        expires_at: When the credential ends (POSIX seconds), or ``None`` when it does not.
        close_at: When the connection must be closed with 4401 because the credential ended
            (leeway included), or ``None`` when it may outlive it.
        subprotocol: The sub-protocol the server must answer with, when the token came in one.
    """

    user_id: str
    subjects: tuple[str, ...] = ()
    expires_at: float | None = None
    close_at: float | None = None
    subprotocol: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """One open connection, as presence and events describe it.

    Attributes:
        connection_id: A random UUID as text.
        user_id: Who holds it.
        subjects: What it hears; the first is ``user:<user_id>``, the rest in no order.
        connected_at: When it was accepted, in whole seconds.
    """

    connection_id: str
    user_id: str
    subjects: tuple[str, ...]
    connected_at: int


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    """One page of connections.

    Attributes:
        connections: What was found, each connection once.
        cursor: Where the next page starts, or ``None`` when this is the last.
    """

    connections: Sequence[ConnectionInfo]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """Something a backend wants the connections of some subjects to hear.

    Attributes:
        subjects: Who hears it; a connection matched by several gets it once. Empty: nobody.
        payload: The payload's JSON, byte for byte as published.
        id: The publisher's own id, for de-duplication; ``None`` when it sent none.
        source: Where it came in, ``transport/label``; ids are only compared inside one source.
    """

    subjects: tuple[str, ...]
    payload: bytes
    id: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """Something every node must do to the connections of a user, or to one connection.

    Attributes:
        action: ``disconnect`` closes them, ``subjects`` changes what they hear.
        user_id: Whose connections; exactly one of ``user_id`` and ``connection_id`` is set.
        connection_id: Which connection.
        code: ``disconnect``: the close code.
        reason: ``disconnect``: the close reason, at most 123 bytes of UTF-8.
        add: ``subjects``: what to add.
        remove: ``subjects``: what to remove.
    """

    action: Literal["disconnect", "subjects"]
    user_id: str | None = None
    connection_id: str | None = None
    code: int = 1000
    reason: str = ""
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is known once a publication was accepted.

    Attributes:
        sent: Matching connections, or ``None`` when they were not counted.
        exact: Whether every node answered; ``False`` means "at least ``sent``".
        duplicate: Whether its id was already seen, so that it was not delivered again.
    """

    sent: int | None
    exact: bool = True
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """Something a client did, on its way to a backend.

    Attributes:
        type: ``connected``, ``message_received`` or ``disconnected``.
        id: Unique; the same on every attempt.
        seq: Counts this connection's events from 1; 0 where nobody can know (``node_lost``), which
            sinks then leave out.
        connection_id: The connection it belongs to; its events keep their order.
        user_id: Who holds that connection.
        body: The event as JSON, exactly the contract's fields, encoded once for all sinks.
        occurred_at: When it happened.
        reason: Why, beside the body (``node_lost``); ``None`` for ordinary events.
    """

    type: EventType
    id: str
    seq: int
    connection_id: str
    user_id: str
    body: bytes
    occurred_at: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The event is done with: the sink's backend took it, or nobody is there to hear it.

    Attributes:
        note: A word for the metric where the event is let go without having been heard, such as
            ``receiver_off``; a dead letter that is sent again stays one then. Empty: it was taken.
    """

    note: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """The event may succeed later.

    Attributes:
        error: What happened, for logs and dead letters; no secrets.
        after: Not sooner than this many seconds (``Retry-After``); ``None``: the usual wait.
    """

    error: str = ""
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """The event will never succeed; it becomes a dead letter.

    Attributes:
        reason: A stable word or short phrase without secrets, such as ``status 400``.
    """

    reason: str


Outcome = Done | Retry | Reject


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something that could not be delivered, as it is written down.

    Attributes:
        id: The event's or publication's id; stable over redrives.
        kind: ``event`` or ``publication``.
        target: Where it should have gone: the sink's or transport's name, ``webhook`` or
            ``redis_stream/eu``.
        reason: ``lane_full``, ``budget``, ``age``, ``attempts``, ``shutdown``, ``rejected``,
            ``parse_error``…
        payload: The bytes, exactly as they were.
        type: The event's type, or ``""``.
        connection_id: The event's connection, or ``""``.
        user_id: The event's user, or ``""``.
        seq: The event's sequence number, or 0.
        first_at: When it first happened.
        last_at: When it was given up.
        attempts: How often delivery was tried.
        error: The last status or error, without secrets.
        event_reason: The event's own ``reason`` beside the body, or ``None``.
    """

    id: str
    kind: Literal["event", "publication"]
    target: str
    reason: str
    payload: bytes
    type: str = ""
    connection_id: str = ""
    user_id: str = ""
    seq: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    attempts: int = 0
    error: str = ""
    event_reason: str | None = None


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
    """A dead letter as a store returns it.

    Attributes:
        key: The store's own key, increasing in the order of writing.
        letter: What was put.
        state: ``new`` until marked, then what it was marked with, such as ``redriven``.
    """

    key: str
    letter: DeadLetter
    state: str = "new"


@dataclass(frozen=True, slots=True)
class Health:
    """How a backend is.

    Attributes:
        ready: Whether it does its work right now.
        detail: One line for ``/ready``; empty when there is nothing to say. No secrets.
        facts: Further facts for ``/ready``, JSON scalars only.
    """

    ready: bool
    detail: str = ""
    facts: Mapping[str, str | int | float | bool] = field(default_factory=dict)
