"""Authentication that believes everybody, for tests and development."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from gatewright import (
    AuthenticationError,
    Development,
    Factory,
    Handshake,
    Identity,
    NoSettings,
    PluginContext,
    hookimpl,
    is_user_id,
)

__all__ = ["GATEWRIGHT_API", "Anonymous", "gatewright_auth"]

GATEWRIGHT_API: Final = (1, 0)

QUERY: Final = ("token", "access_token", "user")


class Anonymous:
    """Takes the token itself as the user id.

    It is looked for as a bearer token in ``Authorization``, then in the query parameters
    ``token``, ``access_token`` and ``user``.
    """

    __slots__ = ()

    async def authenticate(self, handshake: Handshake) -> Identity:
        """Believe the client.

        Raises:
            AuthenticationError: It names no user, or what it names cannot be a user id.
        """
        token = _token(handshake)
        if not token:
            reason = "missing"
            raise AuthenticationError(reason)
        if not is_user_id(token):
            reason = "user_id"
            raise AuthenticationError(reason)
        return Identity(token)

    async def reauthenticate(self, token: str, identity: Identity) -> Identity:
        """Believe the client again.

        Raises:
            AuthenticationError: It names another user.
        """
        if token != identity.user_id:
            reason = "other_user"
            raise AuthenticationError(reason)
        return identity


def _token(handshake: Handshake) -> str:
    scheme, _, credentials = handshake.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and (token := _utf8(credentials.strip())):
        return token
    for name in QUERY:
        for value in handshake.query.get(name, ()):
            if value:
                return value
    return ""


def _utf8(value: str) -> str:
    """Return a header's value as it was meant; servers decode headers as Latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _develop(_state_directory: Path) -> Development:
    return Development(options={}, issue=str)


@asynccontextmanager
async def _open(_settings: NoSettings, context: PluginContext) -> AsyncIterator[Anonymous]:
    context.log.warning(
        "anonymous authentication: clients are believed to be who they say; not for production"
    )
    yield Anonymous()


@hookimpl
def gatewright_auth() -> Factory[NoSettings, Anonymous]:
    """Declare authentication that believes everybody."""
    return Factory(
        settings=NoSettings,
        open=_open,
        summary="Believes every client; for tests and development.",
        develop=_develop,
    )
