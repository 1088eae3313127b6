"""What is in the dead-letter queue: a broken message's bytes, and why beside them."""

from __future__ import annotations

from datetime import UTC, datetime

from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from gatewright import Clock, DeadLetter
from gatewright_rabbitmq_kit import persistent

__all__ = ["OutboxLetters"]

_REASON = "reason"


class OutboxLetters:
    """The codec of ``ws.dlq``: header ``reason``, the body as it was."""

    def __init__(self, *, target: str, clock: Clock) -> None:
        self._target = target
        self._clock = clock

    def properties(self, *, reason: str, message_id: str | None) -> Basic.Properties:
        """Return a dead letter's properties."""
        properties = persistent(message_id=message_id, headers={_REASON: reason})
        properties.timestamp = datetime.fromtimestamp(int(self._clock.time()), UTC)
        return properties

    def encode(self, letter: DeadLetter) -> tuple[bytes, Basic.Properties]:
        """Return body and properties; only reason, id and payload are kept."""
        return letter.payload, self.properties(reason=letter.reason, message_id=letter.id)

    def decode(self, message: DeliveredMessage, key: str) -> DeadLetter:
        """Return a message as a dead letter, whoever wrote it."""
        properties = message.header.properties
        reason = (properties.headers or {}).get(_REASON)
        at = properties.timestamp.timestamp() if properties.timestamp else 0.0
        return DeadLetter(
            id=properties.message_id or key,
            kind="publication",
            target=self._target,
            reason=reason if isinstance(reason, str) else "",
            payload=message.body,
            first_at=at,
            last_at=at,
        )
