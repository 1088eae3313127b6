"""The backends on the page, each behind a real server and before a real gateway or broker."""

import asyncio
import json
import os
import sys
import sysconfig
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.support.gateway import gateway, http_client
from tests.support.markdown import the_block

from gatewright.testing.ports import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]

PAGE = "docs/howto/python-backend.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = {"GATEWAY_API_KEY": "a-key", "WEBHOOK_SECRET": SECRET}
BACKEND = {"WS_GATEWAY_API_KEY": "a-key", "WS_WEBHOOK_SECRET": SECRET}
SITE = """\
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="unused", ALLOWED_HOSTS=["127.0.0.1"])
app = get_wsgi_application()

import views

urlpatterns = [
    path("internal/ws/events", views.events),
    path("online/<user_id>", views.online),
]
"""


def write(folder, *names):
    for name in names:
        (folder / name).write_text(the_block(PAGE, name).text)


def fastapi(folder):
    write(folder, "app.py")
    return "uvicorn", "app:app", "--log-level", "warning", "--port"


def django(folder):
    write(folder, "gateway.py", "views.py")
    (folder / "site_.py").write_text(SITE)
    return "uvicorn", "site_:app", "--interface", "wsgi", "--log-level", "warning", "--port"


def flask(folder):
    write(folder, "gateway.py", "flask_app.py")
    return "uvicorn", "flask_app:app", "--interface", "wsgi", "--log-level", "warning", "--port"


@asynccontextmanager
async def served(folder, framework, url):
    """A server with the page's code, and the address of its receiver."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *framework(folder),
        str(port),
        cwd=folder,
        env={**os.environ, **BACKEND, "WS_GATEWAY_BASE_URL": url},
    )
    try:
        yield f"http://127.0.0.1:{port}/internal/ws/events"
    finally:
        process.terminate()
        await process.wait()


async def answer_of(url, body, **headers):
    """Post once the server is up, and return the status."""
    async with http_client() as client, asyncio.timeout(30):
        while True:
            try:
                return (await client.post(url, content=body, headers=headers)).status_code
            except httpx.ConnectError:
                await asyncio.sleep(0.05)


async def online(url, user_id):
    async with http_client() as client:
        answer = await client.get(url.replace("internal/ws/events", f"online/{user_id}"))
    return {"true": True, "false": False}[answer.text]


@pytest.fixture(params=[fastapi, django, flask], ids=lambda framework: framework.__name__)
def framework(request):
    return request.param


async def test_a_client_is_answered(tmp_path, framework):
    bind = f"127.0.0.1:{free_port()}"
    sections = f"server: {{bind: '{bind}'}}\n" + the_block(PAGE, "gateway").text
    async with served(tmp_path, framework, f"http://{bind}") as url:
        assert await answer_of(url, b"{}") == 401
        environ = {**SECRETS, "WEBHOOK_URL": url}
        async with (
            gateway(tmp_path, sections, environ=environ) as running,
            running.socket("42") as client,
        ):
            await client.send('{"say":"hi"}')
            heard = json.loads(await client.recv())
            assert await online(url, "42")
            assert not await online(url, "43")

    assert heard == {"type": "event", "payload": {"you said": {"say": "hi"}}}


async def test_what_the_gateway_did_not_sign_is_refused(tmp_path, framework):
    async with served(tmp_path, framework, "http://127.0.0.1:1") as url:
        for signature in ("", "sha256=", "sha256=" + "0" * 64):
            headers = {"X-Webhook-Signature": signature}
            assert await answer_of(url, b'{"type":"connected"}', **headers) == 401


@asynccontextmanager
async def started(folder, redis, *words):
    environ = {"WS_MODE": "core", "WS_REDIS_DSN": redis.dsn, "WS_EVENTS_START": "0"}
    process = await asyncio.create_subprocess_exec(
        *words, cwd=folder, env={**os.environ, **environ}, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.communicate()


async def test_the_consumer_hears_from_a_stream(tmp_path, redis):
    write(tmp_path, "consumer.py")
    command = Path(sysconfig.get_path("scripts")) / "gatewright-consume"
    stream = f"events: {{redis_stream: {{dsn: '{redis.dsn}'}}}}\n"
    async with gateway(tmp_path, stream) as running:
        for words in ((str(command), "consumer:events"), (sys.executable, "consumer.py")):
            async with (
                started(tmp_path, redis, *words) as process,
                running.socket("42"),
                asyncio.timeout(30),
            ):
                assert await process.stdout.readline() == b"connected: 42\n"
