"""The rules for user ids and subjects: what may name a user, what may be listened to."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["USER_PREFIX", "is_subject", "is_user_id", "user_subject"]

USER_PREFIX: Final = "user:"
MAX_USER_ID_BYTES: Final = 512
MAX_SUBJECT_BYTES: Final = 1024

# The control characters of Unicode's category Cc: C0, DEL and C1. They could forge log lines,
# headers and terminal output; nothing else is refused and nothing is escaped.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def is_user_id(value: str) -> bool:
    """Tell whether ``value`` is 1–512 bytes of UTF-8 without control characters."""
    return _is_name(value, MAX_USER_ID_BYTES)


def is_subject(value: str) -> bool:
    """Tell whether a connection may listen to ``value``: 1–1,024 bytes, no control characters."""
    return _is_name(value, MAX_SUBJECT_BYTES)


def user_subject(user_id: str) -> str:
    """Return the subject that every connection of a user hears."""
    return USER_PREFIX + user_id


def _is_name(value: str, max_bytes: int) -> bool:
    if not 0 < len(value) <= max_bytes or _CONTROL.search(value):
        return False
    try:
        return len(value.encode()) <= max_bytes
    except UnicodeEncodeError:  # a lone surrogate
        return False
