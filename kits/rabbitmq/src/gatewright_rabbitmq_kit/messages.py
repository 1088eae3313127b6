"""What is published."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from pamqp.commands import Basic
from pamqp.common import FieldTable

__all__ = ["Message", "persistent"]

_PERSISTENT: Final = 2
_LONGEST_ID: Final = 255


def persistent(
    *,
    message_id: str | None = None,
    headers: FieldTable | None = None,
    content_type: str | None = "application/json",
) -> Basic.Properties:
    """Return properties of a message that survives a restart of the broker.

    Without an id, or with one that AMQP cannot carry (longer than 255 bytes), it gets a random one.
    """
    if not message_id or len(message_id.encode()) > _LONGEST_ID:
        message_id = uuid4().hex
    return Basic.Properties(
        content_type=content_type,
        headers=headers,
        delivery_mode=_PERSISTENT,
        message_id=message_id,
    )


@dataclass(frozen=True, slots=True)
class Message:
    """One message and where it goes.

    Attributes:
        body: Its bytes.
        exchange: Where to; ``""`` is the default exchange, whose routing keys are queue names.
        routing_key: The routing key.
        properties: Its properties; without a message id, they get a random one.
    """

    body: bytes
    exchange: str
    routing_key: str
    properties: Basic.Properties = field(default_factory=persistent)

    def __post_init__(self) -> None:
        if not self.properties.message_id:
            self.properties.message_id = uuid4().hex

    @property
    def identity(self) -> str:
        """The message id."""
        return self.properties.message_id or ""
