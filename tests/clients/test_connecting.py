"""The browser client before real gateways: what it hears, sends, and does when a line ends."""

import asyncio
import json
import re
import signal

import pytest
from tests.support.gateway import API_KEY, gateway, http_client
from tests.support.receiver import receiver

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("chromium")]

QUICK = {"minMs": 20, "maxMs": 200}


def types(taken, user):
    """The types of a user's events."""
    return [one.type for one in taken if one.event["user_id"] == user]


def messages(taken, user):
    """What a user has sent."""
    received = (one.event for one in taken if one.type == "message_received")
    return [event["message"] for event in received if event["user_id"] == user]


@pytest.fixture(scope="module")
async def heard():
    async with receiver() as backend:
        yield backend


@pytest.fixture(scope="module")
async def running(tmp_path_factory, heard):
    sections = f"events: {{webhook: {{url: '{heard.url}'}}}}"
    async with gateway(tmp_path_factory.mktemp("gateway"), sections) as started:
        yield started


async def disconnect(running, user, **body):
    """Send a user away, as a backend does."""
    async with http_client() as client:
        answer = await client.post(
            f"{running.http}/internal/disconnect",
            headers={"X-Api-Key": API_KEY},
            content=json.dumps({"user_id": user, **body}),
        )
    assert answer.json() == {"reached": 1}


async def test_payloads_come_in_order_and_as_they_were_published(runtime, running):
    client = await runtime.watch(running.url, token="reader")
    assert await client.open() is None
    sent = [None, 0, "", [], {"ü": "😀", "n": 12.5}, *range(100)]

    for payload in sent:
        assert await running.publish(payload, "user:reader") == 1

    assert await client.until("event", len(sent)) == sent
    assert (await client.until("frame", 5))[5] == (
        r'{"type":"event","payload":{"\u00fc": "\ud83d\ude00", "n": 12.5}}'
    )
    assert await client.states() == ["connecting", "open"]


async def test_messages_reach_the_backend(runtime, running, heard):
    user = f"sender in {type(runtime).__name__}"
    client = await runtime.watch(running.url, token=user)
    await client.open()

    assert await client.call("send", {"say": "hi", "ü": ["😀"]}) is True
    assert await client.call("send", "no JSON") is True

    taken = await heard.until(lambda taken: len(messages(taken, user)) == 2)
    assert messages(taken, user) == [
        {"say": "hi", "ü": ["😀"]},
        {"type": "raw", "payload": "no JSON"},
    ]


async def test_close_ends_it_for_good_with_1000(runtime, running, heard):
    user = f"leaver in {type(runtime).__name__}"
    client = await runtime.watch(running.url, token=user)
    await client.open()

    await client.call("close")

    assert (await client.until("close"))[0] == {"code": 1000, "reason": "", "retryMs": None}
    assert await client.states() == ["connecting", "open", "closed"]
    assert await client.call("send", {"too": "late"}) is False
    await heard.until(lambda taken: types(taken, user) == ["connected", "disconnected"])


async def test_what_is_queued_goes_out_in_order_once_it_is_open(runtime, running, heard):
    user = f"queuer in {type(runtime).__name__}"
    client = await runtime.watch(running.url, token=user, queue=3)
    queued = [await client.call("send", {"n": n}) for n in range(3)]

    taken = await heard.until(lambda taken: len(messages(taken, user)) == 3)

    assert queued == [True] * 3
    assert messages(taken, user) == [{"n": 0}, {"n": 1}, {"n": 2}]


async def test_a_full_queue_and_none_say_so(runtime, unused_port):
    url = f"ws://127.0.0.1:{unused_port}/ws"
    kept = await runtime.watch(url, token="t", queue=2)
    none = await runtime.watch(url, token="t")

    assert [await kept.call("send", {"n": n}) for n in range(3)] == [True, True, False]
    assert await none.call("send", {"n": 0}) is False
    for client in (kept, none):
        await client.call("close")


async def test_too_many_messages_are_told(runtime, running):
    client = await runtime.watch(running.url, token="talker")
    await client.open()
    for n in range(40):
        await runtime.run("call", [client.name, "send", {"n": n}])

    assert await client.until("rate_limited")
    assert await client.states() == ["connecting", "open"]


async def test_events_are_an_iterator_too(runtime, running):
    client = await runtime.watch(running.url, token="iterator")
    await client.open()
    reading = asyncio.create_task(runtime.run("read", [client.name, "last"]))
    await runtime.run("told", client.name)  # what was asked before this has begun

    for payload in (1, {"two": 2}, "last"):
        await running.publish(payload, "user:iterator")

    assert await reading == [1, {"two": 2}, "last"]


async def test_a_listener_that_throws_disturbs_nobody(runtime, running):
    client = await runtime.watch(running.url, token="thrower")
    await runtime.run("throwing", [client.name, "event"])
    await client.open()

    for payload in (1, 2):
        await running.publish(payload, "user:thrower")

    assert await client.until("event", 2) == [1, 2]
    errors = await client.until("error", 2)
    assert all("a listener" in error for error in errors)


@pytest.mark.parametrize("code", [1000, 4403])
async def test_who_is_sent_away_by_the_backend_stays_away(runtime, running, code):
    user = f"sent-away-{code}"
    client = await runtime.watch(running.url, token=user, backoff=QUICK)
    await client.open()

    await disconnect(running, user, code=code, reason="logged out")

    end = (await client.until("close"))[0]
    assert end == {"code": code, "reason": "logged out", "retryMs": None}
    assert await client.states() == ["connecting", "open", "closed"]


@pytest.mark.parametrize("code", [1001, 1011, 1013, 4008])
async def test_after_other_codes_it_comes_back(runtime, running, code):
    user = f"back-{code}"
    client = await runtime.watch(running.url, token=user, backoff=QUICK)
    await client.open()

    await disconnect(running, user, code=code)

    end = (await client.until("close"))[0]
    assert end["code"] == code
    assert 0 <= end["retryMs"] <= QUICK["maxMs"]
    await client.until("open", 2)
    assert await running.publish("again", f"user:{user}") == 1
    assert await client.until("event") == ["again"]


async def test_a_thousand_and_eight_waits_a_minute(runtime, running):
    client = await runtime.watch(running.url, token="flooder", backoff=QUICK)
    await client.open()

    await disconnect(running, "flooder", code=1008, reason="flood")

    assert (await client.until("close"))[0]["retryMs"] >= 60_000
    assert await client.states() == ["connecting", "open", "waiting"]


async def test_a_drain_is_waited_out_as_hinted(runtime, tmp_path, unused_port):
    sections = f'server: {{bind: "127.0.0.1:{unused_port}"}}'
    async with gateway(tmp_path, sections) as first:
        client = await runtime.watch(first.url, token="42", backoff=QUICK)
        await client.open()
        first.terminate()
        end = (await client.until("close"))[0]
        assert await first.exited() == 0

    hint = int(re.fullmatch(r"retry=(\d+)", end["reason"])[1])
    assert end["code"] == 1012
    assert hint <= end["retryMs"] <= hint * 1.1 + QUICK["maxMs"]
    async with gateway(tmp_path, sections) as second:
        await client.until("open", 2)
        assert await second.publish("after", "user:42") == 1
        assert await client.until("event") == ["after"]
    states = await client.states()
    assert states[:3] == ["connecting", "open", "waiting"]


async def test_a_gateway_that_is_not_there_is_tried_again_and_again(runtime, tmp_path, unused_port):
    sections = f'server: {{bind: "127.0.0.1:{unused_port}"}}'
    client = await runtime.watch(f"ws://127.0.0.1:{unused_port}/ws", token="42", backoff=QUICK)
    ends = await client.until("close", 4)
    assert {end["code"] for end in ends} == {1006}

    async with gateway(tmp_path, sections):
        await client.until("open")


async def test_a_line_that_is_silent_is_noticed(runtime, tmp_path):
    async with gateway(tmp_path) as frozen:
        client = await runtime.watch(
            frozen.url, token="42", backoff=QUICK, pingMs=200, pongMs=500, connectMs=1_000
        )
        await client.open()
        frozen.process.send_signal(signal.SIGSTOP)
        try:
            assert (await client.until("close"))[0]["code"] == 1006
        finally:
            frozen.process.send_signal(signal.SIGCONT)
        await client.until("open", 2)
        assert await client.states()


async def test_a_line_where_nothing_is_published_stays_open(runtime, running):
    client = await runtime.watch(running.url, token="idle", pingMs=50, pongMs=10_000)
    await client.open()

    pongs = await client.until("frame", 2)

    assert set(pongs) == {'{"type":"pong"}'}
    assert await client.states() == ["connecting", "open"]
    assert await client.told("message", "event", "error") == []
