"""The backends on the page, each behind a real server and before a real gateway."""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.support.gateway import gateway, http_client
from tests.support.markdown import the_block

from gatewright.testing.ports import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]

PAGE = "docs/howto/python-backend.md"
SECRETS = {"GATEWAY_API_KEY": "a-key", "WEBHOOK_SECRET": "a-secret"}
SITE = """\
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="unused", ALLOWED_HOSTS=["127.0.0.1"])
app = get_wsgi_application()

import views

urlpatterns = [path("internal/ws/events", views.events)]
"""


def fastapi(folder):
    (folder / "app.py").write_text(the_block(PAGE, "app.py").text)
    return "uvicorn", "app:app", "--log-level", "warning", "--port"


def django(folder):
    (folder / "views.py").write_text(the_block(PAGE, "views.py").text)
    (folder / "site_.py").write_text(SITE)
    return "uvicorn", "site_:app", "--interface", "wsgi", "--log-level", "warning", "--port"


@asynccontextmanager
async def served(folder, framework, url):
    """A server with the page's code, and the address of its receiver."""
    port = free_port()
    (folder / "gateway.py").write_text(the_block(PAGE, "gateway.py").text)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *framework(folder),
        str(port),
        cwd=folder,
        env={**os.environ, **SECRETS, "GATEWRIGHT_URL": url},
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


@pytest.fixture(params=[fastapi, django], ids=lambda framework: framework.__name__)
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

    assert heard == {"type": "event", "payload": {"you said": {"say": "hi"}}}


async def test_what_the_gateway_did_not_sign_is_refused(tmp_path, framework):
    async with served(tmp_path, framework, "http://127.0.0.1:1") as url:
        for signature in ("", "sha256=", "sha256=" + "0" * 64):
            headers = {"X-Webhook-Signature": signature}
            assert await answer_of(url, b'{"type":"connected"}', **headers) == 401
