"""Publishing and presence for plain code: the same names, without ``await``.

The work is done by one event loop in a thread of its own, which starts when it is first needed, and
anew in a process that was forked since. Every call may be made from any thread, and blocks it until
the work is done or its timeout has passed. On a thread that runs an event loop, a call blocks that
loop: there, use the asynchronous classes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, Generic, Self, TypeVar

from gatewright_sdk.closing import AsyncClosing, Closing
from gatewright_sdk.config import Settings
from gatewright_sdk.model import Connection
from gatewright_sdk.presence import Presence as AsyncPresence
from gatewright_sdk.private_loop import run_privately
from gatewright_sdk.publishing import Publication, Published
from gatewright_sdk.publishing import Publisher as AsyncPublisher
from gatewright_sdk.subjects import SubjectKeyResolver

__all__ = ["Presence", "Publisher"]


_C = TypeVar("_C", bound=AsyncClosing)
_R = TypeVar("_R")


class _EachProcess(Generic[_C]):
    """Something asynchronous that each process makes for itself, on the private loop."""

    def __init__(self, make: Callable[[], _C]) -> None:
        self._make = make
        self._made: _C | None = None
        self._process = 0

    def do(self, work: Callable[[_C], Coroutine[Any, Any, _R]]) -> _R:
        return run_privately(self._do(work))

    def close(self) -> None:
        run_privately(self._close())

    async def _do(self, work: Callable[[_C], Coroutine[Any, Any, _R]]) -> _R:
        if self._made is None or self._process != os.getpid():
            self._made, self._process = self._make(), os.getpid()
        return await work(self._made)

    async def _close(self) -> None:
        made, self._made = self._made, None
        if made is not None and self._process == os.getpid():
            await made.close()


class Publisher(Closing):
    """Publishes to the clients of a gateway, from plain code; see `gatewright_sdk.Publisher`.

    ::

        publisher = Publisher.from_settings(Settings.from_env())  # once in a process
        publisher.send(user.id, {"hello": "you"})

    Connections are made at the first call, in the process that makes it.

    Args:
        make: Makes the asynchronous one; called once in each process.
    """

    def __init__(self, make: Callable[[], AsyncPublisher]) -> None:
        self._each = _EachProcess(make)

    @classmethod
    def from_settings(
        cls, settings: Settings, *, subject_keys: SubjectKeyResolver | None = None
    ) -> Self:
        """Make the one that the settings ask for; a missing library is told at the first call."""
        return cls(partial(AsyncPublisher.from_settings, settings, subject_keys=subject_keys))

    def publish(
        self,
        subjects: str | Iterable[str],
        payload: Any,  # noqa: ANN401 - any JSON
        *,
        id: str | None = None,  # noqa: A002 - the field's name
    ) -> Published:
        """Publish to subjects by their names; see `gatewright_sdk.Publisher.publish`."""
        return self._each.do(lambda publisher: publisher.publish(subjects, payload, id=id))

    def send(
        self,
        to: object,
        payload: Any,  # noqa: ANN401 - any JSON
        *,
        id: str | None = None,  # noqa: A002 - the field's name
    ) -> Published:
        """Publish to the application's own objects; see `gatewright_sdk.Publisher.send`."""
        return self._each.do(lambda publisher: publisher.send(to, payload, id=id))

    def publish_many(self, publications: Iterable[Publication]) -> Sequence[Published]:
        """Publish several in their order; see `gatewright_sdk.Publisher.publish_many`."""
        several = list(publications)
        return self._each.do(lambda publisher: publisher.publish_many(several))

    def close(self) -> None:
        """Close the connections of this process; a later call makes new ones."""
        self._each.close()


class Presence(Closing):
    """Tells plain code who is connected; see `gatewright_sdk.Presence`.

    Args:
        make: Makes the asynchronous one; called once in each process.
    """

    def __init__(self, make: Callable[[], AsyncPresence]) -> None:
        self._each = _EachProcess(make)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Make the one that the settings ask for; a missing library is told at the first call."""
        return cls(partial(AsyncPresence.from_settings, settings))

    def connections(
        self, *, subject: str | None = None, user_id: str | int | None = None
    ) -> list[Connection]:
        """Return the connections that match; see `gatewright_sdk.Presence.connections`."""
        return self._each.do(
            lambda presence: presence.connections(subject=subject, user_id=user_id)
        )

    def is_online(self, user_id: str | int) -> bool:
        """Tell whether a user is connected; see `gatewright_sdk.Presence.is_online`."""
        return self._each.do(lambda presence: presence.is_online(user_id))

    def count(self, *, subject: str | None = None, user_id: str | int | None = None) -> int:
        """Return how many connections match; see `gatewright_sdk.Presence.count`."""
        return self._each.do(lambda presence: presence.count(subject=subject, user_id=user_id))

    def users(self, *, subject: str | None = None) -> set[str]:
        """Return the ids of the users who are connected; see `gatewright_sdk.Presence.users`."""
        return self._each.do(lambda presence: presence.users(subject=subject))

    def close(self) -> None:
        """Close the connections of this process; a later call makes new ones."""
        self._each.close()
