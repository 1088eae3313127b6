"""What a backend of each kind must do: the protocols whose methods run per message.

A backend is what a factory's ``open`` yields. It needs no base class and no import of this module;
`mypy` checks it where the factory is declared. Every backend may also offer, looked for once:

- ``async def run(self) -> None``: long-running work such as connecting and retrying; started by
  the core, started again when it ends or raises, cancelled at the end. Transports and buses have
  their own ``run`` below.
- ``def health(self) -> Health``: how it is right now; called for ``/ready``, must not block.
- ``def routes(self) -> Sequence[BaseRoute]`` (transports, extensions): Starlette routes, read once
  before the first request. Paths below ``/internal`` are served on the internal bind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from gatewright.model import (
    Command,
    ConnectionInfo,
    ConnectionPage,
    DeadLetter,
    Event,
    Handshake,
    Health,
    Identity,
    Outcome,
    Publication,
    Receipt,
    StoredDeadLetter,
)

if TYPE_CHECKING:  # slow to import, for one annotation
    from starlette.routing import BaseRoute

__all__ = [
    "Admission",
    "Authenticator",
    "Bus",
    "DeadLetterStore",
    "Deliver",
    "EventSink",
    "Extension",
    "HasDeadLetters",
    "HasHealth",
    "HasRoutes",
    "HasRun",
    "Membership",
    "ObservesEvents",
    "Presence",
    "Publish",
    "RateLimit",
    "Reach",
    "Resends",
    "SeesNodes",
    "SendCommand",
    "Transport",
]

Reach = Literal["cluster", "node"]
"""Who reads what a transport brings: every node by itself, or one node for all."""

SendCommand = Callable[[Command], Awaitable[Receipt]]
"""Has every node carry out a command; the receipt counts the connections that it reached.

Raises:
    BusUnavailable: The bus did not accept it; the caller may try again.
"""

Deliver = Callable[[Publication | Command], int]
"""Gives a message to this node's connections; returns how many matched. Never blocks or raises."""


class Publish(Protocol):
    """Hands a publication on: to the bus (reach ``node``) or to this node's hub (``cluster``)."""

    async def __call__(self, publication: Publication, *, count: bool = True) -> Receipt:
        """Publish; safe to call from many tasks, sequential calls keep their order.

        Args:
            publication: What to publish.
            count: Whether to wait, 100 ms at most, until the other nodes have said how many
                connections matched. ``False``: the receipt counts this node's alone.

        Raises:
            InvalidPublication: It is beyond a limit.
            BusUnavailable: The bus did not accept it; retry with the same id.
        """
        ...


class Membership(Protocol):
    """What a store that is shared by several nodes has the core do when one of them is gone."""

    async def lost(self, connections: Sequence[ConnectionInfo]) -> None:
        """Say ``disconnected``, with reason ``node_lost``, for connections of a node that is gone.

        The id is ``<connection_id>-lost``, whoever says it and however often; there is no ``seq``.
        Returns once every sink took the events or they are written down as dead letters: only
        then may a record of the connections be removed. Being cancelled leaves that unknown.

        Raises:
            DeadLettersUnwritten: No store takes dead letters; call again later.
        """
        ...

    def evict(self, why: str) -> int:
        """Close all sockets of this node with 1012: others took it for dead and said so.

        Args:
            why: For the log.

        Returns:
            How many were open.
        """
        ...


class Authenticator(Protocol):
    """Decides who a client is."""

    async def authenticate(self, handshake: Handshake) -> Identity:
        """Identify the client that asks for a WebSocket.

        Runs under ``limits.handshake_seconds``; being cancelled refuses the client. Many run at
        once. Must not block the loop: verification that takes long belongs in a thread.

        Raises:
            AuthenticationError: The client is refused; it sees close code 4401.
            AuthenticationUnavailable: Nobody can tell now; it sees 1013.
        """
        ...

    async def reauthenticate(self, token: str, identity: Identity) -> Identity:
        """Judge a fresh token that the holder of ``identity`` sent over its open connection.

        Cancellation and concurrency as for `authenticate`.

        Raises:
            AuthenticationError: The token is refused, or it names another user.
        """
        ...


class Transport(Protocol):
    """Brings publications from backends."""

    @property
    def reach(self) -> Reach:
        """Whether every node reads everything (``cluster``) or one node each message (``node``)."""
        ...

    async def run(self, publish: Publish) -> None:
        """Read and publish until cancelled.

        Started once the gateway listens, started again (with the same backend) when it ends or
        raises. On cancellation, finish what was taken: acknowledge what was published, and
        nothing else. ``publish`` may be called from many tasks; sequential calls keep their order.
        """
        ...


class Presence(Protocol):
    """Remembers who is connected, for backends to ask.

    The core calls the first three from one task per gateway, in the order things happened, in
    batches; what they could not write is written again by `refresh`. They may raise anything: it
    is logged and counted, and the batch is tried again with the next.
    """

    @property
    def refresh_seconds(self) -> float | None:
        """How often each connection must be refreshed, or ``None`` for never."""
        ...

    async def joined(self, batch: Sequence[ConnectionInfo]) -> None:
        """Remember connections that were opened, or whose subjects changed. Idempotent."""
        ...

    async def left(self, batch: Sequence[ConnectionInfo]) -> None:
        """Forget connections that were closed. Idempotent."""
        ...

    async def refresh(self, batch: Sequence[ConnectionInfo]) -> None:
        """Keep connections that are still open alive; write whole again what is gone."""
        ...

    async def find(
        self,
        *,
        subject: str | None = None,
        user_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> ConnectionPage:
        """Find connections by subject, user, both, or all where both are ``None``.

        Safe to call at any time from many tasks. Cancelling has no effect on what is stored.

        Args:
            subject: Only connections that hear this.
            user_id: Only connections of this user.
            cursor: Where the page before ended.
            limit: At most this many, or ``None`` for all in one page.

        Raises:
            ValueError: ``cursor`` is not one this store gave.
        """
        ...


class EventSink(Protocol):
    """Tells a backend what clients do. Retries, order and dead letters are the core's."""

    async def send(self, batch: Sequence[Event]) -> Sequence[Outcome]:
        """Try to deliver each event once and say what became of it, in the order of ``batch``.

        No batch holds two events of one connection. Up to ``concurrency`` calls run at once, each
        cancelled after ``timeout_seconds``; being cancelled or raising counts as `Retry` for the
        whole batch.
        """
        ...


class DeadLetterStore(Protocol):
    """Keeps what could not be delivered until somebody looks."""

    async def put(self, records: Sequence[DeadLetter]) -> None:
        """Write records down, durably, in order. Safe from many tasks.

        Raises:
            Exception: Anything means that none may be taken as written; the core then uses the
                local file, so that nothing is lost.
        """
        ...

    async def read(self, after: str | None = None, limit: int = 100) -> Sequence[StoredDeadLetter]:
        """Return up to ``limit`` records in the order of writing, after the key ``after``."""
        ...

    async def mark(self, key: str, state: str) -> None:
        """Give a record a state, such as ``redriven``. An unknown key is no error."""
        ...

    async def remove(self, keys: Sequence[str]) -> int:
        """Remove records for good and return how many there were."""
        ...


class Admission(Protocol):
    """One connection's share of a rate limit."""

    def admit(self) -> bool:
        """Take one message from the share; ``False``: it is over the limit. Never blocks."""
        ...


class RateLimit(Protocol):
    """Limits how many messages a connection may send."""

    @property
    def per_second(self) -> float:
        """The rate admitted in the long run; 0 or less means no limit."""
        ...

    @property
    def burst(self) -> float:
        """The messages admitted at once by a connection that was silent."""
        ...

    def admission(self, connection: ConnectionInfo) -> Admission | None:
        """Return the share of a new connection, or ``None`` where it has no limit.

        Synchronous and in memory. The core also keeps a hidden bucket per connection, ten times
        `per_second` and `burst`, that counts every frame and closes floods with 1008.
        """
        ...


class Bus(Protocol):
    """Carries messages from this node to all nodes, this one included."""

    async def publish(self, message: Publication | Command, *, count: bool) -> Receipt:
        """Hand ``message`` to every node, this one included.

        Cancelling never delivers twice. Safe to call from many tasks at once; sequential calls
        keep their order.

        Args:
            message: What to hand on.
            count: Whether the caller wants to know how many connections matched.

        Raises:
            BusUnavailable: It was not accepted; the caller may retry with the same id.
        """
        ...

    async def run(self, deliver: Deliver) -> None:
        """Give this node's copies to ``deliver`` until cancelled; started again when it ends."""
        ...


class Extension(Protocol):
    """Adds to a gateway what is no other kind: HTTP routes, observers of events, health.

    All of it optional: ``routes()``, ``run()``, ``health()``, and plain methods that see events
    when they happen: ``on_event(event)`` every one, ``on_connected(event)``,
    ``on_message_received(event)`` and ``on_disconnected(event)`` those of one type. They must not
    block; raising switches the extension off (`gatewright.ExtensionSettings`).
    """


@runtime_checkable
class HasRun(Protocol):
    """A backend with long-running work of its own."""

    async def run(self) -> None:
        """Work until cancelled; started again, with a growing pause, when it ends or raises."""
        ...


@runtime_checkable
class HasHealth(Protocol):
    """A backend that says how it is."""

    def health(self) -> Health:
        """Return how the backend is right now. Called on the loop: must not block."""
        ...


@runtime_checkable
class HasRoutes(Protocol):
    """A backend that answers HTTP requests."""

    def routes(self) -> Sequence[BaseRoute]:
        """Return Starlette routes, read once when the gateway starts."""
        ...


@runtime_checkable
class SeesNodes(Protocol):
    """A presence store that knows of other nodes."""

    def other_nodes(self) -> int:
        """Return how many other nodes share the store, as last seen. Must not block."""
        ...


@runtime_checkable
class HasDeadLetters(Protocol):
    """A transport whose broker keeps dead letters of its own, for ``gatewright dlq --from``."""

    def dead_letters(self) -> DeadLetterStore | None:
        """Return the store; ``None`` where the settings name none."""
        ...


@runtime_checkable
class Resends(Protocol):
    """A transport that can put a dead publication back to where it came from."""

    async def resend(self, letter: DeadLetter) -> None:
        """Put the letter's bytes back, under the same id where it had one.

        Raises:
            Exception: Anything means that it is not known to be there.
        """
        ...


@runtime_checkable
class ObservesEvents(Protocol):
    """An extension that looks at every event, without a say in it."""

    def on_event(self, event: Event) -> None:
        """See an event when it happens. Must not block; raising switches the observer off."""
        ...
