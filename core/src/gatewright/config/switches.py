"""What the environment switches off or makes loud, whatever the file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gatewright.config.scalars import SWITCH_WORDS

__all__ = ["DISABLE", "SAFE_MODE", "TRACE", "Switches"]

DISABLE: Final = "GATEWRIGHT_DISABLE_PLUGINS"
SAFE_MODE: Final = "GATEWRIGHT_SAFE_MODE"
TRACE: Final = "GATEWRIGHT_TRACE_HOOKS"


@dataclass(frozen=True, slots=True)
class Switches:
    """The switches of one start.

    Attributes:
        disabled: Extensions that are left out, by name or by name and label.
        safe_mode: Whether built-in plugins alone may be used.
        trace: Whether each call of a hook is told.
    """

    disabled: frozenset[str] = frozenset()
    safe_mode: bool = False
    trace: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Switches:
        """Read the switches; a variable that is empty, 0, false, no or off is not set."""
        names = (name.strip() for name in environ.get(DISABLE, "").split(","))
        return cls(
            disabled=frozenset(name for name in names if name),
            safe_mode=_is_on(environ.get(SAFE_MODE, "")),
            trace=_is_on(environ.get(TRACE, "")),
        )


def _is_on(text: str) -> bool:
    return SWITCH_WORDS.get(text.strip().lower(), True)
