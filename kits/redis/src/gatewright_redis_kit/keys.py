"""Names of keys that must live beside another key."""

from __future__ import annotations

__all__ = ["key_beside"]


def key_beside(key: str, suffix: str) -> str:
    """Return ``{key}:suffix``, in the same cluster slot as ``key``: one script may use both.

    A key that has a hash tag of its own keeps it: ``key:suffix``.
    """
    start = key.find("{")
    end = key.find("}", start + 1)
    if start >= 0 and end > start + 1:
        return f"{key}:{suffix}"
    return f"{{{key}}}:{suffix}"
