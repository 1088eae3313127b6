"""This node's connections, and the one way anything reaches them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from gatewright.hub.fanout import Fanout
from gatewright.hub.index import SubjectIndex
from gatewright.model import Command, ConnectionInfo, Publication
from gatewright.wire.frames import event_frame
from gatewright.wire.names import is_subject, user_subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewright.hub.seen import SeenIds
    from gatewright.metrics import Metrics
    from gatewright.wire.frames import Message

__all__ = ["Hub", "Member"]


class Member(Protocol):
    """A connection, as the hub sees it. No method blocks, awaits or raises."""

    info: ConnectionInfo
    write: Callable[[Message], None]

    def close(self, code: int, reason: str = "") -> None:
        """Close the connection."""
        ...

    def abort(self) -> None:
        """Drop the connection at once."""
        ...

    def pause(self, paused: bool) -> None:  # noqa: FBT001 - the lanes' callback
        """Stop or resume reading."""
        ...

    def evict(self, code: int, reason: str) -> None:
        """Close the connection, whose end another node has told already."""
        ...

    def rename(self, info: ConnectionInfo) -> None:
        """Take changed subjects."""
        ...


class Hub:
    """Indexes the connections of this node by id and subject, and delivers to them.

    A node's sockets are fed from here alone. Nothing here awaits: a frame is built once, shared by
    all who get it, and each connection gets one copy whatever matched it. What is published is
    written within a few turns of the loop (`Fanout`), and before anything changes who hears what.
    """

    def __init__(
        self,
        *,
        seen: SeenIds,
        metrics: Metrics,
        changed: Callable[[ConnectionInfo], None],
        most_subjects: int,
        fanout: Fanout | None = None,
    ) -> None:
        self._members: dict[str, Member] = {}
        self._index: SubjectIndex[Member] = SubjectIndex()
        self.fanout = fanout or Fanout()
        self._seen = seen
        self._connections = metrics.connections
        self._deliveries = metrics.deliveries.inc
        self._changed = changed
        self._most_subjects = most_subjects

    def __len__(self) -> int:
        """Return how many connections there are."""
        return len(self._members)

    def members(self) -> Sequence[Member]:
        """Return the connections that there are now."""
        return tuple(self._members.values())

    def get(self, connection_id: str) -> Member | None:
        """Return a connection of this node."""
        return self._members.get(connection_id)

    def count_user(self, user_id: str) -> int:
        """Return how many connections a user has on this node."""
        return self._index.count(user_subject(user_id))

    def add(self, member: Member) -> None:
        """Have a connection hear its subjects."""
        self.fanout.flush()
        info = member.info
        self._members[info.connection_id] = member
        for subject in info.subjects:
            self._index.add(subject, member)
        self._connections.set(len(self._members))

    def remove(self, member: Member) -> None:
        """Forget a connection."""
        info = member.info
        if self._members.pop(info.connection_id, None) is None:
            return
        self.fanout.flush()
        for subject in info.subjects:
            self._index.discard(subject, member)
        self._connections.set(len(self._members))

    def seen(self, publication: Publication) -> int | None:
        """Return how many a publication's id reached lately, or ``None`` if it is new or absent."""
        if publication.id is None:
            return None
        return self._seen.get(publication.source, publication.id)

    def matching(self, publication: Publication) -> int:
        """Return how many connections of this node a publication is for."""
        return len(self._index.matching(publication.subjects))

    def deliver(self, message: Publication | Command) -> int:
        """Give a message to the connections it is for; return how many there are.

        A publication whose id was seen lately reaches nobody again and answers as it did then.
        """
        if isinstance(message, Command):
            return self._execute(message)
        if message.id is None:
            return self._fan_out(message)
        reached = self._seen.get(message.source, message.id)
        if reached is None:
            reached = self._fan_out(message)
            self._seen.add(message.source, message.id, reached)
        return reached

    def _fan_out(self, publication: Publication) -> int:
        members = self._index.matching(publication.subjects)
        if not members:
            return 0
        self.fanout.send(members, event_frame(publication.payload))
        self._deliveries(len(members))
        return len(members)

    def _execute(self, command: Command) -> int:
        members = tuple(self._named(command))
        for member in members:
            if command.action == "disconnect":
                member.close(command.code, command.reason)
            else:
                self._change_subjects(member, command)
        return len(members)

    def _named(self, command: Command) -> Collection[Member]:
        if command.connection_id is not None:
            member = self._members.get(command.connection_id)
            return () if member is None else (member,)
        if command.user_id is not None:
            return self._index.matching((user_subject(command.user_id),))
        return ()

    def _change_subjects(self, member: Member, command: Command) -> None:
        """Add and remove what may be: never a ``user:`` subject, never beyond the limit."""
        info = member.info
        subjects = dict.fromkeys(info.subjects)
        for subject in command.remove:
            if not subject.startswith("user:"):
                subjects.pop(subject, None)
        for subject in command.add:
            if (
                is_subject(subject)
                and not subject.startswith("user:")
                and len(subjects) < self._most_subjects
            ):
                subjects[subject] = None
        self._reindex(member, tuple(subjects))

    def _reindex(self, member: Member, subjects: tuple[str, ...]) -> None:
        self.fanout.flush()
        before = member.info
        for subject in set(before.subjects).difference(subjects):
            self._index.discard(subject, member)
        for subject in set(subjects).difference(before.subjects):
            self._index.add(subject, member)
        after = ConnectionInfo(before.connection_id, before.user_id, subjects, before.connected_at)
        member.rename(after)
        self._changed(after)
