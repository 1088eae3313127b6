"""The client protocol: what each message does, and which events it causes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewright.model import Event
from gatewright.wheel import NEVER
from gatewright.wire.close_codes import POLICY_VIOLATION, UNAUTHORIZED, UNSUPPORTED_DATA
from gatewright.wire.event import (
    connection_fields,
    lost_event,
    message_body,
    plain_body,
    raw_message_body,
)
from gatewright.wire.frames import HEARTBEAT_ACK, PONG, RATE_LIMITED, REFRESH_FAILED, REFRESHED
from gatewright.wire.inbound import Kind, classify, refresh_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewright.model import ConnectionInfo, EventType, Identity
    from gatewright.plugin.protocols import Admission
    from gatewright.session.services import SessionServices
    from gatewright.session.socket import Socket
    from gatewright.wire.frames import Message

__all__ = ["Session"]


class Session:
    """One client's conversation: texts in, replies and events out; no I/O, no tasks, no waiting.

    Attributes:
        info: The connection as presence and events show it.
        identity: Who the client is, as last authenticated.
        due: When `fire` is called; the timer wheel's.
    """

    __slots__ = (
        "_admission",
        "_fields",
        "_flood_at",
        "_flood_tokens",
        "_lost",
        "_open",
        "_refreshing",
        "_seq",
        "_services",
        "_socket",
        "due",
        "identity",
        "info",
        "write",
    )

    def __init__(
        self,
        services: SessionServices[Session],
        info: ConnectionInfo,
        identity: Identity,
        admission: Admission | None,
    ) -> None:
        self.info = info
        self.identity = identity
        self._services = services
        self._admission = admission
        self._fields = connection_fields(info)
        self._seq = 0
        self._open = False
        self._lost = False
        self._refreshing = False
        self.due = NEVER
        self._flood_tokens = services.flood.burst
        self._flood_at = services.clock.monotonic()

    # -- what the driver calls ---------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        """The handshake is done: be seen, be heard."""
        self._socket = socket
        self.write: Callable[[Message], None] = socket.write
        self._open = True
        self._services.joined(self)
        self._emit("connected", plain_body("connected", self._fields))

    def text(self, text: str) -> None:
        """Answer or forward what the client said."""
        if not self._open or not self._within_flood_limit():
            return
        kind = classify(text)
        if kind is Kind.PING:
            self._services.counted.ping()
            self._services.reply(self, PONG)
        elif kind is Kind.HEARTBEAT:
            self._services.counted.heartbeat()
            self._services.touched(self)
            self._services.reply(self, HEARTBEAT_ACK)
        elif self._admission is not None and not self._admission.admit():
            self._services.counted.rate_limited()
            self._services.reply(self, RATE_LIMITED)
        elif kind is not Kind.REFRESH or not self._refresh(text):
            self._forward(kind, text)

    def binary(self, data: bytes) -> None:
        """Binary messages have no meaning here (RFC 6455, section 7.4.1: 1003)."""
        del data
        self.close(UNSUPPORTED_DATA, "text messages only")

    def control(self) -> None:
        """Count a ping, a pong or a fragment against the flood limit."""
        if self._open:
            self._within_flood_limit()

    def closed(self, code: int, reason: str) -> None:
        """The socket is gone: be seen no more, and say so."""
        self._open = False
        self._services.left(self, code, reason)
        if self._lost:
            self._services.emit(lost_event(self.info, self._services.clock.time()))
        else:
            self._emit("disconnected", plain_body("disconnected", self._fields))

    # -- what the core calls -----------------------------------------------------------------

    def close(self, code: int, reason: str = "") -> None:
        """Close the connection from this side; what the client sends from now on is ignored."""
        self._open = False
        self._services.settle()
        self._socket.close(code, reason)

    def fire(self) -> None:
        """Close the connection, whose credential has ended."""
        self.close(UNAUTHORIZED)

    def abort(self) -> None:
        """Drop the connection at once."""
        self._open = False
        self._socket.abort()

    def evict(self, code: int, reason: str) -> None:
        """Close the connection, whose end another node has told already: under the same id."""
        self._lost = True
        self.close(code, reason)

    def pause(self, paused: bool) -> None:  # noqa: FBT001 - the lanes' callback
        """Stop or resume reading, because the connection's lane is full."""
        if paused:
            self._socket.pause_reading()
        else:
            self._socket.resume_reading()

    def rename(self, info: ConnectionInfo) -> None:
        """Take changed subjects; later events show them."""
        self.info = info
        self._fields = connection_fields(info)

    def refreshed(self, identity: Identity | None) -> None:
        """Take the verdict on a token that came in-band; ``None``: it was refused."""
        self._refreshing = False
        if not self._open:
            return
        if identity is None:
            self._services.reply(self, REFRESH_FAILED)
            return
        self.identity = identity
        self._services.reply(self, REFRESHED)

    # -- inside --------------------------------------------------------------------------------

    def _forward(self, kind: Kind, text: str) -> None:
        self._services.counted.forwarded()
        build = raw_message_body if kind is Kind.RAW else message_body
        self._emit("message_received", build(self._fields, text))

    def _refresh(self, text: str) -> bool:
        """Start a refresh if ``text`` asks for one; ``False``: it is the application's."""
        if not self._services.refresh_enabled or (token := refresh_token(text)) is None:
            return False
        if not self._refreshing:
            self._refreshing = True
            self._services.reauthenticate(self, token)
        return True

    def _within_flood_limit(self) -> bool:
        flood = self._services.flood
        if not flood.active:
            return True
        now = self._services.clock.monotonic()
        self._flood_tokens = flood.refilled(self._flood_tokens, now - self._flood_at) - 1
        self._flood_at = now
        if self._flood_tokens >= 0:
            return True
        self.close(POLICY_VIOLATION, "flood")
        return False

    def _emit(self, event_type: EventType, body: bytes) -> None:
        self._seq += 1
        info = self.info
        self._services.emit(
            Event(
                type=event_type,
                id=f"{info.connection_id}-{self._seq}",
                seq=self._seq,
                connection_id=info.connection_id,
                user_id=info.user_id,
                body=body,
                occurred_at=self._services.clock.time(),
            )
        )
