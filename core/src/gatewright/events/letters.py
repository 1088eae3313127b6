"""Events as dead letters, and back."""

from __future__ import annotations

from typing import Final, cast, get_args

from gatewright.model import DeadLetter, Event, EventType

__all__ = ["event_of", "letter_of"]

_LONGEST_ERROR: Final = 500
_TYPES: Final = get_args(EventType)


def letter_of(
    event: Event, *, target: str, reason: str, attempts: int, error: str, now: float
) -> DeadLetter:
    """Return the dead letter of an event that the sink ``target`` does not get.

    Its payload is the event's body as the contract has it, without what ``extended`` adds.
    """
    return DeadLetter(
        id=event.id,
        kind="event",
        target=target,
        reason=reason,
        payload=event.body,
        type=event.type,
        connection_id=event.connection_id,
        user_id=event.user_id,
        seq=event.seq,
        first_at=event.occurred_at,
        last_at=now,
        attempts=attempts,
        error=error[:_LONGEST_ERROR],
        event_reason=event.reason,
    )


def event_of(letter: DeadLetter) -> Event:
    """Return the event that became ``letter``, same id and sequence number, to be sent again.

    Raises:
        ValueError: The letter is no event's.
    """
    if letter.kind != "event" or letter.type not in _TYPES:
        message = f"dead letter {letter.id!r} is not an event"
        raise ValueError(message)
    return Event(
        type=cast("EventType", letter.type),
        id=letter.id,
        seq=letter.seq,
        connection_id=letter.connection_id,
        user_id=letter.user_id,
        body=letter.payload,
        occurred_at=letter.first_at,
        reason=letter.event_reason,
    )
