"""Why a WebSocket was closed: the codes of RFC 6455, section 7.4.1, and two of our own."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ABNORMAL",
    "INTERNAL_ERROR",
    "INVALID_DATA",
    "POLICY_VIOLATION",
    "PROTOCOL_ERROR",
    "SERVICE_RESTART",
    "SLOW_CONSUMER",
    "TOO_BIG",
    "TRY_LATER",
    "UNAUTHORIZED",
    "UNSUPPORTED_DATA",
]

PROTOCOL_ERROR: Final = 1002
"""What came is no WebSocket frame, or none that may come now."""

UNSUPPORTED_DATA: Final = 1003
"""A binary message came."""

ABNORMAL: Final = 1006
"""No close frame came; never sent."""

INVALID_DATA: Final = 1007
"""Text that is not UTF-8."""

POLICY_VIOLATION: Final = 1008
"""A flood, or too many connections of one user."""

TOO_BIG: Final = 1009
"""A message was larger than ``limits.message_bytes``."""

INTERNAL_ERROR: Final = 1011
"""The client answered no ping."""

SERVICE_RESTART: Final = 1012
"""The gateway drains; the reason says when to come back: ``retry=<ms>``."""

TRY_LATER: Final = 1013
"""Nobody can tell right now whether the client may connect."""

SLOW_CONSUMER: Final = 4008
"""The client reads too slowly."""

UNAUTHORIZED: Final = 4401
"""The credential is refused, or has ended."""
