"""The receiver of webhooks: one request in, one answer out, whatever the framework."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gatewright_sdk.config import Settings, WebhookSettings
from gatewright_sdk.errors import ConfigurationError, InvalidEvent
from gatewright_sdk.events.asgi import Exchange, Receive, Scope, Send
from gatewright_sdk.events.headers import Headers, lowered
from gatewright_sdk.events.parsing import parse_event
from gatewright_sdk.events.registry import Events
from gatewright_sdk.events.signing import Verifier
from gatewright_sdk.model import Delivery, Event

__all__ = ["Answer", "WebhookReceiver"]

_LOG: Final = logging.getLogger("gatewright_sdk.webhook")
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer, for a framework to send.

    Attributes:
        status: 204 for an event that was handled.
        body: JSON that says what is wrong, or nothing.
        headers: Those that belong to it.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def problem(cls, status: int, error: str, **headers: str) -> Answer:
        """Answer with an error."""
        body = json.dumps({"error": error}).encode()
        return cls(status, body, {"content-type": "application/json", **headers})


class WebhookReceiver:
    """Receives the gateway's webhooks, and dispatches them.

    It is an ASGI application (asyncio only): to be served alone, as the endpoint of a route, or
    mounted above its path, such as at ``/internal``; a mount at the whole path redirects, and
    gateways follow no redirects. `receive` and `receive_sync` are for routes and views of any
    framework.

    ====== ============================================================ ==========================
    status when                                                         the gateway then
    ====== ============================================================ ==========================
    204    the handlers have run, or the type of the event is unknown   goes on
    400    no event could be read                                       writes a dead letter
    401    the signature is missing or wrong; which, is in the log only writes a dead letter
    404    ``enabled`` is false, or another path                        drops the event
    405    another method than POST                                     does not ask so
    408    the body did not come in time                                tries again
    413    the body is too large                                        writes a dead letter
    500    a handler raised; the log has the traceback                  tries again
    ====== ============================================================ ==========================

    Args:
        events: Who is told.
        secrets: Those of the gateway's ``secret`` and ``signing_secrets``; see `Verifier`.
        tolerance_seconds: How old a Standard Webhooks request may be, or how far ahead.
        enabled: Whether anything is received.
        max_body_bytes: The largest body. A message stands in its event twice, escaped.
        path: The only path that is answered, as an ASGI application; None for every path.
        body_seconds: What reading a body may take, as an ASGI application.
        insecure: Whether to believe everybody when there is no secret.

    Raises:
        ConfigurationError: A value cannot be used, or there is neither a secret nor ``insecure``.
    """

    def __init__(
        self,
        events: Events[Any],
        *,
        secrets: Iterable[str] = (),
        tolerance_seconds: float = 300.0,
        enabled: bool = True,
        max_body_bytes: int = 16 * _MIB,
        path: str | None = None,
        body_seconds: float = 10.0,
        insecure: bool = False,
    ) -> None:
        given = secrets if isinstance(secrets, str) else list(secrets)
        if not given and enabled and not insecure:
            msg = (
                "secrets: none is configured, so anybody could pretend to be the gateway: "
                "give the gateway's secret, or insecure=True"
            )
            raise ConfigurationError(msg)
        for name, number in (("max_body_bytes", max_body_bytes), ("body_seconds", body_seconds)):
            if not number > 0:
                msg = f"{name}: must be more than 0, found {number}"
                raise ConfigurationError(msg)
        self._events = events
        self._verifier = Verifier(given, tolerance_seconds=tolerance_seconds) if given else None
        self._enabled = enabled
        self._max_body_bytes = max_body_bytes
        self._path = path
        self._body_seconds = body_seconds

    @classmethod
    def from_settings(cls, events: Events[Any], settings: Settings) -> WebhookReceiver:
        """Return the receiver that settings describe; switched off where events come otherwise.

        Raises:
            ConfigurationError: There is neither a secret nor ``insecure``.
        """
        found = settings.events
        if not isinstance(found, WebhookSettings):
            return cls(events, enabled=False)
        return cls(
            events,
            secrets=found.secrets,
            tolerance_seconds=found.tolerance_seconds,
            enabled=found.enabled,
            path=found.path,
            insecure=found.insecure,
        )

    async def receive(self, headers: Headers, body: bytes, *, method: str = "POST") -> Answer:
        """Take one request, and say how to answer it.

        Safe from many tasks at once. Being cancelled cancels the handler; the event is delivered
        again.

        Args:
            headers: Those of the request, in whatever form the framework has them.
            body: Its bytes as they came.
            method: Its method, where the route does not see to that.
        """
        event = self._event(method, lowered(headers), body)
        if isinstance(event, Answer):
            return event
        try:
            await self._events.dispatch(event)
        except Exception:  # noqa: BLE001 - whatever a handler raises
            return _failed(event)
        return Answer(204)

    def receive_sync(self, headers: Headers, body: bytes, *, method: str = "POST") -> Answer:
        """Take one request in plain code, such as a view of Django or Flask; see `receive`.

        Plain handlers run in this thread, coroutines on a private event loop.
        """
        event = self._event(method, lowered(headers), body)
        if isinstance(event, Answer):
            return event
        try:
            self._events.dispatch_sync(event)
        except Exception:  # noqa: BLE001 - whatever a handler raises
            return _failed(event)
        return Answer(204)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request as an ASGI application; lifespan and WebSockets are answered too."""
        exchange = Exchange(scope, receive, send)
        await exchange.serve(
            self._served,
            max_body_bytes=self._max_body_bytes,
            body_seconds=self._body_seconds,
        )

    async def _served(self, exchange: Exchange) -> Answer | None:
        refusal = self._refusal(exchange.method)
        if self._path is not None and exchange.path != self._path:
            refusal = Answer.problem(404, "there is nothing here")
        if refusal is not None:
            return refusal
        body = await exchange.body()
        if isinstance(body, int):
            return Answer.problem(body, _UNREAD[body])
        return None if body is None else await self.receive(exchange.headers, body)

    def _event(self, method: str, headers: Mapping[str, str], body: bytes) -> Event | Answer:
        refusal = self._refusal(method) or self._unbelieved(headers, body)
        if refusal is not None:
            return refusal
        try:
            event = parse_event(body, _delivery(headers))
        except InvalidEvent as error:
            _LOG.warning("a webhook was refused: %s", error)
            return Answer.problem(400, str(error))
        return Answer(204) if event is None else event

    def _refusal(self, method: str) -> Answer | None:
        if not self._enabled:
            return Answer.problem(404, "the receiver is switched off")
        if method != "POST":
            return Answer.problem(405, "only POST", allow="POST")
        return None

    def _unbelieved(self, headers: Mapping[str, str], body: bytes) -> Answer | None:
        if len(body) > self._max_body_bytes:
            return Answer.problem(413, _UNREAD[413])
        problem = None if self._verifier is None else self._verifier.problem(headers, body)
        if problem is None:
            return None
        _LOG.warning("a webhook was refused: %s", problem)
        return Answer.problem(401, "the signature is missing or wrong")


_UNREAD: Final = {408: "the body did not come in time", 413: "the body is too large"}


def _delivery(headers: Mapping[str, str]) -> Delivery:
    seq = headers.get("x-webhook-seq", "")
    return Delivery(
        source="webhook",
        id=headers.get("webhook-id") or None,
        seq=int(seq) if seq.isascii() and seq.isdigit() and len(seq) < _LONGEST_SEQ else None,
        reason=headers.get("x-webhook-reason") or None,
    )


_LONGEST_SEQ: Final = 20


def _failed(event: Event) -> Answer:
    _LOG.exception("a handler of %s %s raised", type(event).__name__, event.delivery.id)
    return Answer.problem(500, "a handler failed")
