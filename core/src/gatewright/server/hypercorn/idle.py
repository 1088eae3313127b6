"""Idle connections: a timer each, where hypercorn has a task each that every request ends anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext

__all__ = ["IdleTimer"]


LAST_LOOK_SECONDS: Final = 0.05
"""From the end of a connection's time to its being closed."""


class IdleTimer:
    """Takes the place of a connection's ``AsyncioSingleTask``, which runs ``_idle_timeout``."""

    __slots__ = ("_idle", "_server")

    def __init__(self) -> None:
        self._idle: _Idle | None = None
        self._server: TCPServer | None = None

    async def restart(self, task_group: object, action: Callable[[], Awaitable[None]]) -> None:
        """Close the connection whose ``_idle_timeout`` this is, unless `stop` is called in time."""
        del task_group
        self._server = cast("TCPServer", cast("Any", action).__self__)
        self._idle = _Idle.of(self._server.context)
        self._idle.add(self._server)

    async def stop(self) -> None:
        """Let the connection be."""
        if self._idle is not None and self._server is not None:
            self._idle.discard(self._server)


class _Idle:
    """The idle connections of one listener: each is closed when its time is over, or at the end."""

    _all: Final[WeakKeyDictionary[WorkerContext, _Idle]] = WeakKeyDictionary()

    def __init__(self, context: WorkerContext) -> None:
        self._terminated = context.terminated
        self._timers: dict[TCPServer, asyncio.TimerHandle] = {}
        self._watching = asyncio.create_task(self._close_at_the_end())

    @classmethod
    def of(cls, context: WorkerContext) -> _Idle:
        """Return those of one listener."""
        found = cls._all.get(context)
        if found is None:
            found = cls._all[context] = cls(context)
        return found

    def add(self, server: TCPServer) -> None:
        """Give a connection its time."""
        self.discard(server)
        if self._terminated.is_set():
            self._close(server)
            return
        seconds = server.config.keep_alive_timeout
        self._timers[server] = server.loop.call_later(seconds, self._last_look, server)

    def discard(self, server: TCPServer) -> None:
        """Take a connection out; one that is not in is no error."""
        timer = self._timers.pop(server, None)
        if timer is not None:
            timer.cancel()

    def _last_look(self, server: TCPServer) -> None:
        """Let the loop read first: it may have stood still, and a request wait in the kernel."""
        self._timers[server] = server.loop.call_later(LAST_LOOK_SECONDS, self._close, server)

    def _close(self, server: TCPServer) -> None:
        self.discard(server)
        server._task_group.spawn(server._initiate_server_close)  # noqa: SLF001 - one package

    async def _close_at_the_end(self) -> None:
        await self._terminated.wait()
        for server in list(self._timers):
            self._close(server)
