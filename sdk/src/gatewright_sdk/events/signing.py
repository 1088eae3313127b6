"""Whether a request came from the gateway: both forms of its signature.

``X-Webhook-Signature`` is the gateway's own; ``webhook-id``, ``webhook-timestamp`` and
``webhook-signature`` are those of the Standard Webhooks specification, 1.0.
"""

from __future__ import annotations

import binascii
import hmac
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Final

from gatewright_sdk.errors import ConfigurationError
from gatewright_sdk.events.headers import Headers, lowered

__all__ = ["Verifier", "verify"]

_PREFIX: Final = "whsec_"
_MOST_SIGNATURES: Final = 32
_MOST_DIGITS: Final = 12


class Verifier:
    """Checks signatures. Knows the keys, and shows them to nobody.

    A plain secret is the key of ``X-Webhook-Signature``, taken literally. One that begins with
    ``whsec_`` asks for a Standard Webhooks signature, which says when the request was made: the
    other header alone could be repeated for ever, and is not enough then. Each of several secrets
    suffices, so that they can be rotated.

    Args:
        secrets: At least one.
        tolerance_seconds: How far ``webhook-timestamp`` may be from now, in either direction.

    Raises:
        ConfigurationError: No secret, an empty one, or a ``whsec_`` that is not base64.
    """

    __slots__ = ("_keys", "_literals", "_tolerance")

    def __init__(self, secrets: Iterable[str], *, tolerance_seconds: float = 300.0) -> None:
        given = _several(secrets)
        if not tolerance_seconds > 0:
            msg = f"tolerance_seconds: must be more than 0, found {tolerance_seconds}"
            raise ConfigurationError(msg)
        signing = [(place, each) for place, each in enumerate(given) if each.startswith(_PREFIX)]
        self._keys = tuple(_key(place, each) for place, each in signing)
        self._literals = tuple(each.encode() for each in given if not each.startswith(_PREFIX))
        self._tolerance = tolerance_seconds

    def problem(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return why a request is not to be believed, or None for one that is.

        Takes the same time whichever signature is wrong, and wherever. Work is bounded: each
        secret is used once, and more than 32 signatures are refused.

        Args:
            headers: By lower-case name.
            body: The bytes as they came.
        """
        plain = self._plain_problem(headers, body) if self._literals else None
        dated = self._dated_problem(headers, body) if self._keys else None
        if (self._literals and plain is None) or (self._keys and dated is None):
            return None
        return "; ".join(filter(None, (plain, dated)))

    def _plain_problem(self, headers: Mapping[str, str], body: bytes) -> str | None:
        given = headers.get("x-webhook-signature")
        if not given:
            return "no X-Webhook-Signature"
        digests = (hmac.digest(key, body, "sha256").hex() for key in self._literals)
        if not _any_equal([given], [f"sha256={digest}" for digest in digests]):
            return "X-Webhook-Signature is of another secret or another body"
        return None

    def _dated_problem(self, headers: Mapping[str, str], body: bytes) -> str | None:
        event_id, when = headers.get("webhook-id"), headers.get("webhook-timestamp", "")
        given = headers.get("webhook-signature", "").split()
        if not event_id or not when or not given:
            return "webhook-id, webhook-timestamp or webhook-signature is missing"
        if not (when.isascii() and when.isdigit() and len(when) <= _MOST_DIGITS):
            return "webhook-timestamp is no number of seconds"
        if len(given) > _MOST_SIGNATURES:
            return f"webhook-signature holds more than {_MOST_SIGNATURES} signatures"
        signed = b"%b.%b.%b" % (_bytes(event_id), when.encode(), body)
        genuine = _any_equal(given, [_v1(key, signed) for key in self._keys])
        if not genuine:
            return "webhook-signature is of another secret or another request"
        apart = time.time() - int(when)
        if abs(apart) > self._tolerance:
            return f"webhook-timestamp is {apart:.0f} seconds old: see both clocks"
        return None


def verify(
    headers: Headers, body: bytes, *, secrets: Iterable[str], tolerance_seconds: float = 300.0
) -> bool:
    """Return whether the gateway sent a request; the check alone, in constant time.

    Args:
        headers: Those of the request.
        body: The bytes as they came, before anything parsed them.
        secrets: As `Verifier` takes them.
        tolerance_seconds: As above.

    Raises:
        ConfigurationError: The secrets cannot be used.
    """
    verifier = Verifier(secrets, tolerance_seconds=tolerance_seconds)
    return verifier.problem(lowered(headers), body) is None


def _several(secrets: Iterable[str]) -> list[str]:
    if isinstance(secrets, str):
        msg = "secrets: must be a list of texts, found a single text"
        raise ConfigurationError(msg)
    given = list(secrets)
    if not given:
        msg = "secrets: at least one is needed, found none"
        raise ConfigurationError(msg)
    for place, each in enumerate(given):
        if not each:
            msg = f"secrets[{place}]: must be a text that is not empty"
            raise ConfigurationError(msg)
    return given


def _key(place: int, secret: str) -> bytes:
    """Return the key that ``whsec_<base64>`` stands for; missing padding is forgiven."""
    encoded = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        key = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        msg = f"secrets[{place}]: begins with whsec_, so base64 must follow; found something else"
        raise ConfigurationError(msg)
    return key


def _v1(key: bytes, signed: bytes) -> str:
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()


def _any_equal(given: list[str], expected: list[str]) -> bool:
    """Compare each with each, to the end even after one is equal."""
    pairs = [(_bytes(one), other.encode()) for one in given for other in expected]
    return any([hmac.compare_digest(one, other) for one, other in pairs])  # noqa: C419 - all of them


def _bytes(text: str) -> bytes:
    """Encode what a header held, which may be anything."""
    return text.encode("utf-8", "surrogatepass")
