"""The options."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt, SecretStr

from gatewright import TransportSettings

__all__ = ["NatsSettings"]


class NatsSettings(TransportSettings):
    """``transports.nats``: where publications come from."""

    servers: Annotated[
        tuple[str, ...],
        Field(description="Addresses, nats://host:port; any of them will do.", min_length=1),
    ]
    subject: Annotated[str, Field(description="What is subscribed to.", min_length=1)] = "ws.outbox"
    queue: Annotated[
        str | None,
        Field(
            description="Queue group: one node gets each message, and the bus tells the others. "
            "Absent: every node gets every message.",
            min_length=1,
        ),
    ] = None
    token: Annotated[SecretStr | None, Field(description="For servers that ask for one.")] = None
    pending: Annotated[
        PositiveInt, Field(description="Messages that may wait here; more are lost, and told.")
    ] = 65_536
