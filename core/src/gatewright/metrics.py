"""What the gateway counts. One registry per gateway; no user id or subject is ever a label."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

__all__ = ["Metrics"]

_SECONDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 5.0)


class Metrics:
    """The core's metrics, all named ``gatewright_…``.

    Attributes:
        registry: Where plugins register theirs and ``/metrics`` reads all.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry = registry or CollectorRegistry()
        self._sockets(registry)
        self._publications(registry)
        self._events(registry)
        self._plugins(registry)

    def of_this_process(self) -> None:
        """Tell of the process too: its memory, CPU time and file descriptors, as ``process_…``."""
        ProcessCollector(registry=self.registry)

    def _sockets(self, registry: CollectorRegistry) -> None:
        self.connections = Gauge("gatewright_connections", "Open connections.", registry=registry)
        self.draining = Gauge(
            "gatewright_draining", "1 from the beginning of a drain.", registry=registry
        )
        self.sockets = Counter(
            "gatewright_sockets",
            "Handshakes by the driver that was to carry the socket.",
            ["driver"],
            registry=registry,
        )
        self.handshakes = Counter(
            "gatewright_handshakes", "Handshakes by result.", ["result"], registry=registry
        )
        self.handshake_seconds = Histogram(
            "gatewright_handshake_seconds",
            "Time from the upgrade request to the decision.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.messages = Counter(
            "gatewright_messages", "Messages from clients by kind.", ["kind"], registry=registry
        )
        self.closes = Counter(
            "gatewright_closes", "Connections closed, by code.", ["code"], registry=registry
        )
        self.slow_closes = Counter(
            "gatewright_slow_closes", "Clients closed for reading too slowly.", registry=registry
        )

    def _publications(self, registry: CollectorRegistry) -> None:
        self.publications = Counter(
            "gatewright_publications",
            "Publications by transport and result.",
            ["transport", "result"],
            registry=registry,
        )
        self.deliveries = Counter(
            "gatewright_deliveries", "Frames handed to connections.", registry=registry
        )

    def _events(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "gatewright_events", "Events that clients caused, by type.", ["type"], registry=registry
        )
        self.lane_events = Gauge(
            "gatewright_lane_events", "Events waiting, by sink.", ["sink"], registry=registry
        )
        self.lane_bytes = Gauge(
            "gatewright_lane_bytes", "Bytes waiting, by sink.", ["sink"], registry=registry
        )
        self.lane_age_seconds = Gauge(
            "gatewright_lane_age_seconds", "Age of the oldest event.", ["sink"], registry=registry
        )
        self.sink_attempts = Counter(
            "gatewright_sink_attempts",
            "Attempts to deliver an event, by sink and result.",
            ["sink", "result"],
            registry=registry,
        )
        self.sink_seconds = Histogram(
            "gatewright_sink_seconds",
            "Time of one call of a sink.",
            ["sink"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.breaker_open = Gauge(
            "gatewright_breaker_open",
            "1 while a sink's breaker is open.",
            ["sink"],
            registry=registry,
        )
        self.spills = Counter(
            "gatewright_spills",
            "Events spilled, by sink and reason.",
            ["sink", "reason"],
            registry=registry,
        )
        self.dead_letters = Counter(
            "gatewright_dead_letters",
            "Dead letters written, by store and result.",
            ["store", "result"],
            registry=registry,
        )

    def _plugins(self, registry: CollectorRegistry) -> None:
        self.plugin_restarts = Counter(
            "gatewright_plugin_restarts",
            "Restarts of a plugin's run, by plugin.",
            ["plugin"],
            registry=registry,
        )
        self.plugin_ready = Gauge(
            "gatewright_plugin_ready", "1 while a plugin is ready.", ["plugin"], registry=registry
        )
        self.observers_off = Counter(
            "gatewright_observers_off", "Observers switched off.", ["plugin"], registry=registry
        )
        self.loop_lag_seconds = Gauge(
            "gatewright_loop_lag_seconds", "How late the event loop was last.", registry=registry
        )
        self.loop_stalls = Counter(
            "gatewright_loop_stalls",
            "Times that the event loop stood still for two seconds.",
            registry=registry,
        )
        self.lost_connections = Counter(
            "gatewright_lost_connections",
            "Connections of nodes that are gone, told to the sinks by this one.",
            registry=registry,
        )
        self.presence_failures = Counter(
            "gatewright_presence_failures",
            "Presence calls that failed.",
            ["call"],
            registry=registry,
        )
