"""The example transport: publications through a real nats-server."""

from __future__ import annotations

import asyncio
import json

import nats
import pytest
from nats.errors import NoRespondersError
from tests.support.nats_server import nats_server

from acme_nats import gatewright_transport
from gatewright import BusUnavailable
from gatewright.testing.conformance import TransportCase, TransportConformance
from gatewright.testing.doubles import Surroundings
from gatewright.testing.harness import running_gateway, two_gateways
from gatewright.testing.opening import Around, opened
from gatewright.testing.ports import free_port

pytestmark = pytest.mark.anyio

FACTORIES = {("transport", "nats"): gatewright_transport()}
BODY = b'{"subjects":["user:7"],"payload":{"n":1}}'
EVENT = {"type": "event", "payload": {"n": 1}}


class TestConformance(TransportConformance):
    @pytest.fixture
    async def case(self):
        async with nats_server() as server, await nats.connect(server.address) as backend:

            async def submit(_transport, data):
                answer = json.loads((await backend.request("ws.outbox", data, timeout=5)).data)
                assert "sent" in answer, answer

            yield TransportCase(
                factory=FACTORIES["transport", "nats"],
                options={"servers": [server.address]},
                submit=submit,
                away={"servers": [f"nats://127.0.0.1:{free_port()}"]},
            )


def config(server, **options):
    return {"transports": {"nats": {"servers": [server.address], **options}}}


async def heard(client):
    async with asyncio.timeout(5):
        return json.loads(await client.recv())


async def test_what_is_published_over_nats_reaches_clients_and_is_answered():
    async with (
        nats_server() as server,
        running_gateway(config(server), factories=FACTORIES) as gateway,
        gateway.connect("7") as client,
        await nats.connect(server.address) as backend,
    ):
        await gateway.until_ready()
        await gateway.events.wait_for("connected")
        answer = await backend.request("ws.outbox", BODY, timeout=5)
        assert json.loads(answer.data) == {"sent": 1}
        assert await heard(client) == EVENT
        refused = await backend.request("ws.outbox", b"nonsense", timeout=5)
        assert "not strict JSON" in json.loads(refused.data)["error"]
        await backend.publish("ws.outbox", BODY)
        assert await heard(client) == EVENT


@pytest.mark.parametrize("queue", [None, "gateways"])
async def test_two_nodes_deliver_each_publication_once(queue):
    options = {} if queue is None else {"queue": queue}
    async with (
        nats_server() as server,
        two_gateways(config(server, **options), factories=FACTORIES) as (one, other),
        one.connect("7") as here,
        other.connect("7") as there,
        await nats.connect(server.address) as backend,
    ):
        for each in (one, other):
            await each.until_ready()
            await each.events.wait_for("connected")
        numbers = range(20)
        for number in numbers:
            await backend.publish("ws.outbox", b'{"subjects":["user:7"],"payload":%d}' % number)
        for client in (here, there):
            got = [(await heard(client))["payload"] for _ in numbers]
            assert sorted(got) == list(numbers)
            assert queue is not None or got == list(numbers)


async def test_a_server_that_comes_late_or_again_is_found():
    async with nats_server() as server:
        await server.stop()
        async with (
            running_gateway(config(server), factories=FACTORIES) as gateway,
            gateway.connect("7") as client,
        ):
            await gateway.events.wait_for("connected")
            for _ in range(2):
                assert any("nats: not connected" in part for part in gateway.not_ready())
                await server.start()
                await gateway.until_ready()
                async with await nats.connect(server.address) as backend:
                    await backend.publish("ws.outbox", BODY)
                    assert await heard(client) == EVENT
                await server.stop()
                async with asyncio.timeout(5):
                    while not gateway.not_ready():
                        await asyncio.sleep(0.01)


async def test_a_token_opens_a_server_that_asks_for_one():
    async with nats_server(token="swordfish") as server:
        right = config(server, token="swordfish")
        async with running_gateway(right, factories=FACTORIES) as gateway:
            await gateway.until_ready()


async def test_poison_becomes_a_dead_letter_and_a_bus_that_is_away_is_waited_for():
    around = Around(gateway=Surroundings())
    around.gateway.refuse = [BusUnavailable("away"), BusUnavailable("still away")]
    async with nats_server() as server:
        options = {"servers": [server.address]}
        async with opened("transport", gatewright_transport(), options, around) as host:
            host.start(lambda: host.backend.run(around.gateway.publish))
            async with await nats.connect(server.address) as backend:
                async with asyncio.timeout(10):
                    while not host.backend.health().ready:
                        await asyncio.sleep(0.01)
                await backend.publish("ws.outbox", b"\xff\xfe")
                answer = await backend.request("ws.outbox", BODY, timeout=5)
                assert json.loads(answer.data) == {"sent": 1}
                assert [each.payload for each in around.gateway.published] == [b'{"n":1}']
                (letter,) = [each.letter for each in around.gateway.letters.stored]
                assert (letter.payload, letter.reason) == (b"\xff\xfe", "parse_error")
                await host.stop_run()
                async with asyncio.timeout(10):
                    while await responds(backend):  # the server learns of the end in its own time
                        pass


async def responds(backend):
    try:
        await backend.request("ws.outbox", BODY, timeout=0.2)
    except NoRespondersError:
        return False
    except nats.errors.TimeoutError:
        pass
    return True
