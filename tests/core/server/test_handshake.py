"""What is decided between a request and an open session, and what can change meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
import structlog
from prometheus_client import CollectorRegistry

from gatewright.errors import AuthenticationError
from gatewright.metrics import Metrics
from gatewright.model import Identity
from gatewright.server.addresses import ClientAddress
from gatewright.server.caps import Caps
from gatewright.server.handshake import Handshaker, HandshakeRules
from gatewright.testing.clock import FakeClock

pytestmark = pytest.mark.anyio


class Anybody:
    async def identify(self, _handshake):
        return Identity(user_id="42")


class Nobody:
    async def identify(self, _handshake):
        reason = "expired"
        raise AuthenticationError(reason)


@dataclass
class HeldDrivers:
    """Hold sessions open until they are let go."""

    caps: Caps
    open: list = field(default_factory=list)
    left: bool = False

    def __post_init__(self):
        self.over = asyncio.Event()

    def door(self, _receive, send):
        return HeldDoor(self, send)


@dataclass
class HeldDoor:
    drivers: HeldDrivers
    send: object

    @property
    def gone(self):
        return self.drivers.left

    async def accept(self, subprotocol):
        await self.send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def close(self, code, reason=""):
        await self.send({"type": "websocket.close", "code": code, "reason": reason})

    async def serve(self, session, place):
        self.drivers.open.append(session)
        await self.drivers.over.wait()
        self.drivers.caps.release(place)


class Door:
    """A handshaker with its surroundings, and one scope at a time."""

    def __init__(self, *, per_user=None, identifier=None, total=None):
        caps = Caps(total=total, per_address=None)
        self.driver = HeldDrivers(caps)
        self.draining = False
        self.metrics = Metrics(CollectorRegistry())
        self.handshaker = Handshaker(
            rules=HandshakeRules(per_user=per_user),
            caps=caps,
            addresses=ClientAddress(()),
            identifier=identifier or Anybody(),
            drivers=self.driver,
            new_session=lambda info, _identity: info,
            connections_of=lambda _user: len(self.driver.open),
            draining=lambda: self.draining,
            results=self.metrics.handshakes,
            seconds=self.metrics.handshake_seconds,
            clock=FakeClock(),
            log=structlog.get_logger(),
        )

    def counted(self, result):
        return self.metrics.handshakes.labels(result)._value.get()

    async def knock(self, on_accept=None):
        """Go through one handshake; return what was sent, and the scope."""
        sent = []

        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            await asyncio.sleep(0)  # as a server may that has to wait for the socket
            sent.append(message)
            if message["type"] == "websocket.accept" and on_accept is not None:
                on_accept()

        scope = {
            "type": "websocket",
            "path": "/ws",
            "query_string": b"",
            "headers": [(b"host", b"x")],
            "extensions": {"websocket.http.response": {}},
        }
        await self.handshaker(scope, receive, send)
        return sent, scope


async def until_open(door, count):
    async with asyncio.timeout(5):
        while len(door.driver.open) < count:
            await asyncio.sleep(0)


def close_code(sent):
    return next((one["code"] for one in sent if one["type"] == "websocket.close"), None)


async def test_one_users_handshakes_at_once_do_not_pass_the_limit():
    door = Door(per_user=1)
    knocks = [asyncio.create_task(door.knock()) for _ in range(5)]
    await until_open(door, 1)
    door.driver.over.set()
    codes = [close_code(sent) for sent, _ in await asyncio.gather(*knocks)]
    assert sorted(codes, key=str) == [1008, 1008, 1008, 1008, None]
    assert door.counted("accepted") == 1
    assert door.counted("full_user") == 4


async def test_who_leaves_while_the_token_is_judged_opens_no_session():
    door = Door()
    door.driver.left = True
    await door.knock()
    assert door.driver.open == []
    assert (door.counted("gone"), door.counted("accepted")) == (1, 0)


async def test_a_drain_that_begins_at_the_accept_lets_nobody_in():
    door = Door()
    sent, _ = await door.knock(on_accept=lambda: setattr(door, "draining", True))
    assert close_code(sent) == 1013
    assert door.driver.open == []
    assert door.counted("draining") == 1


async def test_a_place_comes_back_whatever_became_of_the_client():
    door = Door(total=1, identifier=Nobody())
    for _ in range(3):
        sent, _ = await door.knock()
        assert close_code(sent) == 4401
    assert door.counted("refused") == 3


async def test_refusals_take_time_too():
    door = Door(identifier=Nobody())
    await door.knock()
    samples = {
        one.name: one.value for one in next(iter(door.metrics.handshake_seconds.collect())).samples
    }
    assert samples["gatewright_handshake_seconds_count"] == 1


async def test_an_open_socket_keeps_nothing_of_the_requests_head():
    door = Door()
    knock = asyncio.create_task(door.knock())
    await until_open(door, 1)
    door.driver.over.set()
    _, scope = await knock
    assert scope["headers"] == ()
