"""The gateway's HTTP API: pooled connections, one timeout in all, errors that say what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from gatewright_sdk.config.section import KEY_PROBLEM, is_key
from gatewright_sdk.errors import ConfigurationError, GatewrightError, Refused, Unavailable

__all__ = ["HttpLink"]

_PATIENCE: Final = frozenset({408, 425, 429})
_OK: Final = 200
_SERVER_ERROR: Final = 500
_LONGEST_TEXT: Final = 200


class HttpLink:
    """Requests to one gateway. Safe from many tasks of one event loop.

    Redirects are not followed, and proxies that the environment names are not used.

    Args:
        base_url: The gateway's address.
        api_key: Sent as ``X-Api-Key``; None for none.
        timeout_seconds: What one request may take in all, from connecting to the last byte.

    Raises:
        ConfigurationError: The address is none, or no header can carry the key.
    """

    def __init__(self, base_url: str, api_key: str | None, timeout_seconds: float) -> None:
        if api_key and not is_key(api_key):
            message = f"api_key: {KEY_PROBLEM}"
            raise ConfigurationError(message)
        self.shown = _shown(base_url)
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout_seconds
        self._client = httpx.AsyncClient(
            headers={"X-Api-Key": api_key} if api_key else {},
            timeout=httpx.Timeout(timeout_seconds),
            follow_redirects=False,
            trust_env=False,
        )

    async def post(self, path: str, body: bytes) -> httpx.Response:
        """Post JSON.

        Raises:
            Unavailable: No answer in time, or one that asks to try again.
            Refused: Any other answer but 200.
        """
        headers = {"Content-Type": "application/json"}
        return await self._asked("POST", path, content=body, headers=headers)

    async def get(self, path: str, query: Mapping[str, str]) -> httpx.Response:
        """Get JSON; ``path`` is encoded already.

        Raises:
            Unavailable: No answer in time, or one that asks to try again.
            Refused: Any other answer but 200.
        """
        return await self._asked("GET", path, params=dict(query))

    def json(self, response: httpx.Response) -> Any:  # noqa: ANN401 - whatever it says
        """Return what an answer says.

        Raises:
            Refused: It is no JSON object: something else answered in the gateway's place.
        """
        document = _object(response)
        if document is None:
            raise Refused(self._told(response.request.url.path, "answered with no JSON object"))
        return document

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _asked(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - the library's
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._client.request(method, self._base_url + path, **options)
        except (TimeoutError, httpx.TimeoutException):
            message = self._told(path, f"did not answer within {self._timeout:g} s")
            raise Unavailable(message) from None
        except httpx.HTTPError as error:
            message = self._told(path, f"does not answer: {_cause(error)}")
            raise Unavailable(message) from None
        if response.status_code != _OK:
            raise self._error(path, response)
        return response

    def _error(self, path: str, response: httpx.Response) -> GatewrightError:
        status = response.status_code
        message = self._told(path, f"answered {status}{_said(response)}")
        if status in _PATIENCE or status >= _SERVER_ERROR:
            return Unavailable(
                message,
                retry_after=_seconds(response.headers.get("Retry-After", "")),
                published=_published(response),
            )
        return Refused(message)

    def _told(self, path: str, what: str) -> str:
        return f"the gateway at {self.shown}{path} {what}"


def _shown(base_url: str) -> str:
    try:
        httpx.URL(base_url)
        parts = urlsplit(base_url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except (ValueError, httpx.InvalidURL):
        scheme, host, port = "", None, None
    if not host or scheme not in {"http", "https"}:
        message = "base_url: must be http://host:port or https://…"
        raise ConfigurationError(message)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port else "")


def _cause(error: httpx.HTTPError) -> str:
    text = str(error) or type(error).__name__
    return text[:_LONGEST_TEXT]


def _said(response: httpx.Response) -> str:
    """Return what the gateway says is wrong; whoever else answers may say anything."""
    error = (_object(response) or {}).get("error")
    return f": {error[:_LONGEST_TEXT]}" if isinstance(error, str) else ""


def _published(response: httpx.Response) -> int:
    results = (_object(response) or {}).get("results")
    return len(results) if isinstance(results, list) else 0


def _object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        document = json.loads(response.content)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None
