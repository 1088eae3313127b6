"""Sockets that the direct driver cannot have, and sessions that fail at once."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs
from tests.support.served import Recorder, serve_recorders
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gatewright.clock import SystemClock
from gatewright.config.settings import CoreSettings
from gatewright.logs import get_logger
from gatewright.metrics import Metrics
from gatewright.server.drivers.asgi import AsgiDoor
from gatewright.server.drivers.assembly import drivers_for
from gatewright.wheel import TimerWheel


def drivers(metrics, **server):
    return drivers_for(
        CoreSettings.model_validate({"server": server}),
        wheel=TimerWheel(SystemClock()),
        settle=lambda: None,
        release=lambda _place: None,
        metrics=metrics,
        log=get_logger(),
    )


async def wrapped(_message):
    """Send as a middleware would: nothing below it can be seen."""


def test_a_socket_that_cannot_be_taken_over_falls_back_and_shows():
    metrics = Metrics()
    made = drivers(metrics)
    assert made.health().detail == ""
    with capture_logs() as logs:
        doors = [made.door(wrapped, wrapped) for _ in range(3)]
    assert {type(door) for door in doors} == {AsgiDoor}
    assert [entry["event"] for entry in logs] == [
        "a socket could not be taken over; plain ASGI carries it"
    ]
    health = made.health()
    assert (health.ready, health.facts) == (True, {"driver": "direct"})
    assert health.detail == "3 sockets could not be taken over; plain ASGI carried them"
    count = metrics.registry.get_sample_value
    assert count("gatewright_sockets_total", {"driver": "asgi"}) == 3
    assert count("gatewright_sockets_total", {"driver": "direct"}) == 0


def test_plain_asgi_by_choice_is_no_fallback():
    made = drivers(Metrics(), socket_driver="asgi")
    with capture_logs() as logs:
        made.door(wrapped, wrapped)
    assert not logs
    assert (made.health().detail, made.health().facts) == ("", {"driver": "asgi"})


@pytest.mark.anyio
async def test_a_session_that_fails_when_it_opens_is_closed_with_1011(monkeypatch):
    def fails(_self, _socket):
        message = "secret"
        raise RuntimeError(message)

    async with serve_recorders(driver="direct") as served:
        monkeypatch.setattr(Recorder, "opened", fails)
        with capture_logs() as logs:
            async with connect(served.url) as client:
                with pytest.raises(ConnectionClosed) as closed:
                    await client.recv()
        assert closed.value.rcvd.code == 1011
        await served.sessions[0].is_closed.wait()
        assert served.sessions.pop().ended == (1011, "")
        assert served.released == ["here"]
        assert [entry["event"] for entry in logs] == ["a session failed and is closed"]
        assert "secret" not in str(logs)
