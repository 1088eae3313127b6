"""What goes wrong with a Redis, in one line."""

from __future__ import annotations

import re
from typing import Final

from redis import exceptions

__all__ = ["UNAVAILABLE", "describe"]

UNAVAILABLE: Final[tuple[type[Exception], ...]] = (
    exceptions.ConnectionError,  # refused, reset, wrong password, still loading, no master
    exceptions.TimeoutError,
    exceptions.ResponseError,  # out of memory, read only, no permission, cluster down
    exceptions.InvalidResponse,
    exceptions.ClusterError,
    exceptions.RedisClusterException,
    OSError,
)
"""Redis is away, or it refuses for now. Refusals count, because an operator can mend every one of
them (memory, a read-only replica, permissions, a key of the wrong type) while the gateway runs."""

_ECHO: Final = re.compile(r",? with args beginning with.*", re.DOTALL)
_LONGEST: Final = 200


def describe(error: BaseException) -> str:
    """Return what happened in one line: ``ConnectionError: Connection refused``.

    Safe to log: a server's echo of the arguments it got is cut off.
    """
    if isinstance(error, BaseExceptionGroup) and error.exceptions:
        return describe(error.exceptions[0])
    text = " ".join(_ECHO.sub("", str(error)).split())
    name = type(error).__name__
    if not text:
        return name
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return f"{name}: {short}"
