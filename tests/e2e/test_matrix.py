"""Every way to publish, with every way to know who is there, with every way to hear of clients.

One real gateway for each of transport × presence sends its events in all three ways, to three real
backends: each hears in one of them. Redis and RabbitMQ are real and shared; every name is one
gateway's own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import asynccontextmanager

import pytest
from anyio.from_thread import start_blocking_portal
from tests.support.demo_backend import demo_backend
from tests.support.gateway import API_KEY, gateway
from tests.support.side_by_side import side_by_side

from gatewright.testing.brokers.redis_server import RedisServer
from gatewright.testing.ports import free_ports

TRANSPORTS = ("http", "redis_stream", "rabbitmq")
PRESENCE = ("http, memory", "http, redis", "redis")
EVENTS = ("webhook", "redis_stream", "rabbitmq")
SECRET = "matrix-secret"

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]  # servers' starts included


@pytest.fixture(scope="module")
def portal():
    """A loop in a thread of its own, for what lives longer than a test."""
    with start_blocking_portal() as running:
        yield running


@pytest.fixture(scope="module")
def brokers(portal, rabbitmq_server, tmp_path_factory):
    """The addresses of a Redis, and of a virtual host of the session's RabbitMQ."""
    server = RedisServer.start(tmp_path_factory.mktemp("redis"))
    with portal.wrap_async_context_manager(server) as redis:
        with portal.wrap_async_context_manager(rabbitmq_server.vhost()) as rabbitmq:
            yield redis.dsn, rabbitmq.dsn


@pytest.fixture(
    scope="module",
    params=itertools.product(TRANSPORTS, PRESENCE),
    ids=", presence by ".join,
)
def trio(request, portal, brokers, tmp_path_factory):
    """A gateway, its three backends by how they hear, and whether they are told who heard."""
    transport, presence = request.param
    folder = tmp_path_factory.mktemp("matrix")
    together = started(folder, transport, presence, *brokers)
    with portal.wrap_async_context_manager(together) as made:
        yield made, transport == "http"


def sections(names, presence, redis, rabbitmq, webhook):
    """Return a gateway's configuration, with all transports and all sinks."""
    queue = "exchange: {0}, queue: {0}, routing_key: {0}"
    kept = (
        "memory: {}" if "memory" in presence else f"redis: {{dsn: '{redis}', prefix: '{names}:'}}"
    )
    return "\n".join(
        [
            "transports:",
            f"  http: {{api_keys: [{API_KEY}]}}",
            f"  redis_stream: {{dsn: '{redis}', stream: {names}.out}}",
            f"  rabbitmq: {{dsn: '{rabbitmq}', {queue.format(f'{names}.out')}}}",
            f"presence: {{{kept}}}",
            "events:",
            f"  webhook: {{url: '{webhook}', secret: {SECRET}}}",
            f"  redis_stream: {{dsn: '{redis}', stream: {names}.events}}",
            f"  rabbitmq: {{dsn: '{rabbitmq}', {queue.format(f'{names}.events')}}}",
        ]
    )


def environment(names, transport, presence, events, redis, rabbitmq, base_url):
    """Return what one backend's environment says."""
    parts = ("EXCHANGE", "QUEUE", "ROUTING_KEY")
    return {
        "WS_TRANSPORT_TYPE": transport,
        "WS_PRESENCE_TYPE": presence.partition(",")[0],
        "WS_EVENTS_TYPE": events,
        "WS_GATEWAY_BASE_URL": base_url,
        "WS_GATEWAY_API_KEY": API_KEY,
        "WS_REDIS_DSN": redis,
        "WS_REDIS_STREAM": f"{names}.out",
        "WS_REDIS_PREFIX": f"{names}:",
        "WS_REDIS_EVENTS_STREAM": f"{names}.events",
        "WS_EVENTS_START": "0",  # what happens before the backend is there counts, too
        "WS_RABBITMQ_DSN": rabbitmq,
        **{f"WS_RABBITMQ_{part}": f"{names}.out" for part in parts},
        **{f"WS_RABBITMQ_EVENTS_{part}": f"{names}.events" for part in parts},
        "WS_WEBHOOK_SECRET": SECRET,
    }


@asynccontextmanager
async def started(folder, transport, presence, redis, rabbitmq):
    """Run a gateway and its backends; yield it, and them by how they hear."""
    names, (gateway_port, webhook_port) = folder.name, free_ports(2)
    base_url = f"http://127.0.0.1:{gateway_port}"
    webhook = f"http://127.0.0.1:{webhook_port}/internal/ws/events"
    environs = {
        events: environment(names, transport, presence, events, redis, rabbitmq, base_url)
        for events in EVENTS
    }
    environs["webhook"]["BACKEND_BIND"] = f"127.0.0.1:{webhook_port}"
    text = f"server: {{bind: '127.0.0.1:{gateway_port}', drain_seconds: 1}}\n"
    text += sections(names, presence, redis, rabbitmq, webhook)
    async with side_by_side(
        gateway(folder, text), *(demo_backend(**environ) for environ in environs.values())
    ) as (running, *backends):
        yield running, dict(zip(EVENTS, backends, strict=True))


@pytest.mark.parametrize("events", EVENTS)
async def test_messages_go_both_ways_and_presence_shows_who_is_there(trio, events):
    (running, backends), tells = trio
    backend, user = backends[events], f"user of {events}"
    online = f"/api/online?user_id={user}"

    async with running.socket(user) as client:
        await backend.until(online, lambda answer: answer.json()["online"])

        said = {"case": events, "n": 1}
        await client.send(json.dumps(said))
        last = await backend.until(
            "/api/ws/last-message",
            lambda answer: answer.status_code == 200 and answer.json()["message"] == said,
        )
        assert last["user_id"] == user
        assert last["raw"] == json.dumps(said)

        pushed = {"pushed to": user}
        answer = await backend.post(f"/api/push-demo/{user}", json=pushed)
        assert answer.json() == {"user_id": user, "sent": 1 if tells else None}
        async with asyncio.timeout(20):
            assert json.loads(await client.recv()) == {"type": "event", "payload": pushed}

    gone = await backend.until(online, lambda answer: not answer.json()["online"])
    assert gone["connections"] == []
