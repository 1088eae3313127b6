"""Signatures: the gateway's own header, and those of the Standard Webhooks specification."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final

__all__ = ["BadSigningSecret", "Signer", "is_signing_secret", "signing_key"]

_PREFIX: Final = "whsec_"


class BadSigningSecret(ValueError):
    """A signing secret is not ``whsec_`` and base64. Never repeats it."""

    def __str__(self) -> str:
        return "must be whsec_ followed by base64"


def is_signing_secret(secret: str) -> bool:
    """Return whether a secret names itself one of Standard Webhooks."""
    return secret.startswith(_PREFIX)


def signing_key(secret: str) -> bytes:
    """Return the key that ``whsec_<base64>`` stands for; missing padding is forgiven.

    Raises:
        BadSigningSecret: It is something else, or empty.
    """
    if not is_signing_secret(secret):
        raise BadSigningSecret
    encoded = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        key = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadSigningSecret from None
    if not key:
        raise BadSigningSecret
    return key


class Signer:
    """Signs requests. Knows the keys, and shows them to nobody.

    Args:
        secret: The key of ``X-Webhook-Signature``, taken literally; one that begins with
            ``whsec_`` also signs as Standard Webhooks.
        signing_secrets: Further ``whsec_<base64>`` secrets; several while they are being rotated.

    Raises:
        BadSigningSecret: A ``whsec_`` secret cannot be decoded.
    """

    __slots__ = ("_keys", "_literal")

    def __init__(self, secret: str | None, signing_secrets: Iterable[str] = ()) -> None:
        self._literal = None if secret is None else secret.encode()
        secrets = [] if secret is None or not is_signing_secret(secret) else [secret]
        keys = (signing_key(each) for each in (*secrets, *signing_secrets))
        self._keys = tuple(dict.fromkeys(keys))  # each once, in the order given

    def headers(self, event_id: str, body: bytes, timestamp: int) -> dict[str, str]:
        """Return the headers that vouch for ``body``; none without a secret.

        Args:
            event_id: What ``Webhook-Id`` says, ASCII.
            body: The exact bytes that are sent.
            timestamp: When this attempt is made, in POSIX seconds.
        """
        headers = {}
        if self._literal is not None:
            digest = hmac.digest(self._literal, body, "sha256").hex()
            headers["X-Webhook-Signature"] = f"sha256={digest}"
        if self._keys:
            signed = b"%b.%d.%b" % (event_id.encode(), timestamp, body)
            headers["webhook-timestamp"] = str(timestamp)
            headers["webhook-signature"] = " ".join(_v1(key, signed) for key in self._keys)
        return headers


def _v1(key: bytes, signed: bytes) -> str:
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()
