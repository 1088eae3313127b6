"""What a demo backend offers: push to a user, who is online, and what was said last."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from demo_backend.memory import LastMessage
from demo_backend.web import read_json
from gatewright_sdk import Presence, Publisher

__all__ = ["Api"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The routes below ``/api``. They ask nobody who they are: for demonstrations only.

    Attributes:
        publisher: How payloads get to users.
        presence: Who is connected.
        last: What was said last.
        demo_key: What ``X-Demo-Key`` must say to read it; None: nothing is asked.
    """

    publisher: Publisher
    presence: Presence
    last: LastMessage
    demo_key: str | None = field(repr=False)

    def routes(self) -> Sequence[BaseRoute]:
        """Return the four routes."""
        return [
            Route("/api/ping", self.ping, methods=["GET"]),
            Route("/api/push-demo/{user_id:path}", self.push, methods=["POST"]),
            Route("/api/online", self.online, methods=["GET"]),
            Route("/api/ws/last-message", self.last_message, methods=["GET"]),
        ]

    async def ping(self, _request: Request) -> Response:
        """Answer, so that one knows it is there."""
        return JSONResponse({"ok": True})

    async def push(self, request: Request) -> Response:
        """Publish the body to a user; tell how many connections got it, where that is known."""
        user_id = request.path_params["user_id"]
        if not user_id:
            raise HTTPException(404, "name a user: /api/push-demo/42")
        published = await self.publisher.send(user_id, await read_json(request))
        return JSONResponse({"user_id": user_id, "sent": published.sent})

    async def online(self, request: Request) -> Response:
        """Tell of a user's connections with ``user_id``, otherwise of everybody's."""
        user_id = request.query_params.get("user_id")
        connections = await self.presence.connections(user_id=user_id)
        about: dict[str, Any] = {"connections": [asdict(one) for one in connections]}
        if user_id is None:
            about["users"] = sorted({one.user_id for one in connections})
        else:
            about |= {"user_id": user_id, "online": bool(connections)}
        return JSONResponse(about)

    async def last_message(self, request: Request) -> Response:
        """Show what was said last to who has the key."""
        if self.demo_key is not None:
            shown = request.headers.get("x-demo-key", "").encode()
            if not hmac.compare_digest(shown, self.demo_key.encode()):
                raise HTTPException(401, "X-Demo-Key is missing or wrong")
        last = self.last.shown()
        if last is None:
            raise HTTPException(404, "no message has come yet")
        return JSONResponse(last)
