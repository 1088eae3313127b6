"""The browser client's tokens before a real gateway: refused, ended, exchanged."""

import asyncio
import time

import pytest
from tests.support.gateway import gateway
from tests.support.tokens import public_pem, token

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("chromium")]

SECTIONS = """\
auth: {jwt: {public_key_file: public.pem}}
session: {refresh: true}
"""
QUICK = {"minMs": 20, "maxMs": 200}


@pytest.fixture(scope="module")
async def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "public.pem").write_bytes(public_pem())
    async with gateway(folder, SECTIONS) as started:
        yield started


@pytest.mark.parametrize("token_in", ["query", "protocol"])
async def test_a_token_lets_in_by_either_way(runtime, running, token_in):
    user = f"by {token_in}"
    client = await runtime.watch(running.url, token=token(user), tokenIn=token_in)

    assert await client.open() is None
    assert await running.publish("hi", f"user:{user}") == 1
    assert await client.until("event") == ["hi"]


async def test_a_fixed_token_that_is_refused_is_not_shown_again(runtime, running):
    client = await runtime.watch(running.url, token=token(expires_in=-10), backoff=QUICK)

    refusal = await client.open()

    assert "the gateway refused the token" in refusal
    assert await client.until("close") == [{"code": 4401, "reason": "", "retryMs": None}]
    assert await client.states() == ["connecting", "refused"]  # it never was open


async def test_a_refused_token_is_replaced_by_a_fresh_one(runtime, running):
    tokens = [token(expires_in=-10), token("fresh")]
    client = await runtime.watch(running.url, tokens=tokens, backoff=QUICK)

    assert await client.open() is None
    assert await client.asked() == [False, True]
    assert await client.states() == ["connecting", "waiting", "connecting", "open"]
    assert await running.publish("hi", "user:fresh") == 1


async def test_a_fresh_token_that_is_the_same_is_not_shown_again(runtime, running):
    client = await runtime.watch(running.url, tokens=[token(expires_in=-10)], backoff=QUICK)

    assert "gives the same one again" in await client.open()
    assert await client.asked() == [False, True]
    assert [end["code"] for end in await client.until("close", 2)] == [4401, 4401]


async def test_after_a_second_refusal_nothing_is_tried(runtime, running):
    tokens = [token(expires_in=-10), token(expires_in=-20), token()]
    client = await runtime.watch(running.url, tokens=tokens, backoff=QUICK)

    assert "and a fresh one" in await client.open()
    assert await client.asked() == [False, True]

    await client.call("connect")  # by somebody who has logged in again

    await client.until("open")
    assert await client.asked() == [False, True, True]


async def test_when_its_token_ends_it_comes_back_with_another(runtime, running):
    tokens = [token(expires_in=3), token("next")]
    client = await runtime.watch(running.url, tokens=tokens, backoff=QUICK)
    await client.open()

    await client.until("open", 2)

    assert [end["code"] for end in await client.until("close")] == [4401]
    assert await client.asked() == [False, True]
    assert await running.publish("hi", "user:next") == 1


async def test_a_token_is_exchanged_before_it_ends(runtime, running):
    ends = time.time() + 5
    first = token("refresher", expires_in=5)
    tokens = [first, token("refresher", expires_in=300)]
    client = await runtime.watch(
        running.url, tokens=tokens, refresh={"beforeSeconds": 4}, tokenIn="protocol"
    )
    await client.open()

    frames = await client.until("frame", 2)
    assert frames == ['{"type":"pong"}', '{"type":"refreshed"}']
    assert await client.asked() == [False, True]

    await asyncio.sleep(ends - time.time() + 0.5)  # the first one has ended
    assert await running.publish("still there", "user:refresher") == 1
    assert await client.until("event") == ["still there"]
    assert await client.told("close", "error", "message") == []


async def test_a_fresh_token_of_somebody_else_is_refused(runtime, running):
    tokens = [token("me", expires_in=5), token("somebody else")]
    client = await runtime.watch(running.url, tokens=tokens, refresh={"beforeSeconds": 4})
    await client.open()

    assert "refused a fresh token" in (await client.until("error"))[0]
    assert await client.states() == ["connecting", "open"]


async def test_no_token_is_ever_told(runtime, running):
    secret = token(expires_in=-10)
    clients = [
        await runtime.watch(running.url, tokens=[secret], tokenIn=way, backoff=QUICK)
        for way in ("query", "protocol")
    ]
    clients.append(await runtime.watch(running.url, token=f"{secret} ü", tokenIn="protocol"))
    for client in clients[:2]:
        await client.open()
    await clients[2].until("error")

    for client in clients:
        assert secret[:40] not in repr(await client.told())
