"""The sink that takes everything."""

import pytest

from gatewright import Done, Event
from gatewright.builtin.none_events import NoneSettings, NoneSink, gatewright_events

pytestmark = pytest.mark.anyio


async def test_it_is_done_with_every_event() -> None:
    events = [Event("connected", str(n), 1, f"c{n}", "42", b"{}", 0.0) for n in range(3)]

    assert await NoneSink().send(events) == [Done()] * 3


async def test_it_is_declared_as_an_event_sink() -> None:
    factory = gatewright_events()
    async with factory.open(NoneSettings(), None) as sink:
        assert await sink.send([]) == []
    assert factory.settings is NoneSettings
