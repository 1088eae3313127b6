"""A gateway in the test's process serves as one outside does."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.support.certificates import Certificates
from websockets.exceptions import ConnectionClosed

from gatewright import (
    AuthenticationError,
    ConfigError,
    DeadLetter,
    ExtensionSettings,
    Factory,
    Identity,
    NoSettings,
    Publication,
    StartError,
    TransportSettings,
)
from gatewright.testing.clock import FakeClock
from gatewright.testing.doubles import Surroundings
from gatewright.testing.harness import running_gateway, two_gateways

pytestmark = pytest.mark.anyio

WORD = "wrong word"
EVENT = {"type": "event", "payload": {"n": 1}}


async def heard(client):
    async with asyncio.timeout(5):
        return json.loads(await client.recv())


async def test_clients_connect_talk_and_hear():
    async with running_gateway() as gateway:
        async with gateway.connect("7") as client:
            await gateway.events.wait_for("connected", user="7")
            receipt = await gateway.publish(b'{"n":1}', "user:7")
            assert (receipt.sent, receipt.exact) == (1, True)
            assert await heard(client) == EVENT
            await client.send('{"hello":"there"}')
            event = await gateway.events.wait_for("message_received")
            assert event.user_id == "7"
        await gateway.events.wait_for("disconnected", user="7")
        assert gateway.events.messages() == [{"hello": "there"}]
        assert gateway.metric("gatewright_sockets_total", driver="direct") == 1
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{gateway.http}/ready")).status_code == 200


async def test_the_end_is_a_drain():
    async with running_gateway() as gateway:
        client = await gateway.connect()
        await gateway.events.wait_for("connected")
    with pytest.raises(ConnectionClosed) as closed:
        await client.recv()
    assert closed.value.rcvd.code == 1012
    assert [event.type for event in gateway.events.events] == ["connected", "disconnected"]


async def test_two_gateways_are_one_cluster():
    async with two_gateways() as (one, other):
        await asyncio.gather(one.until_ready(), other.until_ready())
        async with one.connect("7") as here, other.connect("7") as there:
            await one.events.wait_for("connected")
            await other.events.wait_for("connected")
            assert (await other.publish(b'{"n":1}', "user:7")).sent == 2
            assert [await heard(here), await heard(there)] == [EVENT, EVENT]


async def test_one_ends_and_the_other_goes_on():
    async with running_gateway() as stays:
        async with running_gateway() as goes, goes.connect():
            await goes.events.wait_for("connected")
        async with stays.connect() as client:
            await stays.events.wait_for("connected")
            await stays.publish(b'{"n":1}')
            assert await heard(client) == EVENT


class Doorman:
    async def authenticate(self, handshake):
        if handshake.headers.get("x-word") != "swordfish":
            raise AuthenticationError(WORD)
        return Identity("known", close_at=1_700_000_060)

    async def reauthenticate(self, token, identity):
        raise AuthenticationError(WORD)


class Ticker:
    reach = "node"

    async def run(self, publish):
        await publish(Publication(("user:known",), b'{"n":1}'))
        await asyncio.get_running_loop().create_future()


def opens(backend, settings=NoSettings):
    @asynccontextmanager
    async def opening(settings, context):
        yield backend

    return Factory(settings=settings, open=opening, summary="made for a test")


async def test_plugins_are_given_as_they_are():
    factories = {
        ("auth", "doorman"): opens(Doorman()),
        ("transport", "ticker"): opens(Ticker(), TransportSettings),
    }
    config = "auth: {doorman: {}}\ntransports: {ticker: {}}"
    async with running_gateway(config, factories=factories) as gateway:
        async with gateway.connect() as refused:
            with pytest.raises(ConnectionClosed) as closed:
                await refused.recv()
            assert closed.value.rcvd.code == 4401
        name = {"transport": "ticker", "result": "accepted"}
        assert gateway.metric("gatewright_publications_total", **name) == 1


async def test_a_fake_clock_ends_a_credential():
    clock = FakeClock()
    factories = {("auth", "doorman"): opens(Doorman())}
    async with running_gateway(
        {"auth": {"doorman": {}}, "keepalive": {"interval_seconds": 0}},
        factories=factories,
        clock=clock,
    ) as gateway:
        async with gateway.connect_with({"X-Word": "swordfish"}) as client:
            await gateway.events.wait_for("connected", user="known")
            clock.advance(61)
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(client.recv(), 5)
            assert closed.value.rcvd.code == 4401


async def test_mistakes_are_told_as_everywhere():
    with pytest.raises(ConfigError, match=r"test\.yaml:\d+:\d+: server\.colour: unknown option"):
        async with running_gateway("server: {colour: red}"):
            pass
    with pytest.raises(ConfigError, match="environment variable SECRET is not set"):
        async with running_gateway("server: {node_id: '${SECRET}'}"):
            pass


async def test_a_plugin_that_does_not_open_is_named():
    @asynccontextmanager
    async def fails(settings, context):
        message = "no luck"
        raise OSError(message)
        yield

    factory = Factory(settings=NoSettings, open=fails, summary="fails")
    with pytest.raises(StartError, match=r"'doorman' \(in-this-test 0\).*no luck"):
        async with running_gateway("auth: {doorman: {}}", factories={("auth", "doorman"): factory}):
            pass


async def test_what_did_not_happen_is_told_with_what_did():
    async with running_gateway() as gateway, gateway.connect("7"):
        await gateway.events.wait_for("connected")
        with pytest.raises(AssertionError, match=r"no disconnected .* only \['connected of 7'\]"):
            await gateway.events.wait_for("disconnected", seconds=0.05)


async def test_tls_and_a_bind_of_its_own_for_backends_are_served_as_they_are_configured(tmp_path):
    certificates = Certificates.make(tmp_path)
    files = {"certificate": str(certificates.server), "key": str(certificates.server)}
    config = {"server": {"internal_bind": "127.0.0.1:0", "tls": files}}
    trusting = ssl.create_default_context(cafile=certificates.authority)
    async with running_gateway(config) as gateway:
        assert gateway.internal != gateway.address
        assert gateway.url.startswith("wss://")
        async with gateway.connect("7", ssl=trusting):
            await gateway.events.wait_for("connected", user="7")
        async with httpx.AsyncClient(trust_env=False, verify=trusting) as http:
            metrics = await http.get(f"{gateway.http}/metrics")
            assert "gatewright_connections" in metrics.text
            assert (await http.get(f"https://{gateway.address}/metrics")).status_code == 404
    async with running_gateway({"server": {"tls": files}}) as gateway:
        async with httpx.AsyncClient(trust_env=False, verify=trusting) as http:
            assert (await http.get(f"{gateway.http}/health")).status_code == 200


async def test_a_letter_that_was_removed_leaves_its_key_to_nobody():
    letters = Surroundings().letters
    first, second, third = (
        DeadLetter(id=name, kind="event", target="x", reason="y", payload=b"") for name in "abc"
    )
    await letters.put([first, second])
    (removed, kept) = await letters.read()
    assert await letters.remove([removed.key]) == 1
    await letters.put([third])
    assert len({kept.key, removed.key, (await letters.read())[-1].key}) == 3


class Clumsy:
    def on_message_received(self, event):
        raise RuntimeError(event.type)


@asynccontextmanager
async def open_clumsy(_settings, _context):
    yield Clumsy()


CLUMSY = {
    ("extension", "clumsy"): Factory(settings=ExtensionSettings, open=open_clumsy, summary="raises")
}


async def test_a_plugin_that_may_not_fail_is_waited_for():
    sections = "extensions: {clumsy: {on_error: fail}}"
    async with running_gateway(sections, factories=CLUMSY) as gateway:
        with pytest.raises(AssertionError, match="no plugin has failed within 0 s"):
            await gateway.until_failed(0)
        async with gateway.connect() as client:
            await client.send("{}")
            await gateway.until_failed()


async def test_one_that_may_fail_ends_nothing():
    async with running_gateway("extensions: {clumsy: {}}", factories=CLUMSY) as gateway:
        async with gateway.connect() as client:
            await client.send("{}")
            await gateway.events.wait_for("message_received")
        with pytest.raises(AssertionError):
            await gateway.until_failed(0)
