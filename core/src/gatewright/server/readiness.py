"""Whether this node may get traffic, and which part says no."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from gatewright.model import Health

__all__ = ["Phase", "Readiness"]


class Phase(Enum):
    """Where a gateway is in its life."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


class Readiness:
    """Collects how every part is, for ``/ready``.

    Attributes:
        phase: Only a serving gateway is ready.
    """

    def __init__(self, node_id: str, parts: Callable[[], Mapping[str, Health]]) -> None:
        self.phase = Phase.STARTING
        self._node_id = node_id
        self._parts = parts

    @property
    def draining(self) -> bool:
        """Whether the gateway lets nobody in any more."""
        return self.phase is Phase.DRAINING

    def not_ready(self, *, besides: str | None = None) -> list[str]:
        """Return the parts that are not, each with its reason.

        Args:
            besides: Parts whose names begin like this are left out.
        """
        return [
            f"{name}: {health.detail}" if health.detail else name
            for name, health in self._parts().items()
            if not health.ready and (besides is None or not name.startswith(besides))
        ]

    def report(self) -> tuple[bool, Mapping[str, Any]]:
        """Return whether the gateway is ready, and the body of ``/ready``."""
        parts = self._parts()
        ready = self.phase is Phase.SERVING and all(part.ready for part in parts.values())
        return ready, {
            "ready": ready,
            "phase": self.phase.value,
            "node_id": self._node_id,
            "parts": {name: _shown(health) for name, health in parts.items()},
        }


def _shown(health: Health) -> dict[str, Any]:
    shown: dict[str, Any] = {"ready": health.ready}
    if health.detail:
        shown["detail"] = health.detail
    return {**health.facts, **shown}
