"""The backend that the gateway asks who a client is."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from prometheus_client import CollectorRegistry, Counter

from gatewright import AuthenticationError, Clock, Handshake, Health, Identity, SystemClock
from gatewright_auth_jwt.claims import expiry_of, start_of, subjects_of, user_id_of
from gatewright_auth_jwt.keys import KeySource
from gatewright_auth_jwt.settings import JwtSettings
from gatewright_auth_jwt.token_cache import Finding, TokenCache
from gatewright_auth_jwt.tokens import find_token
from gatewright_auth_jwt.turns import Turns
from gatewright_auth_jwt.verifier import TokenVerifier, UnknownKey

__all__ = ["JwtAuthenticator"]


class JwtAuthenticator:
    """Identifies clients by their JSON Web Token. For many tasks at once, of one loop."""

    def __init__(
        self,
        settings: JwtSettings,
        keys: KeySource,
        *,
        clock: Clock | None = None,
        metrics: CollectorRegistry | None = None,
    ) -> None:
        """Begin without a token remembered.

        Args:
            settings: The options.
            keys: What tokens are checked with.
            clock: The time; ``None``: the machine's.
            metrics: Where tokens are counted; ``None``: nowhere.
        """
        self._settings = settings
        self._keys = keys
        self._verifier = TokenVerifier(settings)
        self._turns = Turns()
        self._cache = TokenCache(
            settings.cache_tokens, keys, leeway=settings.leeway, clock=clock or SystemClock()
        )
        counter = Counter(
            "gatewright_auth_jwt_token_cache",
            "Tokens that clients brought, by whether they were remembered.",
            ["result"],
            registry=metrics,
        )
        self._hit, self._miss = counter.labels("hit").inc, counter.labels("miss").inc

    async def authenticate(self, handshake: Handshake) -> Identity:
        """Identify the client by the token of its handshake.

        Waits while the token's key is being fetched, at most about 3 s, and for its turn where
        many tokens are to be checked at once. Cancelling it does not stop a fetch that others
        wait for.

        Raises:
            AuthenticationError: ``missing``, ``malformed``, ``expired``, ``not_yet_valid``,
                ``algorithm``, ``key``, ``signature``, ``no_exp``, ``no_iss``, ``no_aud``,
                ``issuer``, ``audience``, ``issued_at``, ``user_id`` or ``subjects``.
            AuthenticationUnavailable: ``key``: the token's key cannot be fetched now.
        """
        offer = find_token(handshake, self._settings.tokens)
        try:
            identity = await self._identify(offer.token)
        except AuthenticationError as refusal:
            refusal.subprotocol = offer.subprotocol
            raise
        return _answering(identity, offer.subprotocol)

    async def reauthenticate(self, token: str, identity: Identity) -> Identity:
        """Judge a fresh token for the holder of ``identity``; waits and raises as `authenticate`.

        A good token of another user is refused as ``other_user``.
        """
        fresh = await self._identify(token)
        if fresh.user_id != identity.user_id:
            reason = "other_user"
            raise AuthenticationError(reason)
        return _answering(fresh, identity.subprotocol)

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
        digest = self._cache.digest(token)
        remembered = self._cache.find(digest)
        if remembered is not None:
            self._hit()
            return remembered
        self._miss()
        while True:
            try:
                return await self._turns.run(partial(self._checked, token, digest))
            except UnknownKey as unknown:
                wanted = unknown.algorithm, unknown.kid
            await self._keys.find(*wanted)

    def _checked(self, token: str, digest: bytes | None) -> Identity:
        """Check a token, in one go: its keys are in use from the first look to the last word."""
        remembered = self._cache.find(digest)  # its turn may have come after another's with it
        if remembered is not None:
            return remembered
        keys, settings = self._keys.keys, self._settings
        claims = self._verifier.claims(token, keys)
        user_id = user_id_of(claims, settings.user_id_claim)
        subjects = subjects_of(claims, settings.subjects_claim, user_id)
        ends_at = expiry_of(claims)
        identity = Identity(user_id, subjects, ends_at, _close_at(ends_at, settings))
        self._cache.put(digest, Finding(identity, start_of(claims), ends_at), keys)
        return identity


def _answering(identity: Identity, subprotocol: str | None) -> Identity:
    return identity if subprotocol is None else replace(identity, subprotocol=subprotocol)


def _close_at(ends_at: float | None, settings: JwtSettings) -> float | None:
    if ends_at is None or not settings.close_on_expiry:
        return None
    return ends_at + settings.leeway
