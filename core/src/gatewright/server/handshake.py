"""The WebSocket handshake: who may come in, and how the others are told."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gatewright.errors import AuthenticationError, AuthenticationUnavailable
from gatewright.model import ConnectionInfo, Handshake, Identity
from gatewright.server.caps import Caps, Full
from gatewright.server.denial import deny
from gatewright.server.identify import Identifier, handshake_of, subjects_of
from gatewright.server.request_head import bad_head
from gatewright.wire.close_codes import POLICY_VIOLATION, TRY_LATER, UNAUTHORIZED

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram
    from structlog.typing import FilteringBoundLogger

    from gatewright.clock import Clock
    from gatewright.server.addresses import ClientAddress
    from gatewright.server.asgi import Receive, Scope, Send
    from gatewright.server.drivers.choice import Drivers
    from gatewright.server.drivers.door import Door
    from gatewright.session.session import Session

__all__ = ["HandshakeRules", "Handshaker"]

RETRY_AFTER = (b"retry-after", b"1")
MOST_OF_ORIGIN = 200  # characters of a stranger's words that the log takes


@dataclass(frozen=True, slots=True)
class HandshakeRules:
    """What the operator decided about handshakes.

    Attributes:
        allowed_origins: Exact origins of browsers, or ``None`` for any.
        refuse_with_http: Answer a refused token with HTTP 401 instead of close code 4401.
        per_user: Connections of one user, or ``None`` for any number.
    """

    allowed_origins: frozenset[str] | None = None
    refuse_with_http: bool = False
    per_user: int | None = None


class Handshaker:
    """Takes a WebSocket request from its first byte to an open session, or refuses it.

    A refused client is never in the hub, causes no event, and is gone within a second or so.
    """

    def __init__(
        self,
        *,
        rules: HandshakeRules,
        caps: Caps,
        addresses: ClientAddress,
        identifier: Identifier,
        drivers: Drivers,
        new_session: Callable[[ConnectionInfo, Identity], Session],
        connections_of: Callable[[str], int],
        draining: Callable[[], bool],
        results: Counter,
        seconds: Histogram,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._rules = rules
        self._caps = caps
        self._addresses = addresses
        self._identifier = identifier
        self._drivers = drivers
        self._new_session = new_session
        self._connections_of = connections_of
        self._draining = draining
        self._results = results
        self._seconds = seconds
        self._clock = clock
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI ``websocket`` scope."""
        started = self._clock.monotonic()
        await receive()  # websocket.connect
        if scope.get("http_version", "1.1") != "1.1":  # it was not invited
            await self._deny(scope, send, 505, "http_version")
            return
        if (status := bad_head(scope)) is not None:
            await self._deny(scope, send, status, "bad_head")
            return
        handshake = self._seen(scope)
        if self._draining():
            await self._deny(scope, send, 503, "draining")
        elif not self._origin_allowed(handshake):
            origin = handshake.headers.get("origin", "")[:MOST_OF_ORIGIN]
            self._log.info(
                "handshake refused", reason="origin", client=handshake.client, origin=origin
            )
            await self._deny(scope, send, 403, "origin")
        elif (place := self._take_place(handshake.client)) is not None:
            await self._deny(scope, send, *place)
        else:
            door = self._drivers.door(receive, send)
            address = handshake.client
            session = None
            try:
                session = await self._admit(handshake, started, scope, send, door)
            finally:
                if session is None:
                    self._caps.release(address)
            scope["headers"] = ()  # nobody needs the head for as long as the socket lives
            del handshake
            if session is not None:
                await door.serve(session, address)  # which gives the place back

    def _take_place(self, client: str) -> tuple[int, str] | None:
        """Take a place, or return the status and the result of there being none."""
        try:
            self._caps.take(client)
        except Full as full:
            return (429, "full_address") if full.by_address else (503, "full")
        return None

    async def _admit(
        self, handshake: Handshake, started: float, scope: Scope, send: Send, door: Door
    ) -> Session | None:
        """Authenticate and accept; ``None``: the client was turned away."""
        try:
            identity = await self._identifier.identify(handshake)
        except AuthenticationUnavailable as error:
            self._note("unavailable", handshake, error.reason)
            await self._turn_away(door, error.subprotocol, TRY_LATER, "try later")
        except AuthenticationError as error:
            self._note("refused", handshake, error.reason)
            if self._rules.refuse_with_http:
                await deny(scope, send, 401, "unauthorized")
            else:
                await self._turn_away(door, error.subprotocol, UNAUTHORIZED)
        else:
            return await self._accept(identity, handshake, door)
        finally:
            self._seconds.observe(self._clock.monotonic() - started)
        return None

    async def _accept(self, identity: Identity, handshake: Handshake, door: Door) -> Session | None:
        """Accept first, judge then: nothing awaits from the judgement to the open session."""
        await door.accept(identity.subprotocol)
        if door.gone:
            self._note("gone", handshake, "gone")
        elif self._draining():  # it began while the token was judged
            self._note("draining", handshake, "draining")
            await door.close(TRY_LATER, "try later")
        elif self._has_too_many(identity.user_id):
            self._note("full_user", handshake, "full_user")
            await door.close(POLICY_VIOLATION, "too many connections")
        else:
            self._results.labels("accepted").inc()
            info = ConnectionInfo(
                connection_id=str(uuid.uuid4()),
                user_id=identity.user_id,
                subjects=subjects_of(identity),
                connected_at=int(self._clock.time()),
            )
            return self._new_session(info, identity)
        return None

    def _has_too_many(self, user_id: str) -> bool:
        limit = self._rules.per_user
        return limit is not None and self._connections_of(user_id) >= limit

    async def _turn_away(
        self, door: Door, subprotocol: str | None, code: int, reason: str = ""
    ) -> None:
        """Accept, so that the client can see a close code, and close."""
        await door.accept(subprotocol)
        await door.close(code, reason)

    async def _deny(self, scope: Scope, send: Send, status: int, result: str) -> None:
        self._results.labels(result).inc()
        texts = {
            400: "bad request",
            403: "origin not allowed",
            429: "too many connections",
            431: "headers too large",
            503: "try later",
            505: "WebSockets are served over HTTP/1.1",
        }
        headers = (RETRY_AFTER,) if status in {429, 503} else ()
        await deny(scope, send, status, texts[status], headers)

    def _seen(self, scope: Scope) -> Handshake:
        handshake = handshake_of(scope)
        client = self._addresses.of(handshake.client, handshake.headers.get("x-forwarded-for", ""))
        return replace(handshake, client=client)

    def _origin_allowed(self, handshake: Handshake) -> bool:
        """A missing Origin passes: only browsers send one, and only they need to be held."""
        allowed, origin = self._rules.allowed_origins, handshake.headers.get("origin")
        return allowed is None or origin is None or origin in allowed

    def _note(self, result: str, handshake: Handshake, reason: str) -> None:
        self._results.labels(result).inc()
        self._log.info("handshake refused", reason=reason, client=handshake.client)
