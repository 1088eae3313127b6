"""The backend that the gateway asks who a client is."""

from __future__ import annotations

from dataclasses import replace

from gatewright import AuthenticationError, Handshake, Health, Identity
from gatewright_auth_jwt.claims import expiry_of, subjects_of, user_id_of
from gatewright_auth_jwt.keys import KeySource
from gatewright_auth_jwt.settings import JwtSettings
from gatewright_auth_jwt.tokens import find_token
from gatewright_auth_jwt.verifier import TokenVerifier

__all__ = ["JwtAuthenticator"]


class JwtAuthenticator:
    """Identifies clients by their JSON Web Token. Safe to use from many tasks at once."""

    def __init__(self, settings: JwtSettings, keys: KeySource) -> None:
        self._settings = settings
        self._keys = keys
        self._verifier = TokenVerifier(settings, keys)

    async def authenticate(self, handshake: Handshake) -> Identity:
        """Identify the client by the token of its handshake.

        Waits only while the token's key is being fetched, at most about 3 s. Cancelling it does
        not stop a fetch that others wait for.

        Raises:
            AuthenticationError: ``missing``, ``malformed``, ``expired``, ``not_yet_valid``,
                ``algorithm``, ``key``, ``signature``, ``claims``, ``user_id`` or ``subjects``.
            AuthenticationUnavailable: ``key``: the token's key cannot be fetched now.
        """
        offer = find_token(handshake, self._settings.tokens)
        try:
            identity = await self._identify(offer.token)
        except AuthenticationError as refusal:
            refusal.subprotocol = offer.subprotocol
            raise
        return replace(identity, subprotocol=offer.subprotocol)

    async def reauthenticate(self, token: str, identity: Identity) -> Identity:
        """Judge a fresh token for the holder of ``identity``; waits and raises as `authenticate`.

        A good token of another user is refused as ``other_user``.
        """
        fresh = await self._identify(token)
        if fresh.user_id != identity.user_id:
            reason = "other_user"
            raise AuthenticationError(reason)
        return replace(fresh, subprotocol=identity.subprotocol)

    async def run(self) -> None:
        """Keep the keys fresh until cancelled."""
        await self._keys.run()

    def health(self) -> Health:
        """Say whether there are keys to check tokens with."""
        return self._keys.health()

    async def _identify(self, token: str) -> Identity:
        if not token:
            reason = "missing"
            raise AuthenticationError(reason)
        claims = await self._verifier.claims(token)
        settings = self._settings
        user_id = user_id_of(claims, settings.user_id_claim)
        expires_at = expiry_of(claims)
        subjects = subjects_of(claims, settings.subjects_claim, user_id)
        if expires_at is None or not settings.close_on_expiry:
            return Identity(user_id, subjects, expires_at)
        return Identity(user_id, subjects, expires_at, close_at=expires_at + settings.leeway)
