"""Who may talk to the chat page, and what browsers may do with it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]


class Guard:
    """Refuses what another website may have caused; puts a strict policy on every answer.

    A name in ``Host`` that nobody configured may be an attacker's that was pointed here (DNS
    rebinding); an address cannot be. What is posted must be JSON, so that browsers ask first.

    Args:
        app: What is guarded.
        hosts: Host names that it may be called by beside ``localhost`` and addresses.
        gateways: The WebSockets that the page may connect to.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str], gateways: Sequence[str]) -> None:
        self._app = app
        self._hosts = {"localhost", *(host.lower() for host in hosts)}
        origins = " ".join(f"{one.scheme}://{one.netloc}" for one in map(urlsplit, gateways))
        self._headers = {
            "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
            f"img-src 'self'; connect-src 'self' {origins}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers) -> JSONResponse | None:
        if not self._is_known(headers.get("host", "")):
            return JSONResponse({"error": "this is not called by that name: see DEMO_HOSTS"}, 403)
        kind = headers.get("content-type", "").partition(";")[0].strip()
        if method == "POST" and kind != "application/json":
            return JSONResponse({"error": "the body must be application/json"}, 415)
        return None

    def _is_known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._hosts or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
