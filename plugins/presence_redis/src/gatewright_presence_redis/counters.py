"""What the store counts."""

from __future__ import annotations

import re

from prometheus_client import CollectorRegistry, Counter

__all__ = ["Counters"]


class Counters:
    """Counters of one store, in the gateway's registry until `unregister`.

    Attributes:
        claims: Dead nodes whose records were taken.
        lost: Connections of dead nodes that were told of.
        evictions: Times this node found itself claimed.
        conflicts: Beats that found the node's id in another's hands.
    """

    def __init__(self, name: str, registry: CollectorRegistry) -> None:
        self._registry = registry
        beginning = f"gatewright_presence_{re.sub(r'[^A-Za-z0-9]', '_', name)}"

        def counter(word: str, text: str) -> Counter:
            return Counter(f"{beginning}_{word}", text, registry=registry)

        self.claims = counter("claims", "Dead nodes whose records this node took.")
        self.lost = counter("lost_connections", "Connections of dead nodes, told as lost.")
        self.evictions = counter("evictions", "Times this node was taken for dead by others.")
        self.conflicts = counter("node_id_conflicts", "Beats that found the node id in use.")

    def unregister(self) -> None:
        """Take the counters out of the registry."""
        for one in (self.claims, self.lost, self.evictions, self.conflicts):
            self._registry.unregister(one)
