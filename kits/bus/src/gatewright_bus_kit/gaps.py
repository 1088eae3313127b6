"""What was lost to this node, to be shown."""

from __future__ import annotations

from typing import Final

from gatewright import Clock

__all__ = ["Gaps"]

SHOW_SECONDS: Final = 300.0
"""How long a gap stands in the one line of ``/ready``; its facts stay."""


class Gaps:
    """Counts gaps and remembers the last."""

    __slots__ = ("_at", "_clock", "_count", "_last")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count = 0
        self._last = ""
        self._at = 0.0

    def note(self, what: str, times: int) -> None:
        """Take note of what happened, ``times`` over."""
        self._count += times
        self._last = what
        self._at = self._clock.monotonic()

    @property
    def facts(self) -> dict[str, str | int | float | bool]:
        """The facts for ``/ready``; none where there was no gap."""
        return {"gaps": self._count, "last_gap": self._last} if self._count else {}

    @property
    def recent(self) -> str:
        """The last gap in words, for a while."""
        if not self._count or self._clock.monotonic() - self._at > SHOW_SECONDS:
            return ""
        return f"messages were lost: {self._last}"
