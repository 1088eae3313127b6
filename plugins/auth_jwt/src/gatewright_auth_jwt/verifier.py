"""Tokens to claims: header, key, signature, times, issuer and audience."""

from __future__ import annotations

import functools
from typing import Any, Final

from jwt import exceptions

from gatewright import AuthenticationError, GatewrightError
from gatewright_auth_jwt.decoder import ClaimsDecoder, SegmentDecoder
from gatewright_auth_jwt.keys import KeySet
from gatewright_auth_jwt.settings import JwtSettings

__all__ = ["TokenVerifier", "UnknownKey"]

MAX_TOKEN: Final = 16 * 1024  # characters; tokens are ASCII
MAX_KID: Final = 128
MAX_SEEN_HEADER: Final = 512  # characters; those with certificates in them are read each time
SEEN_HEADERS: Final = 64

# The first that matches names the refusal; a class stands before the class it derives from.
_REASONS: Final[tuple[tuple[type[exceptions.PyJWTError], str], ...]] = (
    (exceptions.ExpiredSignatureError, "expired"),
    (exceptions.ImmatureSignatureError, "not_yet_valid"),
    (exceptions.InvalidSignatureError, "signature"),
    (exceptions.InvalidAlgorithmError, "algorithm"),
    (exceptions.InvalidKeyError, "key"),
    (exceptions.InvalidAudienceError, "audience"),
    (exceptions.InvalidIssuerError, "issuer"),
    (exceptions.InvalidIssuedAtError, "issued_at"),
)


class UnknownKey(GatewrightError):
    """No key in use has the name or the algorithm that a token asks for.

    Attributes:
        algorithm: One of the configured algorithms.
        kid: The token's own word, never for people to see; ``None``: it names no key.
    """

    def __init__(self, algorithm: str, kid: str | None) -> None:
        self.algorithm, self.kid = algorithm, kid
        super().__init__(algorithm, kid)

    def __str__(self) -> str:
        return f"no key for {self.algorithm}"


class TokenVerifier:
    """Checks tokens; what one is worth follows from it, the settings, the keys and the time.

    One check is pure computation of about 0.05 ms (RSA, HS), 0.1 ms (P-256) or 1 ms (P-521).
    """

    __slots__ = ("_algorithms", "_audience", "_decoder", "_issuer", "_leeway")

    def __init__(self, settings: JwtSettings) -> None:
        self._algorithms: frozenset[str] = frozenset(settings.algorithms)
        self._decoder = ClaimsDecoder(
            {
                "require": ["exp"] if settings.require_exp else [],
                "verify_aud": settings.audience is not None,
                "verify_iss": settings.issuer is not None,
                "verify_sub": False,  # an integer here is common, and harmless: see user_id_claim
                "verify_jti": False,
            }
        )
        self._audience, self._issuer = settings.audience, settings.issuer
        self._leeway = settings.leeway

    def claims(self, token: str, keys: KeySet) -> dict[str, Any]:
        """Return the claims of a token that is valid now.

        Raises:
            AuthenticationError: The token is refused.
            UnknownKey: None of the keys may have signed it; there may be one after a fetch.
        """
        algorithm, kid = self._header(token)
        tried = keys.find(algorithm, kid)
        if not tried:
            raise UnknownKey(algorithm, kid)
        refusal = AuthenticationError("signature")
        for key in tried:
            try:
                return self._decoder.decode(
                    token,
                    key,
                    algorithms=[algorithm],
                    audience=self._audience,
                    issuer=self._issuer,
                    leeway=self._leeway,
                )
            except exceptions.InvalidSignatureError:
                continue
            except exceptions.PyJWTError as error:
                refusal = AuthenticationError(_reason(error))
                break
        raise refusal

    def _header(self, token: str) -> tuple[str, str | None]:
        """Read algorithm and key name, the only parts of the header that are looked at."""
        if len(token) > MAX_TOKEN or not token.isascii():
            raise AuthenticationError(_MALFORMED)
        segment = token.partition(".")[0]
        read = _header_seen if len(segment) <= MAX_SEEN_HEADER else _header_of
        algorithm, kid = read(segment)
        if algorithm not in self._algorithms:
            reason = "algorithm"
            raise AuthenticationError(reason)
        return algorithm, kid


_MALFORMED: Final = "malformed"
_SEGMENTS: Final = SegmentDecoder()


def _header_of(segment: str) -> tuple[str, str | None]:
    """Read algorithm and key name out of the first segment of a token."""
    try:
        # Without claims and signature: those are decoded once, together with their check.
        header = _SEGMENTS.get_unverified_header(segment + "..")
    except exceptions.PyJWTError:
        raise AuthenticationError(_MALFORMED) from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if "crit" in header or (kid is not None and len(kid) > MAX_KID):
        raise AuthenticationError(_MALFORMED)
    return (algorithm if isinstance(algorithm, str) else ""), kid


# Tokens that one key signed begin alike, and what a text says never changes. Nothing is trusted by
# being remembered here: a header is what a token claims. Refusals are not remembered.
_header_seen = functools.lru_cache(SEEN_HEADERS)(_header_of)


def _reason(error: exceptions.PyJWTError) -> str:
    if isinstance(error, exceptions.MissingRequiredClaimError):
        return f"no_{error.claim}"  # one that the settings ask for, never the token's own word
    return next((word for kind, word in _REASONS if isinstance(error, kind)), _MALFORMED)
