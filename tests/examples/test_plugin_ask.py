"""The example authentication: a real backend is asked, in time, and believed for a while."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest
from websockets.exceptions import ConnectionClosed

from acme_ask import gatewright_auth
from gatewright import AuthenticationError, AuthenticationUnavailable, Handshake, Identity
from gatewright.testing.clock import FakeClock
from gatewright.testing.conformance import AuthenticatorCase, AuthenticatorConformance
from gatewright.testing.harness import running_gateway
from gatewright.testing.opening import Around, opened
from gatewright.testing.ports import free_port

pytestmark = pytest.mark.anyio

FACTORY = gatewright_auth()


class TestConformance(AuthenticatorConformance):
    """The backend believes tokens that are a user's name in hexadecimal."""

    @pytest.fixture
    async def case(self):
        backend = Backend()
        backend.judge = named_in_hexadecimal
        server = await asyncio.start_server(backend.handle, "127.0.0.1", 0, limit=2**20)
        port = server.sockets[0].getsockname()[1]
        async with server:
            yield AuthenticatorCase(
                factory=FACTORY,
                options={"url": f"http://127.0.0.1:{port}/who"},
                token=lambda user: f"of-{user.encode().hex()}",
                bad_tokens=["of-xyz", "nonsense"],
                unavailable={"url": f"http://127.0.0.1:{free_port()}/who"},
            )


def named_in_hexadecimal(token):
    try:
        return {"user_id": bytes.fromhex(token.removeprefix("of-")).decode()}
    except ValueError:
        return None


class Backend:
    """Answers questions about tokens, and remembers them."""

    def __init__(self):
        self.questions = []
        self.status = 200
        self.answer = {"user_id": "7", "subjects": ["room:1"]}
        self.judge = lambda _token: self.answer
        self.hold = asyncio.Event()
        self.hold.set()

    async def handle(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split("\r\n")[0])
        body = json.loads(await reader.readexactly(length))
        key = head.partition("authorization:")[2].split("\r\n")[0].strip()
        self.questions.append((body["token"], key))
        await self.hold.wait()
        judged = self.judge(body["token"])
        status = 401 if judged is None else self.status
        answer = json.dumps(judged).encode()
        writer.write(
            b"HTTP/1.1 %d x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (status, len(answer), answer)
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def asking(clock=None, **options):
    """Open the plugin in front of a backend; yield both."""
    backend = Backend()
    server = await asyncio.start_server(backend.handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    options = {"url": f"http://127.0.0.1:{port}/who", **options}
    async with server:
        async with opened("auth", FACTORY, options, Around(clock=clock or FakeClock())) as host:
            yield host.backend, backend, options
        backend.hold.set()


def bearing(token):
    return Handshake("/ws", {}, {"authorization": f"Bearer {token}"}, client="203.0.113.7")


async def test_a_yes_is_believed_for_a_while():
    clock = FakeClock()
    async with asking(clock, cache_seconds=30, key="swordfish") as (auth, backend, _):
        for _ in range(3):
            identity = await auth.authenticate(bearing("abc"))
            assert identity == Identity("7", ("room:1",))
        assert backend.questions == [("abc", "bearer swordfish")]
        clock.advance(31)
        await auth.authenticate(bearing("abc"))
        assert len(backend.questions) == 2


async def test_never_beyond_its_end():
    clock = FakeClock()
    async with asking(clock, cache_seconds=300) as (auth, backend, _):
        backend.answer = {"user_id": "7", "expires_at": clock.time() + 10}
        assert (await auth.authenticate(bearing("abc"))).close_at == clock.time() + 10
        clock.advance(11)
        await auth.authenticate(bearing("abc"))
        assert len(backend.questions) == 2


async def test_many_with_one_token_ask_once_and_a_client_that_leaves_costs_no_other():
    async with asking() as (auth, backend, _):
        backend.hold.clear()
        asks = [asyncio.create_task(auth.authenticate(bearing("abc"))) for _ in range(5)]
        async with asyncio.timeout(5):
            while not backend.questions:
                await asyncio.sleep(0.01)
        asks[0].cancel()
        backend.hold.set()
        results = await asyncio.gather(*asks, return_exceptions=True)
        assert [getattr(each, "user_id", type(each)) for each in results] == [
            asyncio.CancelledError,
            *["7"] * 4,
        ]
        assert len(backend.questions) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_no_is_a_refusal_and_is_not_remembered(status):
    async with asking() as (auth, backend, _):
        backend.status = status
        with pytest.raises(AuthenticationError, match="refused"):
            await auth.authenticate(bearing("abc"))
        backend.status = 200
        assert (await auth.authenticate(bearing("abc"))).user_id == "7"


@pytest.mark.parametrize("status", [204, 302, 404, 500])
async def test_whatever_else_is_said_decides_nothing(status):
    async with asking() as (auth, backend, _):
        backend.status = status
        with pytest.raises(AuthenticationUnavailable, match=f"status {status}"):
            await auth.authenticate(bearing("abc"))


async def test_nonsense_silence_and_nobody_decide_nothing():
    async with asking(timeout_seconds=0.2) as (auth, backend, _):
        backend.answer = {"user": 7}
        with pytest.raises(AuthenticationUnavailable, match="unreadable answer"):
            await auth.authenticate(bearing("abc"))
        backend.hold.clear()
        with pytest.raises(AuthenticationUnavailable, match=r"timeout|ReadTimeout"):
            await auth.authenticate(bearing("def"))
    nobody = {"url": f"http://127.0.0.1:{free_port()}/who"}
    async with opened("auth", FACTORY, nobody) as host:
        with pytest.raises(AuthenticationUnavailable, match="ConnectError"):
            await host.backend.authenticate(bearing("abc"))


async def test_no_token_is_refused_without_asking():
    async with asking() as (auth, backend, _):
        with pytest.raises(AuthenticationError, match="missing"):
            await auth.authenticate(Handshake("/ws", {}, {}))
        assert backend.questions == []


async def test_a_fresh_token_must_be_the_same_users():
    async with asking() as (auth, backend, _):
        holder = Identity("7")
        assert (await auth.reauthenticate("abc", holder)).user_id == "7"
        backend.answer = {"user_id": "8"}
        with pytest.raises(AuthenticationError, match="other_user"):
            await auth.reauthenticate("def", holder)


async def test_the_memory_has_a_bound():
    async with asking(cache_tokens=2) as (auth, backend, _):
        for token in ("a", "b", "c", "c", "b", "a"):
            await auth.authenticate(bearing(token))
        assert [token for token, _ in backend.questions] == ["a", "b", "c", "a"]


async def test_clients_come_in_by_the_backends_word_and_leave_when_it_ends():
    async with asking() as (_, backend, options):
        backend.answer = {"user_id": "7", "expires_at": time.time() + 1}
        config = {"auth": {"ask": options}}
        factories = {("auth", "ask"): FACTORY}
        async with running_gateway(config, factories=factories) as gateway:
            async with gateway.connect("abc") as client:
                await gateway.events.wait_for("connected", user="7")
                with pytest.raises(ConnectionClosed) as closed:
                    await asyncio.wait_for(client.recv(), 10)
                assert closed.value.rcvd.code == 4401
            backend.status = 500
            async with gateway.connect("def") as client:
                with pytest.raises(ConnectionClosed) as closed:
                    await client.recv()
                assert closed.value.rcvd.code == 1013
