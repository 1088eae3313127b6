"""What a demonstration runs: its servers' files and environments, and where they listen."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scripts.demo.brokers import Broker

__all__ = ["DEMO_KEY", "Plan"]

DEMO_KEY: Final = "demo"  # no secret: it is printed, and shows how the header works
_OUT: Final = "demo.outbox"
_EVENTS: Final = "demo.events"
_PRESENCE: Final = "demo:presence:"

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where everything is. Secrets are made for each run.

    Attributes:
        folder: Where files and logs go.
        broker: What gateway and backend speak through; None: HTTP alone.
        gateway_ports: One for each node.
        backend_port: Where the backend listens.
    """

    folder: Path
    broker: Broker | None
    gateway_ports: tuple[int, ...]
    backend_port: int
    api_key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    webhook_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def gateways(self) -> list[str]:
        """The gateways' addresses."""
        return [f"http://127.0.0.1:{port}" for port in self.gateway_ports]

    @property
    def sockets(self) -> list[str]:
        """The gateways' WebSockets."""
        return [f"ws://127.0.0.1:{port}/ws" for port in self.gateway_ports]

    @property
    def backend(self) -> str:
        """The backend's address."""
        return f"http://127.0.0.1:{self.backend_port}"

    @property
    def private_key(self) -> Path:
        """The key that signs tokens."""
        return self.folder / "keys" / "private.pem"

    @property
    def ways(self) -> tuple[str, str, str]:
        """The types of transport, presence and events."""
        match self.broker:
            case None:
                return ("http", "http", "webhook")
            case Broker(kind="redis"):
                return ("redis_stream", "redis", "redis_stream")
            case _:
                return ("rabbitmq", "http", "rabbitmq")

    def gateway_config(self, number: int) -> Tree:
        """Return the configuration of a node, as its file has it."""
        config: Tree = {
            "server": {
                "bind": f"127.0.0.1:{self.gateway_ports[number]}",
                "node_id": f"demo-{number + 1}",
                "drain_seconds": 2,
                "flush_seconds": 2,
            },
            "auth": {
                "jwt": {
                    "public_key_file": str(self.folder / "keys" / "public.pem"),
                    "subjects_claim": "subjects",
                }
            },
            "session": {"refresh": True},
            "transports": {"http": {"api_keys": [self.api_key]}},
        }
        return _merged(config, self._through_broker())

    def _through_broker(self) -> Tree:
        match self.broker:
            case None:
                url = f"{self.backend}/internal/ws/events"
                return {"events": {"webhook": {"url": url, "secret": self.webhook_secret}}}
            case Broker(kind="redis", dsn=dsn):
                return {
                    "transports": {"redis_stream": {"dsn": dsn, "stream": _OUT}},
                    "events": {"redis_stream": {"dsn": dsn, "stream": _EVENTS}},
                    "presence": {"redis": {"dsn": dsn, "prefix": _PRESENCE}},
                    "bus": {"redis": {"dsn": dsn}},
                }
            case Broker(dsn=dsn):
                return {
                    "transports": {"rabbitmq": {"dsn": dsn, **_names(_OUT)}},
                    "events": {"rabbitmq": {"dsn": dsn, **_names(_EVENTS)}},
                }

    def backend_environ(self) -> dict[str, str]:
        """Return what the backend's environment says."""
        transport, presence, events = self.ways
        environ = {
            "BACKEND_BIND": f"127.0.0.1:{self.backend_port}",
            "DEMO_KEY": DEMO_KEY,
            "DEMO_SIGNING_KEY_FILE": str(self.private_key),
            "DEMO_GATEWAY_URLS": ",".join(self.sockets),
            "WS_TRANSPORT_TYPE": transport,
            "WS_PRESENCE_TYPE": presence,
            "WS_EVENTS_TYPE": events,
            "WS_GATEWAY_BASE_URL": self.gateways[0],
            "WS_GATEWAY_API_KEY": self.api_key,
        }
        match self.broker:
            case None:
                return environ | {"WS_WEBHOOK_SECRET": self.webhook_secret}
            case Broker(kind="redis", dsn=dsn):
                return environ | {
                    "WS_REDIS_DSN": dsn,
                    "WS_REDIS_STREAM": _OUT,
                    "WS_REDIS_EVENTS_STREAM": _EVENTS,
                    "WS_REDIS_PREFIX": _PRESENCE,
                    "WS_EVENTS_GROUP": "demo",
                }
            case Broker(dsn=dsn):
                return environ | {
                    "WS_RABBITMQ_DSN": dsn,
                    **_variables("WS_RABBITMQ", _OUT),
                    **_variables("WS_RABBITMQ_EVENTS", _EVENTS),
                }


def _variables(prefix: str, name: str) -> dict[str, str]:
    return {f"{prefix}_{part.upper()}": value for part, value in _names(name).items()}


def _names(name: str) -> dict[str, str]:
    return {"exchange": name, "queue": name, "routing_key": name}


def _merged(config: Tree, more: Tree) -> Tree:
    return {key: config.get(key, {}) | more.get(key, {}) for key in config | more}
