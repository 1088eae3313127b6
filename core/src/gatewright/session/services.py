"""What sessions get from the gateway around them: one object for all, of plain callables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from gatewright.clock import Clock
    from gatewright.metrics import Metrics
    from gatewright.model import Event
    from gatewright.session.flood import FloodGuard
    from gatewright.wire.frames import Frame

__all__ = ["MessageCounts", "SessionServices"]

S = TypeVar("S")


class MessageCounts:
    """The counters of what clients send, bound once."""

    __slots__ = ("forwarded", "heartbeat", "ping", "rate_limited")

    def __init__(self, metrics: Metrics) -> None:
        self.ping = metrics.messages.labels("ping").inc
        self.heartbeat = metrics.messages.labels("heartbeat").inc
        self.rate_limited = metrics.messages.labels("rate_limited").inc
        self.forwarded = metrics.messages.labels("forwarded").inc


@dataclass(frozen=True, slots=True)
class SessionServices(Generic[S]):
    """What sessions of one type get from the gateway. No callable blocks or raises.

    Attributes:
        emit: Hand an event to the lanes.
        joined: A session is open: index it, show it in presence, watch its expiry.
        left: A session is over, with its close code and reason.
        touched: The client sent a heartbeat.
        reply: Write a frame to the session's socket, after all that was published before.
        settle: Write now what was published before.
        reauthenticate: Judge a token that a client sent; ends in `Session.refreshed`.
        refresh_enabled: Whether clients may renew their credential in-band.
        flood: The hidden bucket's size.
        counted: Counters of messages.
        clock: The time.
    """

    emit: Callable[[Event], None]
    joined: Callable[[S], None]
    left: Callable[[S, int, str], None]
    touched: Callable[[S], None]
    reply: Callable[[S, Frame], None]
    settle: Callable[[], None]
    reauthenticate: Callable[[S, str], None]
    refresh_enabled: bool
    flood: FloodGuard
    counted: MessageCounts
    clock: Clock
