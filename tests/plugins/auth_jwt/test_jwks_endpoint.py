"""One fetch, against a real server that does its worst."""

import logging
import time

import anyio
import pytest
from tests.plugins.auth_jwt.support import (
    answer,
    compressed,
    drip,
    endless,
    held,
    port_of,
    public_jwk,
)

from gatewright_auth_jwt import jwks_endpoint
from gatewright_auth_jwt.jwks_endpoint import FetchFailed, JwksEndpoint

pytestmark = pytest.mark.anyio

GOOD = {"keys": [public_jwk("RSA", kid="a")]}


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(jwks_endpoint, "TIMEOUT_SECONDS", 0.3)


async def failure(server, script):
    server.answer = script
    with pytest.raises(FetchFailed) as caught:
        await JwksEndpoint(server.url, ["RS256"]).fetch()
    return str(caught.value)


async def test_a_key_set_is_fetched(server):
    server.answer = answer(GOOD)

    keys = await JwksEndpoint(server.url, ["RS256"]).fetch()

    assert keys.find("RS256", "a")
    assert len(server.requests) == 1
    assert b"accept-encoding: identity\r\n" in server.requests[0].lower()


async def test_the_deadline_is_three_seconds():
    assert jwks_endpoint.TIMEOUT_SECONDS == 3


@pytest.mark.parametrize(
    "script",
    [
        held(anyio.Event(), answer(GOOD)),
        drip(b"HTTP/1.1 200 X\r\nX-Slow: "),
        drip(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n{"),
    ],
    ids=["silence", "slow head", "slow body"],
)
async def test_a_slow_answer_is_given_up_at_the_deadline_in_total(server, impatient, script):
    started = time.monotonic()

    assert await failure(server, script) == "no whole answer within 0.3 s"
    assert time.monotonic() - started < 3


async def test_an_endless_answer_is_given_up_at_the_cap(server):
    assert await failure(server, endless()) == "the answer is larger than 256 KiB"


async def test_an_answer_just_below_the_cap_is_read(server):
    server.answer = answer({**GOOD, "padding": "x" * 260_000})

    assert await JwksEndpoint(server.url, ["RS256"]).fetch()


@pytest.mark.parametrize("status", [204, 301, 302, 307, 400, 404, 429, 500, 503])
async def test_any_other_status_is_a_failure_and_redirects_are_not_followed(server, status):
    script = answer(GOOD, status=status, Location=server.url)

    assert await failure(server, script) == f"status {status}"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (answer(b"<html>"), "the answer is not JSON"),
        (answer(b""), "the answer is not JSON"),
        (answer(b"\xff"), "the answer is not JSON"),
        (answer(b"[" * 200_000), "the answer is not JSON"),
        (answer({"error": "no"}), "the answer is not a JSON Web Key Set"),
        (answer({"keys": []}), "the answer has no usable key for RS256"),
        (answer({"keys": [{"kty": "oct", "k": "eHh4"}]}), "the answer has no usable key for RS256"),
        (compressed(GOOD), "the answer is compressed, though that was declined"),
        (answer(GOOD, Content_Length="999999"), "broken answer: RemoteProtocolError"),
    ],
)
async def test_a_wrong_answer_is_a_failure_that_says_what_it_is(server, script, why):
    assert await failure(server, script) == why


async def test_garbage_instead_of_http_is_a_failure(server):
    async def garbage(stream):
        await stream.send(b"\0\1\2 nonsense\r\n\r\n")

    assert await failure(server, garbage) == "broken answer: RemoteProtocolError"


async def test_nobody_there_is_a_failure(free_port):
    endpoint = JwksEndpoint(f"http://127.0.0.1:{free_port}/keys", ["RS256"])

    with pytest.raises(FetchFailed, match=r"^cannot connect: "):
        await endpoint.fetch()


@pytest.fixture
async def free_port():
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = port_of(listener)
    await listener.aclose()
    return port


async def test_proxies_of_the_environment_are_not_used(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server.answer = answer(GOOD)

    assert await JwksEndpoint(server.url, ["RS256"]).fetch()


async def test_the_host_for_people_has_neither_path_nor_query():
    endpoint = JwksEndpoint("https://idp.example:8443/keys?code=hunter2", ["RS256"])

    assert endpoint.host == "idp.example:8443"


async def test_a_query_that_may_be_secret_is_not_in_the_failure(server, caplog):
    caplog.set_level(logging.INFO, logger="gatewright")
    server.path = "/keys?code=hunter2"

    assert "hunter2" not in await failure(server, answer({}, status=500))


async def test_cancelling_a_fetch_closes_its_connection(server):
    closed = anyio.Event()

    async def wait_for_the_end(stream):
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await stream.receive()
        closed.set()

    server.answer = wait_for_the_end
    async with anyio.create_task_group() as group:
        group.start_soon(JwksEndpoint(server.url, ["RS256"]).fetch)
        await server.asked.wait()
        group.cancel_scope.cancel()

    with anyio.fail_after(5):
        await closed.wait()
