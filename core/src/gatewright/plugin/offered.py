"""What a backend offers beyond its kind's protocol, looked at once when it has opened.

The core calls these methods on the event loop. A mistake in one would show long after the start,
as a coroutine that nobody awaits or as an observer that is off: so it ends the start instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from gatewright.errors import StartError
from gatewright.plugin.settings import EVENT_TYPES

if TYPE_CHECKING:
    from gatewright.plugin.opening import Selection

__all__ = ["OBSERVERS", "OfferUnusable", "check_offers"]

OBSERVERS: Final = ("on_event", *(f"on_{event_type}" for event_type in EVENT_TYPES))
"""The methods by which an extension sees events: of every type, and of one."""

_WITHOUT_ARGUMENTS: Final = ("health", "routes")


class OfferUnusable(StartError):
    """A method that a backend offers cannot be called as the core calls it."""

    def __init__(self, name: str, distribution: str, method: str, problem: str) -> None:
        self.name, self.distribution = name, distribution
        self.method, self.problem = method, problem
        super().__init__(name, distribution, method, problem)

    def __str__(self) -> str:
        return f"plugin {self.name!r} ({self.distribution}): {self.method} {self.problem}"


def check_offers(selection: Selection, backend: object) -> None:
    """Make sure that what a backend offers of its own accord can be called.

    Raises:
        OfferUnusable: It cannot.
    """
    observers = OBSERVERS if selection.kind == "extension" else ()
    for name in (*_WITHOUT_ARGUMENTS, *observers):
        for problem in _problems(name, getattr(backend, name, None)):
            raise OfferUnusable(selection.name, selection.distribution, name, problem)


def _problems(name: str, method: object) -> Iterator[str]:
    if method is None:
        return
    if not callable(method):
        yield f"must be a method, found {type(method).__name__}"
    elif inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        yield "is 'async def'; it must be a plain method: put async work in run()"
    elif name in OBSERVERS and not _takes(method, 1):
        yield "must take the event alone"
    elif name not in OBSERVERS and not _takes(method, 0):
        yield "must take no argument"


def _takes(method: Callable[..., object], arguments: int) -> bool:
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):  # written in C, and silent about it
        return True
    try:
        signature.bind(*range(arguments))
    except TypeError:
        return False
    return True
