"""From validated settings to an open authenticator."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from gatewright import PluginContext, StartError
from gatewright_auth_jwt.authenticator import JwtAuthenticator
from gatewright_auth_jwt.fixed_key import FixedKey
from gatewright_auth_jwt.jwks import JwksKeys
from gatewright_auth_jwt.jwks_endpoint import JwksEndpoint
from gatewright_auth_jwt.key_file import KeyFile
from gatewright_auth_jwt.key_text import key_set_from_text, secret_weakness
from gatewright_auth_jwt.keys import KeySource, UnusableKey
from gatewright_auth_jwt.settings import JwtSettings

__all__ = ["NoUsableKey", "open_authenticator"]


class NoUsableKey(StartError):
    """The configured key cannot check tokens; never holds any of it.

    Attributes:
        option: Where it was configured: ``auth.jwt.public_key_file``.
        found: The file, or ``""``.
        why: What is the matter with it.
    """

    def __init__(self, option: str, found: str, why: str) -> None:
        self.option, self.found, self.why = option, found, why
        super().__init__(option, found, why)

    def __str__(self) -> str:
        return (
            f"{self.option}: {self.found} {self.why}"
            if self.found
            else f"{self.option}: {self.why}"
        )


@contextlib.asynccontextmanager
async def open_authenticator(
    settings: JwtSettings, context: PluginContext
) -> AsyncIterator[JwtAuthenticator]:
    """Yield the backend. Reads a key file; fetches nothing, so that nothing need be up.

    Raises:
        NoUsableKey: The key that the settings name cannot check tokens.
    """
    keys = _key_source(settings, context)
    yield JwtAuthenticator(settings, keys, clock=context.clock, metrics=context.metrics)


def _key_source(settings: JwtSettings, context: PluginContext) -> KeySource:
    """Choose by the contract's order: address, then file, then text."""
    if settings.jwks_url is not None:
        return JwksKeys(
            JwksEndpoint(settings.jwks_url, settings.algorithms),
            refresh_seconds=settings.jwks_refresh_seconds,
            stale_seconds=settings.jwks_stale_seconds,
            clock=context.clock,
            log=context.log,
            metrics=context.metrics,
        )
    path = settings.public_key_file
    if path is not None and (settings.public_key is None or path.exists()):
        try:
            return KeyFile(path, settings.algorithms, log=context.log)
        except UnusableKey as error:
            option = f"auth.{context.name}.public_key_file"
            raise NoUsableKey(option, str(path), error.why) from None
    return _fixed_key(settings, context)


def _fixed_key(settings: JwtSettings, context: PluginContext) -> KeySource:
    text = settings.public_key.get_secret_value() if settings.public_key else ""
    option = f"auth.{context.name}.public_key"
    if settings.public_key_file is not None:
        context.log.info("no key file, using public_key", file=str(settings.public_key_file))
    try:
        keys = key_set_from_text(text, settings.algorithms)
    except UnusableKey as error:
        raise NoUsableKey(option, "", error.why) from None
    weakness = secret_weakness(text, settings.algorithms)
    if weakness:
        context.log.warning("weak secret", option=option, detail=weakness)
    return FixedKey(keys)
