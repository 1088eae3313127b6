"""Several real gateways that share brokers, and backends that publish to them."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import aio_pika
from redis.asyncio import Redis
from tests.support.gateway import API_KEY, gateway, http_client
from websockets.exceptions import ConnectionClosed

LEASE_SECONDS = 3


def sections(redis, rabbitmq, bus, *, node_id, extra=""):
    """Return a node's configuration: every transport, shared presence, events into a stream."""
    buses = {
        "redis": f"bus: {{redis: {{dsn: '{redis.dsn}'}}}}",
        "rabbitmq": f"bus: {{rabbitmq: {{dsn: '{rabbitmq.dsn}'}}}}",
        "memory": "bus: {memory: {}}",
    }
    return "\n".join(
        [
            f'server: {{bind: "127.0.0.1:0", node_id: {node_id}}}',
            "transports:",
            f"  http: {{api_keys: [{API_KEY}]}}",
            f"  redis_stream: {{dsn: '{redis.dsn}'}}",
            f"  rabbitmq: {{dsn: '{rabbitmq.dsn}'}}",
            f"presence: {{redis: {{dsn: '{redis.dsn}', lease_seconds: {LEASE_SECONDS}}}}}",
            f"events: {{redis_stream: {{dsn: '{redis.dsn}'}}}}",
            "rate_limit: {token_bucket: {per_second: 0}}",
            buses[bus],
            extra,
        ]
    )


@dataclass
class Cluster:
    """Gateways that share a Redis, a virtual host of RabbitMQ, and a bus.

    Attributes:
        nodes: The running gateways, by their node id.
    """

    directory: object
    redis: object
    rabbitmq: object
    bus: str
    nodes: dict = field(default_factory=dict)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    numbers: object = field(default_factory=lambda: itertools.count(1))

    async def start(self, node_id, extra=""):
        """Start a node and wait until it is ready."""
        folder = self.directory / f"{node_id}-{next(self.numbers)}"
        folder.mkdir()
        text = sections(self.redis, self.rabbitmq, self.bus, node_id=node_id, extra=extra)
        running = await self.stack.enter_async_context(gateway(folder, text))
        self.nodes[node_id] = running
        return running

    async def ready(self, seconds=30):
        """Wait until every node is, and all of them see each other."""
        async with asyncio.timeout(seconds):
            for running in self.nodes.values():
                while (await running.get("/ready")).status_code != 200:
                    await asyncio.sleep(0.05)
                while len(self.nodes) > 1 and await self.seen_by(running) < len(self.nodes) - 1:
                    await asyncio.sleep(0.05)

    async def seen_by(self, running):
        """How many other nodes a node sees."""
        parts = (await running.get("/ready")).json()["parts"]
        return parts.get("neighbours", {}).get("nodes", 0)


@asynccontextmanager
async def cluster(directory, redis, rabbitmq, bus, *node_ids):
    """Run nodes until the end."""
    made = Cluster(directory, redis, rabbitmq, bus)
    async with made.stack:
        for node_id in node_ids:
            await made.start(node_id)
        await made.ready()
        yield made


class Listener:
    """A client that notes the payloads it hears, and how it was closed.

    Attributes:
        heard: The payloads, in order.
        code: The close code, once it is closed.
    """

    def __init__(self, running, user):
        self.running = running
        self.user = user
        self.heard = []
        self.code = None

    async def __aenter__(self):
        self.client = await self.running.socket(self.user)
        self.reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_):
        await self.client.close()
        await self.reading

    async def _read(self):
        try:
            while True:
                self.heard.append(json.loads(await self.client.recv())["payload"])
        except ConnectionClosed as closed:
            self.code = closed.rcvd.code if closed.rcvd else 1006

    async def until(self, holds, seconds=20):
        """Wait until ``holds(heard)``."""
        try:
            async with asyncio.timeout(seconds):
                while not holds(self.heard):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            message = f"{self.user} heard {len(self.heard)}, at last {self.heard[-5:]}"
            raise AssertionError(message) from None

    async def until_heard(self, payload, seconds=20):
        """Wait until a payload came."""
        await self.until(lambda heard: payload in heard, seconds)


class HttpBackend:
    """Publishes over HTTP, to the nodes that there are, in turn; what fails is for the caller."""

    def __init__(self, made):
        self.made = made
        self.turns = itertools.count()

    async def __aenter__(self):
        self.client = http_client()
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *exc):
        await self.client.__aexit__(*exc)

    async def publish(self, payload, *subjects, **fields):
        body = {"subjects": list(subjects), "payload": payload, **fields}
        nodes = list(self.made.nodes.values())
        answer = await self.client.post(
            nodes[next(self.turns) % len(nodes)].http + "/internal/publish",
            json=body,
            headers={"X-Api-Key": API_KEY},
        )
        answer.raise_for_status()
        return answer


class RedisBackend:
    """Publishes through the stream, as the contract has it."""

    def __init__(self, dsn):
        self.client = Redis.from_url(dsn)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.client.aclose()

    async def publish(self, payload, *subjects, **fields):
        body = {"subjects": list(subjects), "payload": payload, **fields}
        await self.client.xadd("ws.outbox", {"data": json.dumps(body)})


class RabbitBackend:
    """Publishes through the exchange and declares everything itself, as the contract has it."""

    def __init__(self, dsn):
        self.dsn = dsn

    async def __aenter__(self):
        self.connection = await aio_pika.connect(self.dsn)
        channel = await self.connection.channel()
        self.exchange = await channel.declare_exchange("ws.outbox", durable=True)
        queue = await channel.declare_queue("ws.outbox", durable=True)
        await queue.bind(self.exchange, "ws.outbox")
        return self

    async def __aexit__(self, *_):
        await self.connection.close()

    async def publish(self, payload, *subjects, **fields):
        body = json.dumps({"subjects": list(subjects), "payload": payload, **fields})
        message = aio_pika.Message(
            body.encode(),
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        await self.exchange.publish(message, "ws.outbox")


def backend(name, made):
    """Return the backend of a transport."""
    if name == "http":
        return HttpBackend(made)
    if name == "redis_stream":
        return RedisBackend(made.redis.dsn)
    return RabbitBackend(made.rabbitmq.dsn)
