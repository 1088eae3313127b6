"""The page about Python backends: what it does without the SDK, before a real gateway."""

import asyncio
import importlib.util
import time

import pytest
from tests.support.gateway import API_KEY, gateway
from tests.support.markdown import the_block
from tests.support.receiver import receiver
from websockets.asyncio.client import connect

from gatewright_events_webhook.signing import Signer

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

PAGE = "docs/howto/python-backend.md"
SECRETS = ["any text", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]


@pytest.fixture(params=SECRETS)
def environ(request):
    return {"GATEWAY_API_KEY": API_KEY, "WEBHOOK_SECRET": request.param}


@pytest.fixture
def load(tmp_path, monkeypatch, environ):
    """Load the page's module with an environment of its own, and more where it is given."""

    def load(**more):
        for name, value in (environ | more).items():
            monkeypatch.setenv(name, value)
        path = tmp_path / "page.py"
        path.write_text(the_block(PAGE, "plain.py").text)
        spec = importlib.util.spec_from_file_location("page", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


async def test_what_the_gateway_sends_is_genuine_and_what_it_is_asked_is_right(
    tmp_path, load, environ
):
    async with receiver() as backend:
        environ["WEBHOOK_URL"] = backend.url
        async with gateway(tmp_path, the_block(PAGE, "gateway").text, environ=environ) as running:
            page = load(GATEWRIGHT_URL=running.http)
            async with connect(f"{running.url}?token=a/b%20c") as client:
                (event,) = await backend.until(bool)
                assert page.is_genuine(event.headers, event.body)
                assert not page.is_genuine(event.headers, event.body + b" ")
                for _ in range(2):
                    assert await asyncio.to_thread(page.publish, "user:a/b c", 1, "order-17") == 1
                assert await asyncio.to_thread(page.publish, "user:a/b c", 2) == 1
                assert [await client.recv() for _ in range(2)] == [
                    '{"type":"event","payload":1}',
                    '{"type":"event","payload":2}',
                ]
                assert await asyncio.to_thread(page.is_online, "a/b c")
                assert not await asyncio.to_thread(page.is_online, "a")


@pytest.mark.parametrize("wrong", ["", "sha256=", "v1,", "é", "v1,é v1,"])
def test_a_signature_that_is_none_is_refused(load, environ, wrong):
    signed = signed_at(environ, time.time())
    page = load()

    assert page.is_genuine(signed, b"{}")
    forged = {name: wrong if "ignature" in name else value for name, value in signed.items()}
    assert not page.is_genuine(forged, b"{}")
    assert not page.is_genuine({}, b"{}")


def test_an_old_request_is_refused_where_it_says_when_it_was_made(load, environ):
    page = load()
    standard = environ["WEBHOOK_SECRET"] == SECRETS[1]

    for seconds in (-400, 400):
        old = signed_at(environ, time.time() + seconds)
        assert page.is_genuine(old, b"{}") is not standard
        plain = {"X-Webhook-Signature": old["X-Webhook-Signature"]}
        assert page.is_genuine(plain, b"{}") is not standard, "a whsec_ secret asks for the time"


def signed_at(environ, seconds):
    signer = Signer(environ["WEBHOOK_SECRET"])
    return {"webhook-id": "id", **signer.headers("id", b"{}", int(seconds))}
