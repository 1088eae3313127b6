"""What can go wrong with a demonstration."""

from __future__ import annotations

__all__ = ["DemoError"]


class DemoError(Exception):
    """It cannot go on; says why, and what to do."""
