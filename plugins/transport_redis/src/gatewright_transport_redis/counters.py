"""What the transport counts."""

from __future__ import annotations

import re

from prometheus_client import CollectorRegistry, Counter, Gauge

__all__ = ["Counters"]


class Counters:
    """The transport's metrics; `unregister` takes them out of the registry."""

    def __init__(self, name: str, registry: CollectorRegistry) -> None:
        prefix = f"gatewright_{re.sub(r'[^A-Za-z0-9]', '_', name)}"
        self._registry = registry
        self.entries = Counter(
            f"{prefix}_entries", "Entries read from the stream.", registry=registry
        )
        self.invalid = Counter(
            f"{prefix}_invalid", "Entries that became dead letters.", ["reason"], registry=registry
        )
        self.gaps = Counter(
            f"{prefix}_gaps",
            "Times that entries were found missing, or the stream replaced.",
            registry=registry,
        )
        self.missed = Counter(
            f"{prefix}_missed", "Entries known to have been missed in gaps.", registry=registry
        )
        self.outages = Counter(
            f"{prefix}_outages", "Times that Redis stopped answering.", registry=registry
        )
        self.lag = Gauge(
            f"{prefix}_lag", "Entries that waited when the stream was last seen.", registry=registry
        )

    def unregister(self) -> None:
        """Take the metrics out of the registry."""
        for metric in (
            self.entries,
            self.invalid,
            self.gaps,
            self.missed,
            self.outages,
            self.lag,
        ):
            self._registry.unregister(metric)
