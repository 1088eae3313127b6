"""What the page about proxies says of several gateways, before two of them."""

import asyncio
import tomllib
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from tests.docs.test_proxies import PAGE, nginx_of
from tests.support.gateway import gateway
from tests.support.markdown import the_block
from websockets.asyncio.client import connect

from gatewright.testing.ports import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]


@asynccontextmanager
async def nginx(folder, first, second):
    """Run the page's nginx before two gateways; yield its address."""
    port = free_port()
    binds = {"127.0.0.1:8180": first.host, "127.0.0.1:8280": second.host}
    process = await asyncio.create_subprocess_exec(*nginx_of("several", folder, port, binds))
    try:
        await accepts(port)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def accepts(port):
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def test_a_client_that_one_gateway_cannot_take_comes_to_the_other(tmp_path):
    async with AsyncExitStack() as stack:
        running = []
        for name, limits in (("a", "limits: {connections: 1}"), ("b", "")):
            (tmp_path / name).mkdir()
            running.append(await stack.enter_async_context(gateway(tmp_path / name, limits)))
        full, free = running
        await stack.enter_async_context(full.socket("first"))
        address = await stack.enter_async_context(nginx(tmp_path, full, free))
        for _ in range(3):
            client = await stack.enter_async_context(connect(f"ws://{address}/ws?token=42"))
            await client.send('{"type":"ping"}')
            assert await client.recv() == '{"type":"pong"}'

        assert await free.metric("gatewright_connections") == 3
        assert await full.metric("gatewright_handshakes_total", result="full") >= 1


def test_traefiks_configuration_says_what_the_page_says():
    http = tomllib.loads(the_block(PAGE, "traefik").text)["http"]
    router = http["routers"]["gateway"]
    balancer = http["services"][router["service"]]["loadBalancer"]

    assert router["rule"] == "Path(`/ws`)"
    assert balancer["servers"] == [{"url": "http://127.0.0.1:8180"}]
    assert balancer["healthCheck"]["path"] == "/ready"
