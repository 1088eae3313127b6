"""What a gateway tells: events, and connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Connected", "Connection", "Delivery", "Disconnected", "Event", "MessageReceived"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How an event came: what travels beside its body.

    Attributes:
        source: The way it came.
        id: The event's id, the same each time it is delivered: what to remember where twice is
            wrong. None where the sender gave none.
        seq: Counts the events of one connection from 1. A gap is an event that became a dead
            letter. None where the sender gave none.
        reason: Why, for events that no client caused, such as ``node_lost``.
        attempt: Which delivery this is, from 1, where the way it came counts: Redis does. None
            where it is not known.
        redelivered: Whether it may have been delivered before. False where that is not known.
    """

    source: Literal["webhook", "redis_stream", "rabbitmq"]
    id: str | None = None
    seq: int | None = None
    reason: str | None = None
    attempt: int | None = None
    redelivered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all three events tell.

    Attributes:
        connection_id: A UUID, new for each connection.
        user_id: Who is connected, as the token says.
        subjects: What the connection hears; their order means nothing.
        connected_at: When the connection was made, in whole seconds since 1970.
        delivery: How the event came. Two events are equal whatever their deliveries.
    """

    connection_id: str
    user_id: str
    subjects: tuple[str, ...]
    connected_at: int
    delivery: Delivery = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected(Event):
    """A client has connected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Event):
    """A client has sent something.

    Attributes:
        message: The JSON object that was sent; for anything else
            ``{"type": "raw", "payload": "<the text>"}``.
        raw: The text exactly as the client sent it.
    """

    message: dict[str, Any]
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected(Event):
    """A connection is over, however it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One connection, as presence tells of it.

    Attributes:
        connection_id: A UUID.
        user_id: Who is connected.
        subjects: What the connection hears; their order means nothing.
        connected_at: When it was made, in whole seconds since 1970.
        last_seen_at: When the gateway last confirmed it, in whole seconds since 1970. None over
            HTTP, where it is not told.
    """

    connection_id: str
    user_id: str
    subjects: tuple[str, ...]
    connected_at: int
    last_seen_at: int | None = None
