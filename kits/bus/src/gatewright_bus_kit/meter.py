"""The metrics of a bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics import MetricWrapperBase

__all__ = ["Meter"]


class Meter:
    """What a bus counts, all of it named ``gatewright_bus_…``; a gateway has one bus."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._all: list[MetricWrapperBase] = []
        self.published = self._counter(
            "published", "Messages this node handed to the bus, by outcome.", "outcome"
        )
        self.received = self._counter("received", "Messages of all nodes that came in.")
        self.repeats = self._counter("repeats", "Copies that came again and were dropped.")
        self.ignored = self._counter("ignored", "What came in and could not be read.", "reason")
        self.partial = self._counter("partial_counts", "Counts that some node did not answer.")
        self.missed = self._counter("canary_missed", "Own messages that did not come back.")
        self.gaps = self._counter("gaps", "Times that messages were lost to this node.")
        self.duplicates = self._counter(
            "duplicate_node", "Beats of another live process with this node's id."
        )
        self.round_trip = Histogram(
            "gatewright_bus_canary_seconds",
            "Time a message took to come back to its node.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3),
            registry=registry,
        )
        self.nodes = Gauge("gatewright_bus_nodes", "Nodes heard on the bus.", registry=registry)
        self._all += (self.round_trip, self.nodes)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        counter = Counter(f"gatewright_bus_{name}", text, labels, registry=self._registry)
        self._all.append(counter)
        return counter

    def close(self) -> None:
        """Take the metrics out of the registry."""
        for metric in self._all:
            self._registry.unregister(metric)
