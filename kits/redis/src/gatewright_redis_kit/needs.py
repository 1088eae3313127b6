"""What a plugin does with its Redis, for whoever judges whether it can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["RedisNeeds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisNeeds:
    """What a plugin does with its Redis.

    Attributes:
        commands: What it sends, whole and harmless, such as ``("XADD", stream, "*", "data", "x")``;
            they are queued and discarded, never run.
        types: The keys of ``commands`` and what they hold, where they are there.
        patterns: Which keys each of them stands for, where it is more: ``{"p:x": "p:*"}``.
        lasting: What a restart of an unsaved Redis loses: ``"events that wait"``; or ``""``.
        expiring: Whether its keys expire, so that every policy but noeviction may evict them.
        version: The oldest server that it can work with.
        better: The oldest server that it works well with, and what older ones lack; or ``None``.
    """

    commands: Sequence[tuple[str, ...]]
    types: Mapping[str, str]
    patterns: Mapping[str, str] = field(default_factory=dict)
    lasting: str = ""
    expiring: bool = False
    version: tuple[int, int] = (6, 2)
    better: tuple[tuple[int, int], str] | None = None
