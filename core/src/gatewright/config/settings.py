"""The core's own sections of the file, as pydantic models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from gatewright.config.checks import Bind, Network, Origin
from gatewright.plugin.settings import Settings

__all__ = [
    "CoreSettings",
    "DeflateSettings",
    "KeepaliveSettings",
    "LaneSettings",
    "LimitSettings",
    "LoggingSettings",
    "ServerSettings",
    "SessionSettings",
    "TlsSettings",
]

_BOOL: Final[TypeAdapter[bool]] = TypeAdapter(bool)

KIB = 1024
MIB = 1024 * KIB


class TlsSettings(Settings):
    """``server.tls``: serve HTTPS and WSS on ``bind``; the internal bind stays plain."""

    certificate: Annotated[Path, Field(description="PEM file with the certificate chain.")]
    key: Annotated[Path, Field(description="PEM file with the private key.")]


class DeflateSettings(Settings):
    """``server.permessage_deflate``: compress messages for clients that offer it (RFC 7692)."""

    level: Annotated[int, Field(description="zlib's level, 1 (fast) to 9 (small).", ge=1, le=9)] = 3
    min_bytes: Annotated[
        NonNegativeInt, Field(description="Messages to clients below this size stay as they are.")
    ] = 128


def _or_a_word(schema: dict[str, Any]) -> None:
    """Have the JSON Schema take true and false as well."""
    schema["anyOf"].append({"type": "boolean"})


class ServerSettings(Settings):
    """``server``: where and how the gateway serves."""

    bind: Annotated[
        Bind,
        Field(description="host:port, [v6]:port or unix:/path that clients reach; port 0: any."),
    ] = "127.0.0.1:8180"
    internal_bind: Annotated[
        Bind | None,
        Field(description="Bind of /internal and /metrics; absent: they are served on bind."),
    ] = None
    path: Annotated[str, Field(description="Path of the WebSocket.", pattern=r"^/[^?#]*$")] = "/ws"
    node_id: Annotated[
        str | None,
        Field(
            description="This node's name in the cluster; absent: <host>-<random>.",
            min_length=1,
            max_length=128,
            pattern=r"^[A-Za-z0-9._-]+$",
        ),
    ] = None
    allowed_origins: Annotated[
        tuple[Origin, ...] | None,
        Field(description="Origins of browsers that may connect, exact; absent: any."),
    ] = None
    trusted_proxies: Annotated[
        tuple[Network, ...],
        Field(description="Networks whose X-Forwarded-For counts."),
    ] = ()
    tls: Annotated[TlsSettings | None, Field(description="Serve TLS on bind.")] = None
    refuse_with: Annotated[
        Literal["close", "http_401"],
        Field(description="How a refused token is told: WebSocket close 4401, or HTTP 401."),
    ] = "close"
    open_seconds: Annotated[
        PositiveFloat, Field(description="Time each plugin has to open and to close.")
    ] = 10.0
    start_seconds: Annotated[
        PositiveFloat, Field(description="strict_start: time for every backend to be ready.")
    ] = 30.0
    strict_start: Annotated[
        bool, Field(description="Serve only once every backend is ready, else exit 3.")
    ] = False
    drain_seconds: Annotated[
        NonNegativeFloat, Field(description="Closing all sockets takes at most this long.")
    ] = 10.0
    flush_seconds: Annotated[
        NonNegativeFloat, Field(description="Time for waiting events after the last socket.")
    ] = 5.0
    socket_driver: Annotated[
        Literal["auto", "direct", "asgi"],
        Field(
            description="How sockets are carried: direct, on their transports; asgi, through plain "
            "ASGI; auto: direct where that works."
        ),
    ] = "auto"
    permessage_deflate: Annotated[
        DeflateSettings | None,
        Field(
            description="Compress messages, each once for all, for clients that offer it; true: as "
            "the defaults say; absent or false: never. The direct driver's sockets only.",
            json_schema_extra=_or_a_word,
        ),
    ] = None

    @field_validator("permessage_deflate", mode="before")
    @classmethod
    def _by_a_word(cls, value: object) -> object:
        """Take true for all defaults and false for absent, also from a variable."""
        if value is None or isinstance(value, Mapping | DeflateSettings):
            return value
        try:
            return {} if _BOOL.validate_python(value) else None
        except ValidationError:
            message = "must be true, false, or a mapping of its options"
            raise ValueError(message) from None

    @model_validator(mode="after")
    def _deflate_has_its_driver(self) -> Self:
        if self.permessage_deflate is not None and self.socket_driver == "asgi":
            message = "permessage_deflate needs the direct driver; socket_driver is asgi"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _two_binds_differ(self) -> Self:
        if self.internal_bind == self.bind and not self.bind.endswith(":0"):
            message = "bind and internal_bind are the same; leave internal_bind out to share one"
            raise ValueError(message)
        return self


class LimitSettings(Settings):
    """``limits``: what one client, one address, one user and all together may use."""

    connections: Annotated[
        PositiveInt | None, Field(description="Open connections in total; absent: no own limit.")
    ] = None
    connections_per_user: Annotated[
        PositiveInt | None, Field(description="Open connections of one user; absent: no limit.")
    ] = None
    connections_per_address: Annotated[
        PositiveInt | None, Field(description="Open connections of one address; absent: no limit.")
    ] = None
    message_bytes: Annotated[
        PositiveInt, Field(description="Bytes of one message from a client.")
    ] = MIB
    handshake_seconds: Annotated[
        PositiveFloat, Field(description="Time for a request's head, and for its authentication.")
    ] = 5.0
    subjects_per_connection: Annotated[
        PositiveInt, Field(description="Subjects one connection may hear.")
    ] = 1000
    send_buffer_bytes: Annotated[
        PositiveInt, Field(description="Unsent bytes of one connection before it is closed (4008).")
    ] = 4 * MIB
    publication_bytes: Annotated[
        PositiveInt, Field(description="Bytes of one publication, on every transport.")
    ] = MIB
    publication_subjects: Annotated[
        PositiveInt, Field(description="Subjects of one publication, on every transport.")
    ] = 10_000


class KeepaliveSettings(Settings):
    """``keepalive``: WebSocket pings by the gateway."""

    interval_seconds: Annotated[
        NonNegativeFloat, Field(description="Seconds between pings of a connection; 0: none.")
    ] = 25.0
    timeout_seconds: Annotated[
        PositiveFloat, Field(description="Time for any answer before the connection is closed.")
    ] = 20.0


class SessionSettings(Settings):
    """``session``: what clients may do beside sending messages."""

    refresh: Annotated[
        bool, Field(description='Whether {"type":"refresh","token":…} renews the credential.')
    ] = False


class LaneSettings(Settings):
    """``lanes``: how much may wait between clients and event sinks."""

    events: Annotated[PositiveInt, Field(description="Events waiting in one lane.")] = 256
    bytes: Annotated[PositiveInt, Field(description="Bytes waiting in one lane.")] = 4 * MIB
    total_bytes: Annotated[
        PositiveInt, Field(description="Bytes waiting in all lanes of the process.")
    ] = 64 * MIB
    max_age: Annotated[
        PositiveFloat, Field(description="Seconds an event may wait before it is a dead letter.")
    ] = 30.0
    when_full: Annotated[
        Literal["spill", "pause"],
        Field(description="spill: oldest events become dead letters; pause: stop reading first."),
    ] = "spill"


class LoggingSettings(Settings):
    """``logging``: what is logged and how it looks."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="The least level logged.")
    ] = "info"
    format: Annotated[
        Literal["auto", "console", "json"],
        Field(description="console for people, json for machines; auto: by the terminal."),
    ] = "auto"

    @field_validator("level", "format", mode="before")
    @classmethod
    def _in_any_case(cls, value: object) -> object:
        """Take ``INFO`` for ``info``: deployments write the names of logging's levels."""
        return value.lower() if isinstance(value, str) else value


class CoreSettings(Settings):
    """All sections that are not plugins'."""

    server: ServerSettings = Field(default_factory=ServerSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    keepalive: KeepaliveSettings = Field(default_factory=KeepaliveSettings)
    session: SessionSettings = Field(default_factory=SessionSettings)
    lanes: LaneSettings = Field(default_factory=LaneSettings)
    logging: LoggingSettings = Field(default_factory=LoggingSettings)
