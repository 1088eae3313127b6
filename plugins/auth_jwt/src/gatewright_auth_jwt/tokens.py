"""Where in a handshake the token is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from gatewright import Handshake
from gatewright_auth_jwt.settings import Place

__all__ = ["Offer", "find_token"]

SCHEME: Final = "bearer"
QUERY_NAMES: Final = ("token", "access_token")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a client brought.

    Attributes:
        token: The token as sent, ``""`` where there is none.
        subprotocol: The sub-protocol to answer with, never the token; ``None``: none.
    """

    token: str
    subprotocol: str | None = None


def find_token(handshake: Handshake, places: Collection[Place]) -> Offer:
    """Find the token of a handshake.

    An ``Authorization`` header wins, then the query, then the sub-protocols. A header that is
    there but holds no token is not passed over. Sub-protocols are answered wherever the token was
    found, because browsers give up on a server that picks none of those they offered.
    """
    marker, in_protocol = _from_protocols(handshake.subprotocols, places)
    return Offer(_from_request(handshake, places, in_protocol), marker)


def _from_request(handshake: Handshake, places: Collection[Place], in_protocol: str) -> str:
    header = handshake.headers.get("authorization")
    if header is not None and "header" in places:
        return _from_header(header)
    if "query" in places:
        values = (handshake.query.get(name) for name in QUERY_NAMES)
        found = next((value[0] for value in values if value and value[0]), "")
        return found or in_protocol
    return in_protocol


def _from_header(value: str) -> str:
    """Read ``Bearer <token>``, or the bare token."""
    scheme, _, rest = value.strip().partition(" ")
    return rest.strip() if scheme.lower() == SCHEME else value.strip()


def _from_protocols(offered: Sequence[str], places: Collection[Place]) -> tuple[str | None, str]:
    """Read the pair ``bearer, <token>``: the word as the client wrote it, and what follows it."""
    if "protocol" not in places:
        return None, ""
    for position, name in enumerate(offered):
        if name.lower() == SCHEME:
            return name, next(iter(offered[position + 1 : position + 2]), "")
    return None, ""
