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

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"{prefix}_{name}", text, labels, registry=registry)

        self.messages = counter("messages", "Messages taken from the queue and published.")
        self.invalid = counter("invalid", "Messages that became dead letters.", "reason")
        self.redelivered = counter("redelivered", "Messages that the broker gave again.")
        self.duplicates = counter(
            "duplicates", "Messages given again that were recognised, and not published again."
        )
        self.queue_losses = counter("queue_losses", "Times that the queue was deleted in use.")
        self.outages = counter("outages", "Times that RabbitMQ stopped answering.")
        self.dead_letter_failures = counter(
            "dead_letter_failures", "Times that the dead-letter queue did not take letters."
        )
        self.holding = Gauge(
            f"{prefix}_holding", "Whether this node consumes the queue.", registry=registry
        )

    def unregister(self) -> None:
        """Take the metrics out of the registry."""
        for metric in (
            self.messages,
            self.invalid,
            self.redelivered,
            self.duplicates,
            self.queue_losses,
            self.outages,
            self.dead_letter_failures,
            self.holding,
        ):
            self._registry.unregister(metric)
