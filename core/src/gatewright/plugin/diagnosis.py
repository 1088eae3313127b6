"""What a plugin tells ``gatewright doctor`` about the backend that it would talk to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Self

from gatewright.clock import Clock, SystemClock
from gatewright.plugin.context import ServerInfo
from gatewright.wire.publication import PublicationLimits

__all__ = ["DiagnosisContext", "Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a diagnosis looked at, and what it saw.

    Attributes:
        status: ``ok``; ``warning``: works, and may not for long or not as meant; ``error``: does
            not work.
        check: What was looked at, in a word or two that stay the same: ``login``.
        found: What was seen, in lower case, without secrets: ``redis:6379 refuses the password``.
        fix: What to do, runnable as it stands where that is possible; empty only where all is well.
    """

    status: Literal["ok", "warning", "error"]
    check: str
    found: str
    fix: str = ""

    @classmethod
    def ok(cls, check: str, found: str) -> Self:
        """Return a finding that asks for nothing."""
        return cls("ok", check, found)

    @classmethod
    def warning(cls, check: str, found: str, *, fix: str) -> Self:
        """Return a finding of something that works, though not as it should."""
        return cls("warning", check, found, fix)

    @classmethod
    def error(cls, check: str, found: str, *, fix: str) -> Self:
        """Return a finding of something that does not work."""
        return cls("error", check, found, fix)


@dataclass(frozen=True, slots=True)
class DiagnosisContext:
    """What a diagnosis may know beside its plugin's settings.

    A diagnosis runs once, in an event loop of its own, beside those of other plugins and maybe
    beside gateways that use the same backend: so it **changes nothing there**. It has a deadline;
    what it yielded before counts. Cancelled, it closes what it opened. What it raises becomes a
    finding that names the plugin.

    Attributes:
        name: The plugin's name as the configuration has it, with its label: ``redis_stream/eu``.
        key: Where its options stand in the file: ``transports.redis_stream/eu``.
        node_id: This node's name where the file gives it one, else a name of the doctor's own.
        clock: The time.
        limits: How large a publication may be.
        server: Facts about the server.
    """

    name: str
    key: str
    node_id: str = "doctor"
    clock: Clock = field(default_factory=SystemClock)
    limits: PublicationLimits = field(default_factory=PublicationLimits)
    server: ServerInfo = field(default_factory=ServerInfo)
