"""Who may talk to the console page: this machine's own browser, and no other website."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["Endpoint", "Guard", "security_headers"]

Endpoint = Callable[[Request], Awaitable[Response]]

_POLICY: Final = (
    "default-src 'self'; connect-src 'self' ws://{host} wss://{host}; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def security_headers(host: str) -> dict[str, str]:
    """Return the headers of every answer: only this origin's files, and none of them guessed."""
    return {
        "Content-Security-Policy": _POLICY.format(host=host),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


class Guard:
    """Refuses requests that another website could have caused.

    A name in ``Host`` that is neither ``localhost`` nor configured may be an attacker's that was
    pointed here (DNS rebinding); an address cannot be. What changes something must be JSON, which
    makes browsers ask first, and must come from a page of the same origin.

    Args:
        names: Further host names the page may be called by, without a port.
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        self._names = {"localhost", *(name.lower() for name in names)}

    def __call__(self, endpoint: Endpoint) -> Endpoint:
        """Wrap an endpoint: refused requests are answered here, all answers get the headers."""

        async def guarded(request: Request) -> Response:
            refusal = self._refusal(request)
            response = await endpoint(request) if refusal is None else refusal
            host = request.headers.get("host", "") if refusal is None else ""
            response.headers.update(security_headers(host))
            return response

        return guarded

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        if not self._is_known(host):
            return _no(403, "the host name of the request is not this console's")
        if request.method in {"GET", "HEAD"}:
            return None
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return _no(415, "the body must be application/json")
        if not _is_same_origin(request, host):
            return _no(403, "the request comes from another website")
        return None

    def _is_known(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name, _ = parts.hostname or "", parts.port
        except ValueError:
            return False
        if parts.netloc != host or parts.username is not None or not name:
            return False
        return name in self._names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_same_origin(request: Request, host: str) -> bool:
    """Judge by ``Origin``; without one, by what browsers say of the request, if they say it."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "none") in {"none", "same-origin"}
    return origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}


def _no(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status)
