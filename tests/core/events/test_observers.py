"""Observers of events: what they see, in which order, and what becomes of one that raises."""

import asyncio
import sys

import pytest
from structlog.testing import capture_logs
from tests.core.events.kit import ScriptedSink, bench, event

from gatewright.events.observers import Observer, Observers
from gatewright.metrics import Metrics
from gatewright.model import Event

pytestmark = pytest.mark.anyio

CONNECTED = event(seq=1, kind="connected")
MESSAGE = event(seq=2)
DISCONNECTED = event(seq=3, kind="disconnected")
LIFE = (CONNECTED, MESSAGE, DISCONNECTED)


class Everything:
    """Sees all events, and each type once more by its own method."""

    def __init__(self, name: str, seen: list[tuple[str, str, str]]) -> None:
        self.name = name
        self.seen = seen

    def note(self, method: str, seen: Event) -> None:
        self.seen.append((self.name, method, seen.id))

    def on_event(self, seen: Event) -> None:
        self.note("on_event", seen)

    def on_connected(self, seen: Event) -> None:
        self.note("on_connected", seen)

    def on_message_received(self, seen: Event) -> None:
        self.note("on_message_received", seen)

    def on_disconnected(self, seen: Event) -> None:
        self.note("on_disconnected", seen)


class OnlyConnected:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_connected(self, seen: Event) -> None:
        self.seen.append(seen.id)


class Raises:
    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.asked = 0

    def on_event(self, seen: Event) -> None:
        self.asked += 1
        raise self.error

    def on_connected(self, seen: Event) -> None:
        self.asked += 1


def watching(*observers: Observer, metrics: Metrics | None = None, fail=None):
    """Return observers and a dispatcher that shows its events to them."""
    metrics = metrics or Metrics()
    plain = bench(ScriptedSink())
    options = {} if fail is None else {"fail": fail}
    made = Observers(observers, metrics=metrics, log=plain.log, **options)
    return made, bench(ScriptedSink(), options={"observers": made})


async def test_extensions_see_events_in_their_order_and_each_by_both_of_its_methods() -> None:
    seen: list[tuple[str, str, str]] = []
    _, it = watching(Observer("a", Everything("a", seen)), Observer("b", Everything("b", seen)))

    it.emit(*LIFE)

    assert seen == [
        (name, method, each.id)
        for each in LIFE
        for name in "ab"
        for method in ("on_event", f"on_{each.type}")
    ]


async def test_nothing_is_called_for_an_event_that_nobody_observes() -> None:
    one = OnlyConnected()
    observers, it = watching(Observer("idle", object()), Observer("one", one))

    assert {kind: len(watchers) for kind, watchers in observers.watching.items()} == {
        "connected": 1,
        "message_received": 0,
        "disconnected": 0,
    }
    it.emit(*LIFE)
    assert one.seen == [CONNECTED.id]


@pytest.mark.parametrize(
    "error", [ValueError("no"), SystemExit(0), asyncio.CancelledError()], ids=repr
)
async def test_what_an_observer_raises_reaches_nobody_else(error: BaseException) -> None:
    bad, good = Raises(error), OnlyConnected()
    observers, it = watching(Observer("bad", bad), Observer("good", good))

    with capture_logs() as logs:
        it.emit(*LIFE, *LIFE)

    assert bad.asked == 1  # neither its other method nor another event
    assert good.seen == [CONNECTED.id] * 2
    assert len(logs) == 1
    assert {name: health.detail for name, health in observers.health().items()} == {
        "bad": f"off: {type(error).__name__}"
    }


async def test_a_failing_observer_is_named_once_counted_and_shown() -> None:
    metrics = Metrics()
    error = RuntimeError("no way to redis://:hunter2@cache")
    observers, it = watching(Observer("audit", Raises(error)), metrics=metrics)

    with capture_logs() as logs:
        it.emit(*LIFE)

    assert [each["event"] for each in logs] == [
        "observer 'audit' raised RuntimeError: no way to redis://***@cache; it is off until restart"
    ]
    off = metrics.registry.get_sample_value("gatewright_observers_off_total", {"plugin": "audit"})
    assert off == 1
    assert observers.health()["audit"].ready  # clients are served as before


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("on_message", "on_message_received"),
        ("on_connect", "on_connected"),
        ("on_disconected", "on_disconnected"),
        ("on_events", "on_event"),
        ("on_request", None),
        ("on_startup", None),
        ("on_", None),
        ("connected", None),
    ],
)
async def test_a_method_that_looks_like_an_observer_is_warned_of(name, meant) -> None:
    backend = type("Backend", (), {name: lambda self, event: None})()

    with capture_logs() as logs:
        watching(Observer("audit", backend))

    told = f"extension 'audit' has {name!r}, which sees no events; did you mean {meant!r}?"
    assert [each["event"] for each in logs] == ([] if meant is None else [told])


async def test_one_that_may_not_fail_asks_for_an_end_and_is_not_ready() -> None:
    asked: list[str] = []
    observers, it = watching(
        Observer("audit", Raises(KeyError("x")), "fail"), fail=lambda: asked.append("end")
    )

    with capture_logs() as logs:
        it.emit(*LIFE)

    assert asked == ["end"]
    assert logs[0]["event"] == (
        "observer 'audit' raised KeyError: 'x'; the gateway stops (on_error: fail)"
    )
    assert not observers.health()["audit"].ready


async def test_an_observer_that_causes_events_is_switched_off_once() -> None:
    class Echoes:
        def on_connected(self, seen: Event) -> None:
            it.emit(MESSAGE)
            sys.exit("after the message had it off")

        def on_message_received(self, seen: Event) -> None:
            raise ValueError

    metrics = Metrics()
    observers, it = watching(Observer("echoes", Echoes()), metrics=metrics)

    with capture_logs() as logs:
        it.emit(CONNECTED)

    assert len(logs) == 1
    assert observers.health()["echoes"].detail == "off: ValueError"
