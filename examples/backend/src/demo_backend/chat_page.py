"""The page of the chat, and what it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from demo_backend.chat import MOST_CHARACTERS, ROOM, Chat
from demo_backend.guard import Guard
from demo_backend.settings import BackendSettings
from demo_backend.web import EXCEPTION_HANDLERS, read_json
from gatewright_sdk.config import NoEventsSettings

__all__ = ["ChatPage"]

_PAGE: Final = Path(__file__).with_name("page")
_LONGEST_NAME: Final = 40


class ChatPage:
    """The routes below ``/demo``."""

    def __init__(self, chat: Chat, settings: BackendSettings) -> None:
        self._chat = chat
        self._settings = settings

    def routes(self) -> Sequence[BaseRoute]:
        """Return the page, its files, the browser client, and what the page asks for."""
        routes: list[BaseRoute] = [
            Route("/chat", self._page, methods=["GET"]),
            Route("/chat/settings", self._about, methods=["GET"]),
            Route("/chat/people", self._people, methods=["GET"]),
            Route("/token", self._token, methods=["POST"]),
            Mount("/page", StaticFiles(directory=_PAGE)),
        ]
        if self._settings.client is not None:
            routes.append(Mount("/client", StaticFiles(directory=self._settings.client)))
        guard = Middleware(Guard, hosts=self._settings.hosts, gateways=self._settings.gateways)
        # An application of its own: the guard's headers are on its errors, too.
        app = Starlette(routes=routes, middleware=[guard], exception_handlers=EXCEPTION_HANDLERS)
        return [Mount("/demo", app)]

    async def _page(self, _request: Request) -> Response:
        if self._settings.client is None:
            raise HTTPException(404, "the page needs the browser client: see DEMO_CLIENT_DIR")
        return FileResponse(_PAGE / "chat.html", media_type="text/html")

    async def _about(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "gateways": self._settings.gateways,
                "tokens": self._settings.tokens is not None,
                "events": not isinstance(self._settings.sdk.events, NoEventsSettings),
                "most_characters": MOST_CHARACTERS,
            }
        )

    async def _people(self, _request: Request) -> Response:
        people = await self._chat.people()
        return JSONResponse(
            {"people": [{"user_id": one, "connections": count} for one, count in people.items()]}
        )

    async def _token(self, request: Request) -> Response:
        """Issue a token to whoever asks, where the demo has a key to sign with."""
        if self._settings.tokens is None:
            raise HTTPException(404, "no tokens are issued here: see DEMO_SIGNING_KEY_FILE")
        name = _name(await read_json(request))
        return JSONResponse({"user_id": name, **self._settings.tokens.issue(name, ROOM)})


def _name(body: Any) -> str:  # noqa: ANN401 - whatever the body says
    user_id = body.get("user_id") if isinstance(body, dict) else None
    name = user_id.strip() if isinstance(user_id, str) else ""
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise HTTPException(400, f"user_id must be a text of 1 to {_LONGEST_NAME} characters")
    return name
