"""The proxies' configurations on the page, each before a real gateway."""

import asyncio
import getpass
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.support.gateway import API_KEY, config_text, gateway, http_client
from tests.support.markdown import ROOT, blocks_of, the_block
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from gatewright.testing.ports import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

PAGE = "docs/howto/behind-a-proxy.md"
CLIENT = "203.0.113.7"
NGINX = """\
daemon off;
{user}
pid nginx.pid;
error_log stderr error;
events {{}}
http {{
{temporary}
{shown}
}}
"""


def nginx(folder, port, bind):
    """Return the command of an nginx with what the page shows."""
    return nginx_of("one", folder, port, {"127.0.0.1:8180": bind})


def nginx_of(marker, folder, port, binds):
    """Return the command of an nginx with the block so marked, before other binds."""
    shown = the_block(PAGE, marker).text.replace("listen 80;", f"listen 127.0.0.1:{port};")
    shown = shown.replace("/var/log/nginx/", f"{folder}/")
    for written, bind in binds.items():
        shown = shown.replace(written, bind)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    text = NGINX.format(
        user="user root;" if getpass.getuser() == "root" else "",
        temporary="\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds),
        shown=shown,
    )
    (folder / "nginx.conf").write_text(text)
    return "nginx", "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")


def haproxy(folder, port, bind):
    """Return the command of an HAProxy with what the page shows."""
    (block,) = (block for block in blocks_of(ROOT / PAGE, "text") if "frontend" in block.text)
    shown = block.text.replace("bind :80", f"bind 127.0.0.1:{port}")
    (folder / "haproxy.cfg").write_text(shown.replace("127.0.0.1:8180", bind))
    return "haproxy", "-db", "-f", str(folder / "haproxy.cfg")


@asynccontextmanager
async def proxied(folder, command):
    """A gateway as the page has it, and a proxy before it; yield both, the proxy by its address."""
    sections = the_block(PAGE, "gateway").text
    for port in ("8180", "8181"):
        sections = sections.replace(f":{port}", ":0")
    async with gateway(folder, config_text(sections)) as running:
        port = free_port()
        process = await asyncio.create_subprocess_exec(*command(folder, port, running.host))
        try:
            await answers(port)
            yield running, f"127.0.0.1:{port}"
        finally:
            process.terminate()
            await process.wait()


async def answers(port):
    """Wait until the proxy lets a request for the WebSocket's path through to the gateway."""
    async with http_client() as client, asyncio.timeout(20):
        while True:
            try:
                answer = await client.get(f"http://127.0.0.1:{port}/ws")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                if answer.status_code == 426:
                    return
                await asyncio.sleep(0.05)


@pytest.fixture(params=[nginx, haproxy], ids=lambda command: command.__name__)
def command(request):
    return request.param


async def test_a_client_hears_through_the_proxy(tmp_path, command):
    headers = {"Authorization": "Bearer 42"}
    async with proxied(tmp_path, command) as (running, address):
        async with connect(f"ws://{address}/ws", additional_headers=headers) as client:
            assert await running.publish("hello") == 1
            assert await client.recv() == '{"type":"event","payload":"hello"}'


async def test_the_log_has_the_clients_address_and_not_the_proxys(tmp_path, command):
    headers = {"X-Forwarded-For": CLIENT}
    async with proxied(tmp_path, command) as (running, address):
        async with connect(f"ws://{address}/ws", additional_headers=headers) as client:
            with pytest.raises(ConnectionClosedError) as closed:
                await client.recv()
        refused = await running.logged("handshake refused")

    assert closed.value.rcvd.code == 4401
    assert (refused["reason"], refused["client"]) == ("missing", CLIENT)


async def test_nothing_but_the_websocket_is_let_through(tmp_path, command):
    async with proxied(tmp_path, command) as (_, address), http_client() as client:
        for path in ("/internal/publish", "/metrics", "/ready", "/ws/../internal/publish"):
            answer = await client.post(f"http://{address}{path}", headers={"X-Api-Key": API_KEY})
            assert answer.status_code in {404, 405}
            assert "gatewright" not in answer.text


async def test_a_token_in_the_query_is_not_in_nginx_log(tmp_path):
    async with proxied(tmp_path, nginx) as (_, address):
        async with connect(f"ws://{address}/ws?token=very-secret"):
            pass
        async with asyncio.timeout(10):
            while "GET /ws" not in (text := (tmp_path / "ws.log").read_text()):
                await asyncio.sleep(0.02)

    assert "very-secret" not in text
