"""From a handshake to an identity that holds: authentication under a deadline, names checked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from math import isfinite
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from gatewright.errors import AuthenticationError, AuthenticationUnavailable
from gatewright.model import Handshake, Identity
from gatewright.wire.names import USER_PREFIX, is_subject, is_user_id, user_subject

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from gatewright.plugin.protocols import Authenticator
    from gatewright.server.asgi import Scope

__all__ = ["Identifier", "handshake_of", "subjects_of"]

# Why a client was refused, for logs and metrics.
OTHER_USER: Final = "other_user"
TIMEOUT: Final = "timeout"
ERROR: Final = "error"
BAD_USER_ID: Final = "user_id"
BAD_SUBJECTS: Final = "subjects"
TOO_MANY_SUBJECTS: Final = "too_many_subjects"


class Identifier:
    """Asks the authenticator, and trusts nothing it says blindly. Fails closed."""

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        seconds: float,
        most_subjects: int,
        log: FilteringBoundLogger,
    ) -> None:
        self._authenticator = authenticator
        self._seconds = seconds
        self._most_subjects = most_subjects
        self._log = log

    async def identify(self, handshake: Handshake) -> Identity:
        """Return who asks for a WebSocket.

        Raises:
            AuthenticationError: The client is refused.
            AuthenticationUnavailable: The authenticator failed or took too long.
        """
        identity = await self._judged(self._authenticator.authenticate(handshake))
        if identity.subprotocol not in {None, *handshake.subprotocols}:
            self._log.error("authentication failed", error="a sub-protocol that was not offered")
            raise AuthenticationUnavailable(ERROR)
        return identity

    async def again(self, token: str, identity: Identity) -> Identity:
        """Return what a fresh token makes of the holder of ``identity``.

        Raises:
            AuthenticationError: It is refused, or it is another user's.
        """
        fresh = await self._judged(self._authenticator.reauthenticate(token, identity))
        if fresh.user_id != identity.user_id:
            raise AuthenticationError(OTHER_USER)
        return fresh

    async def _judged(self, verdict: Awaitable[Identity]) -> Identity:
        try:
            async with asyncio.timeout(self._seconds):
                identity = await verdict
            self._check(identity)
        except AuthenticationError:
            raise
        except TimeoutError:
            self._log.warning("authentication took too long", limit=self._seconds)
            raise AuthenticationUnavailable(TIMEOUT) from None
        except Exception as error:  # noqa: BLE001 - a plugin's bug refuses the client, no more
            self._log.error("authentication failed", error=type(error).__name__)
            self._log.debug("authentication failed", exc_info=error)
            raise AuthenticationUnavailable(ERROR) from None
        return identity

    def _check(self, identity: Identity) -> None:
        """Refuse what names nobody, or too much; whatever else it raises is the plugin's bug."""
        if not is_user_id(identity.user_id):
            raise AuthenticationError(BAD_USER_ID, subprotocol=identity.subprotocol)
        own = user_subject(identity.user_id)
        for subject in identity.subjects:
            if not is_subject(subject) or (subject.startswith(USER_PREFIX) and subject != own):
                raise AuthenticationError(BAD_SUBJECTS, subprotocol=identity.subprotocol)
        if len(subjects_of(identity)) > self._most_subjects:
            raise AuthenticationError(TOO_MANY_SUBJECTS, subprotocol=identity.subprotocol)
        if identity.close_at is not None and not isfinite(identity.close_at):
            msg = "close_at is no time"
            raise ValueError(msg)


def subjects_of(identity: Identity) -> tuple[str, ...]:
    """Return what a client hears from the start: its own subject first, then the others."""
    return tuple(dict.fromkeys((user_subject(identity.user_id), *identity.subjects)))


def handshake_of(scope: Scope) -> Handshake:
    """Read what an authenticator may see out of an ASGI scope; ``client`` is still the peer."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    query = scope.get("query_string", b"").decode("latin-1")
    return Handshake(
        path=scope["path"],
        query=parse_qs(query, keep_blank_values=True, errors="replace"),
        headers=headers,
        subprotocols=tuple(scope.get("subprotocols", ())),
        client=(scope.get("client") or ("",))[0],
        http_version=scope.get("http_version", "1.1"),
    )
