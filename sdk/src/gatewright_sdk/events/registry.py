"""Who hears of which events, and who the user is."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, cast, overload

from gatewright_sdk.errors import ConfigurationError
from gatewright_sdk.model import Event
from gatewright_sdk.private_loop import run_privately

__all__ = ["Events", "Handler"]

User = TypeVar("User")
_One = TypeVar("_One", bound=Event)
_Two = TypeVar("_Two", bound=Event)
_Three = TypeVar("_Three", bound=Event)
_Returned = TypeVar("_Returned", bound=Awaitable[object] | None)

Handler = Callable[[Any], Awaitable[object] | None]
"""Hears of one event: a coroutine function, or a plain one."""


class Events(Generic[User]):
    """The handlers of events, in the order in which they were registered.

    ::

        events = Events(resolve_user=load_user)


        @events.on(MessageReceived)
        async def said(event: MessageReceived) -> None:
            user = await events.user(event)

    Register while modules are imported; dispatch from any number of tasks and threads.

    Args:
        resolve_user: Returns the application's user for a user id, asynchronously or not; a plain
            function runs in a thread. Left out, the user is the id itself.
    """

    @overload
    def __init__(self: Events[str]) -> None: ...

    @overload
    def __init__(self, *, resolve_user: Callable[[str], Awaitable[User]]) -> None: ...

    @overload
    def __init__(self, *, resolve_user: Callable[[str], User]) -> None: ...

    def __init__(self, *, resolve_user: Callable[[str], Any] | None = None) -> None:
        self._handlers: list[tuple[tuple[type[Event], ...], Handler]] = []
        self._resolve = resolve_user

    @overload
    def on(
        self, one: type[_One], /
    ) -> Callable[[Callable[[_One], _Returned]], Callable[[_One], _Returned]]: ...

    @overload
    def on(
        self, one: type[_One], two: type[_Two], /
    ) -> Callable[[Callable[[_One | _Two], _Returned]], Callable[[_One | _Two], _Returned]]: ...

    @overload
    def on(
        self, one: type[_One], two: type[_Two], three: type[_Three], /
    ) -> Callable[
        [Callable[[_One | _Two | _Three], _Returned]], Callable[[_One | _Two | _Three], _Returned]
    ]: ...

    def on(self, *kinds: type[Event]) -> Callable[[Any], Any]:
        """Register the decorated function for events of these types; `Event` stands for all.

        Raises:
            ConfigurationError: Not types of events, or the decorated is no function.
        """
        if not kinds or not all(
            isinstance(each, type) and issubclass(each, Event) for each in kinds
        ):
            msg = "on() takes types of events, such as Connected or MessageReceived"
            raise ConfigurationError(msg)

        def register(handler: Handler) -> Handler:
            if not callable(handler):
                msg = f"a handler must be a function, found {type(handler).__name__}"
                raise ConfigurationError(msg)
            self._handlers.append((kinds, handler))
            return handler

        return register

    async def dispatch(self, event: Event) -> None:
        """Have the handlers of an event run, one after the other.

        Plain functions run in a thread, so they may block. An exception ends it: the handlers that
        follow do not run, whoever delivered the event delivers it again, and then all handlers
        run again. Cancelling cancels a coroutine; a plain function that runs goes on to its end.

        Raises:
            Exception: What a handler raised.
        """
        token = _current.set(_Dispatch(self, event))
        try:
            for handler in self._of(event):
                if _is_async(handler):
                    result = handler(event)
                else:
                    result = await asyncio.to_thread(handler, event)
                if inspect.isawaitable(result):
                    await result
        finally:
            _current.reset(token)

    def dispatch_sync(self, event: Event) -> None:
        """Have the handlers of an event run, from plain code such as a Django view.

        Plain functions run in this very thread, coroutines on a private event loop while this
        thread waits. On a thread that runs an event loop it works, and blocks that loop.

        Raises:
            Exception: What a handler raised.
        """
        token = _current.set(_Dispatch(self, event))
        try:
            for handler in self._of(event):
                result = handler(event)
                if inspect.isawaitable(result):
                    _waited_for(result)
        finally:
            _current.reset(token)

    async def user(self, event: Event) -> User:
        """Return whose event it is, by ``resolve_user``; asked once while an event is dispatched.

        Raises:
            Exception: What ``resolve_user`` raised; the next call asks again.
        """
        dispatch = self._dispatch_of(event)
        async with dispatch.asking:
            if not dispatch.resolved:
                dispatch.user = await self._resolved(event.user_id)
                dispatch.resolved = True
        return cast("User", dispatch.user)

    def user_sync(self, event: Event) -> User:
        """Return whose event it is, for handlers that are plain functions.

        Raises:
            Exception: What ``resolve_user`` raised; the next call asks again.
        """
        dispatch = self._dispatch_of(event)
        if not dispatch.resolved:
            found = event.user_id if self._resolve is None else self._resolve(event.user_id)
            dispatch.user = _waited_for(found) if inspect.isawaitable(found) else found
            dispatch.resolved = True
        return cast("User", dispatch.user)

    def _of(self, event: Event) -> list[Handler]:
        return [handler for kinds, handler in self._handlers if isinstance(event, kinds)]

    def _dispatch_of(self, event: Event) -> _Dispatch:
        current = _current.get()
        if current is not None and current.events is self and current.event is event:
            return current
        return _Dispatch(self, event)

    async def _resolved(self, user_id: str) -> Any:  # noqa: ANN401 - the application's
        if self._resolve is None:
            return user_id
        if _is_async(self._resolve):
            return await self._resolve(user_id)
        found = await asyncio.to_thread(self._resolve, user_id)
        return await found if inspect.isawaitable(found) else found


@dataclass(slots=True)
class _Dispatch:
    """One event on its way through the handlers, and its user once that was asked for."""

    events: Events[Any]
    event: Event
    user: Any = None
    resolved: bool = False
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


_current: Final[ContextVar[_Dispatch | None]] = ContextVar("gatewright_sdk_dispatch", default=None)


def _is_async(function: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - objects that are called
    )


_NOT_BEGUN: Final = inspect.CORO_CREATED


async def _awaited(result: Awaitable[Any]) -> Any:  # noqa: ANN401 - the application's
    return await result


def _waited_for(result: Awaitable[Any]) -> Any:  # noqa: ANN401 - the application's
    try:
        return run_privately(_awaited(result))
    finally:
        if (
            inspect.iscoroutine(result)
            and inspect.getcoroutinestate(result) == inspect.CORO_CREATED
        ):
            result.close()  # it was not to begin
