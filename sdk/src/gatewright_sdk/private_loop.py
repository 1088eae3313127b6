"""One event loop in a thread of its own, for asynchronous code that plain code has to wait for."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

__all__ = ["run_privately"]

_Result = TypeVar("_Result")


class _PrivateLoop:
    """Starts its thread when it is first needed, and anew in a process that was forked since."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        try:
            loop = self._running()
        except BaseException:
            work.close()
            raise
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # the waiting thread was interrupted; without effect on what has ended
            raise

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._process != os.getpid():
                self._loop, self._process = _started(), os.getpid()
            loop = self._loop
        if _running_loop() is loop:
            msg = "an asynchronous handler must await instead of calling the synchronous function"
            raise RuntimeError(msg)
        return loop

    def forget(self) -> None:
        """Begin anew in a child: the lock may be held by a thread that is not there."""
        self._lock = threading.Lock()


_PRIVATE: Final = _PrivateLoop()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_PRIVATE.forget)


def run_privately(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run asynchronous work to its end while this thread waits; context variables go along.

    For any thread. On a thread that runs an event loop it works, and blocks that loop.

    Raises:
        RuntimeError: It is called from such work itself, which would wait for itself for ever.
        BaseException: What the work raised.
    """
    return _PRIVATE.run(work)


def _started() -> asyncio.AbstractEventLoop:
    """Return a loop that runs in a new thread."""
    loop = asyncio.new_event_loop()
    name = "gatewright-sdk handlers"
    try:
        threading.Thread(target=loop.run_forever, name=name, daemon=True).start()
    except BaseException:
        loop.close()
        raise
    return loop


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
