"""What goes wrong with a RabbitMQ, in one line."""

from __future__ import annotations

from typing import Final

from aiormq.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError

from gatewright import GatewrightError

__all__ = [
    "UNAVAILABLE",
    "Blocked",
    "ConnectionLost",
    "ConsumerCancelled",
    "ExchangeGone",
    "NotConfirmed",
    "PublishFailed",
    "QueueHeld",
    "RabbitError",
    "Refused",
    "TopologyError",
    "Unroutable",
    "describe",
]

_LONGEST: Final = 200


class RabbitError(GatewrightError):
    """The base of this package's errors; the text is safe to log."""


class ConnectionLost(RabbitError):
    """The connection, or a channel of it, ended under whoever was using it."""


class ConsumerCancelled(RabbitError):
    """The broker ended a consumer: its queue was deleted, or the queue's node went away."""


class QueueHeld(RabbitError):
    """Somebody else consumes the queue exclusively, or others do while we want it for us alone."""


class TopologyError(RabbitError):
    """What is there cannot be used; the text names it. An operator has to change it.

    Attributes:
        what: ``exchange`` or ``queue``.
        name: Its name.
        problem: Why it cannot be used.
    """

    def __init__(self, what: str, name: str, problem: str) -> None:
        self.what, self.name, self.problem = what, name, problem
        super().__init__(what, name, problem)

    def __str__(self) -> str:
        return f"{self.what} {self.name} {self.problem}"


class PublishFailed(RabbitError):
    """A message was not confirmed."""


class Unroutable(PublishFailed):
    """The broker gave it back: no queue is bound there. It is not stored anywhere."""


class Refused(PublishFailed):
    """The broker would not take it, such as a full queue that rejects. It is not stored."""


class NotConfirmed(PublishFailed):
    """Nobody knows: it may be stored, or not. Send it again under the same id."""


class ExchangeGone(NotConfirmed):
    """There is no exchange of that name any more. It may have been there for this message."""


class Blocked(PublishFailed):
    """The broker takes no messages for now (memory or disk alarm). It was not sent."""


UNAVAILABLE: Final[tuple[type[Exception], ...]] = (
    AMQPError,  # refused, closed, no permission, queue gone
    ChannelInvalidStateError,
    RabbitError,
    OSError,  # TimeoutError too
)
"""RabbitMQ is away, or it refuses for now. Refusals count, because an operator can mend every one
of them (alarms, permissions, a full queue) while the gateway runs."""


def describe(error: BaseException) -> str:
    """Return what happened in one line: ``AMQPConnectionError: Connect call failed``.

    Safe to log: neither bodies nor DSNs are repeated.
    """
    if isinstance(error, BaseExceptionGroup) and error.exceptions:
        return describe(error.exceptions[0])
    name = type(error).__name__
    text = "" if isinstance(error, DeliveryError) else " ".join(str(error).split())
    if not text:
        return name
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return short if isinstance(error, RabbitError) else f"{name}: {short}"
