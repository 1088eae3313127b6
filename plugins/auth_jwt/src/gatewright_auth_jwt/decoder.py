"""PyJWT's checks, all of them, without the slowest way to the same answer.

For every byte of a token PyJWT asks in a Python loop whether it is in the alphabet, which costs as
much as an RSA signature. A segment that decodes to bytes whose encoding is that very segment needs
no asking: an encoder writes nothing else. Everything else is left to PyJWT to judge.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import jwt

if TYPE_CHECKING:
    from jwt.types import Options

__all__ = ["ClaimsDecoder", "SegmentDecoder"]


class SegmentDecoder(jwt.PyJWS):
    """Takes tokens apart and checks signatures, as its base does.

    What it overrides is not PyJWT's public surface. A release that no longer calls it would do the
    same work more slowly, never less of it; a test tells.
    """

    @classmethod
    def _decode_base64url_segment(cls, segment: bytes, name: str) -> bytes:
        try:
            decoded = base64.urlsafe_b64decode(segment + b"==")
        except binascii.Error:
            decoded = b""
        if base64.urlsafe_b64encode(decoded).rstrip(b"=") == segment:
            return decoded
        return super()._decode_base64url_segment(segment, name)


class ClaimsDecoder(jwt.PyJWT):
    """Checks a token and returns its claims: signature, times, issuer and audience by PyJWT."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._jws = SegmentDecoder()
