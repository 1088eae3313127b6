"""What the receiver's answer means for an event."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from gatewright import Done, Outcome, Reject, Retry

__all__ = ["RECEIVER_OFF", "judge", "retry_after"]

RECEIVER_OFF: Final = Done(note="receiver_off")

_RECEIVER_OFF_STATUS: Final = 404
_RETRIED: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500
_MOST_DIGITS: Final = 9  # thirty years are long enough, and int() stays cheap


def judge(status: int, wait: str | None, now: float) -> Outcome:
    """Return what became of an event.

    Args:
        status: The answer's status.
        wait: Its ``Retry-After``, or ``None``.
        now: The time in POSIX seconds, which a date in ``wait`` is compared with.
    """
    if 200 <= status < 300:  # noqa: PLR2004 - the range is its own name
        return Done()
    if status == _RECEIVER_OFF_STATUS:
        return RECEIVER_OFF
    if status >= _SERVER_ERROR or status in _RETRIED:
        return Retry(f"status {status}", after=retry_after(wait, now))
    return Reject(f"status {status}")


def retry_after(value: str | None, now: float) -> float | None:
    """Read ``Retry-After``: seconds, or an HTTP date; ``None`` for what is neither."""
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) <= _MOST_DIGITS else None
    try:
        date = parsedate_to_datetime(value)
        if date.tzinfo is None:  # "-0000", which HTTP means as UTC too
            date = date.replace(tzinfo=UTC)
        return max(0.0, date.timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None
