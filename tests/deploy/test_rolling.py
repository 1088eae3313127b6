"""Two gateways are restarted one after the other behind the proxies, while clients listen."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx
import pytest
from tests.support.gateway import API_KEY, gateway, http_client
from tests.support.proxies import haproxy, nginx, proxy
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gatewright.testing.brokers.redis_server import RedisServer
from gatewright.testing.ports import free_ports

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

CLIENTS = 10  # at each proxy


class Node:
    """One of two gateways, at an address that stays."""

    def __init__(self, folder, name, redis, ports):
        self.folder = folder / name
        self.folder.mkdir()
        self.host, self.internal = (f"127.0.0.1:{port}" for port in ports)
        self.sections = "\n".join(
            [
                "server:",
                f"  bind: {self.host}",
                f"  internal_bind: {self.internal}",
                f"  node_id: {name}",
                "  trusted_proxies: [127.0.0.1]",
                f"bus: {{redis: {{dsn: '{redis.dsn}'}}}}",
                f"presence: {{redis: {{dsn: '{redis.dsn}'}}}}",
            ]
        )

    @asynccontextmanager
    async def running(self):
        """Run it, ready from the start on, and drain it at the end."""
        async with gateway(self.folder, self.sections) as started:
            async with asyncio.timeout(20):
                while (await started.get("/ready")).status_code != 200:
                    await asyncio.sleep(0.02)
            yield started
            started.terminate()
            assert await started.exited() == 0


class Client:
    """Connects, listens, and comes back when it is closed; notes what each of its sockets heard.

    Attributes:
        sessions: For each socket, the number published last before it was there, and what it heard.
        codes: How its sockets ended.
        refused: Handshakes that no node took.
    """

    def __init__(self, front, published):
        self.front, self.published = front, published
        self.sessions, self.codes, self.refused = [], [], 0
        self.task = asyncio.create_task(self._run())

    async def _run(self):
        while True:
            try:
                async with self.front.socket("42") as socket:
                    await self._listen(socket)
            except InvalidStatus:
                self.refused += 1
                await asyncio.sleep(0.05)  # as clients wait

    async def _listen(self, socket):
        await socket.send('{"type":"ping"}')
        heard = []
        with suppress(ConnectionClosed):
            async for text in socket:
                frame = json.loads(text)
                if frame["type"] == "pong":
                    self.sessions.append((self.published[0], heard))
                else:
                    heard.append(frame["payload"])
        self.codes.append(socket.close_code)

    def missed(self):
        """Return what one of its sockets should have heard and did not."""
        gaps = []
        for before, heard in self.sessions:
            since = [number for number in heard if number > before + 1]  # one may be on its way
            gaps += sorted(set(range(before + 2, max(since, default=0))) - set(since))
            assert heard == sorted(set(heard))
        return gaps

    async def heard(self, number, seconds=30):
        """Wait until its present socket heard a number, or a later one."""
        async with asyncio.timeout(seconds):
            while not any(later >= number for _, heard in self.sessions[-1:] for later in heard):
                await asyncio.sleep(0.02)


class Publishing:
    """Publishes numbers, through either node as a balancer of backends would, until stopped."""

    def __init__(self, nodes):
        self.nodes, self.published, self.on = nodes, [0], True
        self.task = asyncio.create_task(self._run())

    async def _run(self):
        async with http_client() as http:
            while self.on:
                await self.one(http)
                await asyncio.sleep(0.01)

    async def one(self, http):
        """Publish the next number, to the node that takes it."""
        number = self.published[0] + 1
        body = {"subjects": ["user:42"], "payload": number, "id": f"n-{number}"}
        for node in self.nodes:
            with suppress(httpx.HTTPError):
                answer = await http.post(
                    f"http://{node.internal}/internal/publish",
                    json=body,
                    headers={"X-Api-Key": API_KEY},
                )
                if answer.status_code == 200:
                    self.published[0] = number
                    return


async def everybody_hears(clients, publishing):
    """Wait until all clients heard something that is published from now on."""
    number = publishing.published[0] + 2
    await asyncio.gather(*(client.heard(number) for client in clients))


async def given_to(node, front):
    """Wait until a proxy gives new clients to a node that is back, and has none."""
    async with asyncio.timeout(30):
        while True:
            before = await node.metric("gatewright_handshakes_total", result="accepted")
            async with front.socket("7") as probe:
                await probe.send('{"type":"ping"}')
                await probe.recv()
            if await node.metric("gatewright_handshakes_total", result="accepted") > before:
                return
            await asyncio.sleep(0.1)


async def test_a_rolling_restart_leaves_no_client_out(tmp_path):
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(RedisServer.start(tmp_path / "redis"))
        ports = free_ports(4)
        nodes = [Node(tmp_path, "a", redis, ports[:2]), Node(tmp_path, "b", redis, ports[2:])]
        lives = [AsyncExitStack(), AsyncExitStack()]
        for node, life in zip(nodes, lives, strict=True):
            await stack.enter_async_context(life)
            await life.enter_async_context(node.running())
        fronts = [
            await stack.enter_async_context(proxy(tmp_path, command, *(n.host for n in nodes)))
            for command in (nginx, haproxy)
        ]
        publishing = Publishing(nodes)
        clients = [Client(front, publishing.published) for front in fronts for _ in range(CLIENTS)]
        stack.callback(lambda: [client.task.cancel() for client in clients])
        await everybody_hears(clients, publishing)
        for node, life in zip(nodes, lives, strict=True):
            await life.aclose()
            await everybody_hears(clients, publishing)
            back = await life.enter_async_context(node.running())
            await given_to(back, fronts[-1])  # HAProxy must have seen it; nginx looks at nobody
        await everybody_hears(clients, publishing)
        publishing.on = False
        await publishing.task
        last = publishing.published[0]
        await asyncio.gather(*(client.heard(last) for client in clients))

        assert [client.missed() for client in clients] == [[]] * len(clients)
        assert sum(client.refused for client in clients) == 0
        assert {code for client in clients for code in client.codes} == {1012}
        assert sum(len(client.codes) for client in clients) >= len(clients)
        assert not any(client.task.done() for client in clients)
