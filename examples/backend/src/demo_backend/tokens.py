"""Tokens for the chat page: whoever asks is believed. For demonstrations only."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

__all__ = ["LIFETIME_SECONDS", "SigningKeyUnusable", "TokenIssuer"]

LIFETIME_SECONDS: Final = 600


class SigningKeyUnusable(ValueError):
    """A key cannot sign tokens; says which file, and why."""


class TokenIssuer:
    """Signs tokens (RFC 7519) with an RSA key, RS256."""

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key

    @classmethod
    def from_file(cls, file: Path) -> TokenIssuer:
        """Read a private key, PEM without a password.

        Raises:
            SigningKeyUnusable: It cannot be read, or is something else.
        """
        try:
            key = load_pem_private_key(file.read_bytes(), password=None)
        except OSError as error:
            why = f"{file}: {error.strerror}"
            raise SigningKeyUnusable(why) from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            why = f"{file}: no private key in PEM without a password"
            raise SigningKeyUnusable(why) from error
        if not isinstance(key, RSAPrivateKey):
            why = f"{file}: must be an RSA key, such as 'gatewright keys' makes"
            raise SigningKeyUnusable(why)
        return cls(key)

    def issue(self, user_id: str, *subjects: str) -> dict[str, Any]:
        """Return ``token`` for a user who hears ``subjects``, and ``expires_in`` in seconds."""
        now = int(time.time())
        claims = {
            "user_id": user_id,
            "subjects": list(subjects),
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
        }
        token = jwt.encode(claims, self._key, algorithm="RS256")
        return {"token": token, "expires_in": LIFETIME_SECONDS}
