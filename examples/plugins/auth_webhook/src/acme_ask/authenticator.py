"""The question, and what its answers mean."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from typing import Final

import httpx
import msgspec

from acme_ask.settings import AskSettings
from gatewright import (
    AuthenticationError,
    AuthenticationUnavailable,
    Handshake,
    Identity,
    PluginContext,
)

__all__ = ["Asking"]

REFUSED: Final = frozenset({401, 403})


class Answer(msgspec.Struct):
    """What the backend says of a token that is good."""

    user_id: str
    subjects: tuple[str, ...] = ()
    expires_at: float | None = None


class Asking:
    """Posts ``{"token": …, "client": …}`` and believes a 200; many may ask at once.

    A token that several clients bring at the same time is asked about once. Refusals are never
    remembered, so a token that becomes good is good at once.
    """

    def __init__(
        self, settings: AskSettings, context: PluginContext, client: httpx.AsyncClient
    ) -> None:
        self._url = str(settings.url)
        self._headers: dict[str, str] = {}
        if settings.key is not None:
            self._headers["Authorization"] = f"Bearer {settings.key.get_secret_value()}"
        self._client = client
        self._clock = context.clock
        self._seconds = settings.cache_seconds
        self._limit = settings.timeout_seconds
        self._most = settings.cache_tokens
        self._known: OrderedDict[bytes, tuple[float, Identity]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Identity]] = {}

    async def authenticate(self, handshake: Handshake) -> Identity:
        """Ask who brings this token.

        Raises:
            AuthenticationError: Nobody, by the backend's word.
            AuthenticationUnavailable: The backend did not say.
        """
        token = _token(handshake)
        if not token:
            reason = "missing"
            raise AuthenticationError(reason)
        return await self._identity(token, handshake.client)

    async def reauthenticate(self, token: str, identity: Identity) -> Identity:
        """Ask about a fresh token of somebody who is connected.

        Raises:
            AuthenticationError: It is refused, or another user's.
            AuthenticationUnavailable: The backend did not say.
        """
        fresh = await self._identity(token, "")
        if fresh.user_id != identity.user_id:
            reason = "other_user"
            raise AuthenticationError(reason)
        return fresh

    async def stop(self) -> None:
        """Give up the questions that are under way."""
        asking = list(self._asking.values())
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _identity(self, token: str, client: str) -> Identity:
        try:
            key = hashlib.sha256(token.encode()).digest()
        except UnicodeEncodeError:
            reason = "not text"
            raise AuthenticationError(reason) from None
        known = self._known.get(key)
        if known is not None and self._clock.monotonic() < known[0]:
            return known[1]
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._asked(key, token, client))
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    async def _asked(self, key: bytes, token: str, client: str) -> Identity:
        try:
            async with asyncio.timeout(self._limit):
                answer = await self._answer(token, client)
        except TimeoutError:
            reason = "timeout"
            raise AuthenticationUnavailable(reason) from None
        expires_at = answer.expires_at
        identity = Identity(
            answer.user_id, answer.subjects, expires_at=expires_at, close_at=expires_at
        )
        self._remember(key, identity)
        return identity

    async def _answer(self, token: str, client: str) -> Answer:
        question = {"token": token, "client": client}
        try:
            response = await self._client.post(self._url, json=question, headers=self._headers)
        except httpx.HTTPError as error:
            raise AuthenticationUnavailable(type(error).__name__) from None
        if response.status_code in REFUSED:
            reason = "refused"
            raise AuthenticationError(reason)
        if response.status_code != httpx.codes.OK:
            reason = f"status {response.status_code}"
            raise AuthenticationUnavailable(reason)
        try:
            return msgspec.json.decode(response.content, type=Answer)
        except msgspec.MsgspecError:
            reason = "unreadable answer"
            raise AuthenticationUnavailable(reason) from None

    def _remember(self, key: bytes, identity: Identity) -> None:
        seconds = self._seconds
        if identity.expires_at is not None:
            seconds = min(seconds, identity.expires_at - self._clock.time())
        if seconds <= 0:
            return
        self._known[key] = (self._clock.monotonic() + seconds, identity)
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)


def _token(handshake: Handshake) -> str:
    scheme, _, credentials = handshake.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    return next(iter(handshake.query.get("token", ())), "")
