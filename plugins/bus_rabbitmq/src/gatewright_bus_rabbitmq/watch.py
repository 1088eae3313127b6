"""How the bus stands with RabbitMQ: told in the log, in a metric and for ``/ready``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter

from gatewright_rabbitmq_kit import QueueHeld, describe

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["Watch"]


class Watch:
    """Keeps what is wrong.

    Attributes:
        held: Why this node's queue is not ours, or empty; nothing is published meanwhile.
    """

    def __init__(
        self, *, node: str, shown: str, metrics: CollectorRegistry, log: FilteringBoundLogger
    ) -> None:
        self._node = node
        self._shown = shown
        self._metrics = metrics
        self._log = log
        self._trouble = ""
        self._refusals = Counter(
            "gatewright_bus_rabbitmq_queue_held",
            "Times that another consumer held this node's queue.",
            registry=metrics,
        )
        self.held = ""

    @property
    def detail(self) -> str:
        """What is wrong, in a line; empty while messages can come."""
        return self.held or self._trouble

    def failed(self, error: Exception) -> None:
        """Reading did not begin, or ended."""
        self._trouble = f"{self._shown}: {describe(error)}"

    def refused(self, error: QueueHeld) -> None:
        """Somebody else consumes this node's queue."""
        self._refusals.inc()
        if not self.held:
            self._log.error(
                "this node's queue is held; does another process use its id?",
                node=self._node,
                error=str(error),
            )
        self.held = f"another process uses the node id {self._node!r}: {error}"

    def reading(self) -> None:
        """Messages can come."""
        self._trouble = self.held = ""

    def close(self) -> None:
        """Take the metric out of the registry."""
        self._metrics.unregister(self._refusals)
