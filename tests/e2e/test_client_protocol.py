"""What a client sends and what the gateway does, row by row of the wire contract."""

from __future__ import annotations

import asyncio
import json
import zlib
from urllib.parse import quote

import pytest
from tests.support.gateway import gateway
from tests.support.receiver import receiver
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.anyio

NO_LIMIT = "rate_limit: {token_bucket: {per_second: 0}}"


@pytest.fixture(scope="module", params=["direct", "asgi"])
def driver(request):
    return request.param


@pytest.fixture(scope="module")
async def backend(driver):
    async with receiver() as running:  # for each driver one that has heard of nobody
        yield running


@pytest.fixture(scope="module")
async def running(backend, driver, tmp_path_factory):
    server = f'server: {{bind: "127.0.0.1:0", socket_driver: {driver}}}'
    sections = f"events: {{webhook: {{url: '{backend.url}'}}}}\n{NO_LIMIT}\n{server}"
    async with gateway(tmp_path_factory.mktemp("gateway"), sections) as started:
        yield started


async def message_events(backend, user, count):
    """Wait for a user's ``message_received`` events."""

    def mine(taken):
        events = [one.event for one in taken]
        return [e for e in events if e["user_id"] == user and e["type"] == "message_received"]

    await backend.until(lambda taken: len(mine(taken)) >= count)
    return mine(backend.taken)


async def forwarded(running, backend, user, text):
    """Send one text as ``user``; return the event that it caused."""
    async with running.socket(user) as client:
        await client.send(text)
        (event,) = await message_events(backend, user, 1)
    return event


@pytest.mark.parametrize(
    "text",
    ['{"type":"ping"}', '{"type":"ping","more":[1,{"a":null}]}', ' { "type" : "p\\u0069ng" } '],
)
async def test_ping_is_answered_and_never_forwarded(running, backend, text):
    async with running.socket("pinger") as client:
        await client.send(text)
        assert await client.recv() == '{"type":"pong"}'
        await client.send('{"last":1}')
        events = await message_events(backend, "pinger", 1)
        assert all("ping" not in event["raw"] for event in events)


async def test_heartbeat_is_acknowledged(running):
    async with running.socket() as client:
        await client.send('{"type":"heartbeat"}')
        assert await client.recv() == '{"type":"heartbeat_ack"}'


async def test_an_object_is_forwarded_with_its_text_as_sent(running, backend):
    text = '{ "type":"chat",\n "text":"Grüße \\u00fc", "n": 1.0, "n": 2 }'
    event = await forwarded(running, backend, "sender", text)
    assert event["message"] == json.loads(text)
    assert event["raw"] == text
    assert set(event) == {
        "type",
        "connection_id",
        "user_id",
        "subjects",
        "connected_at",
        "message",
        "raw",
    }
    assert event["subjects"] == ["user:sender"]
    assert isinstance(event["connected_at"], int)


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "[1,2]",
        '"text"',
        "42",
        "null",
        "true",
        "",
        "{",
        '{"a":1,}',
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":"\\ud800"}',
        '{"a":"\\udc00 "}',
        "{'a':1}",
        '{"a":01}',
        "\ufeff{}",
        '{"a":"\t"}',
        '{"type":"ping"',
        '{"type":"ping","x":NaN}',
        '{"a":' * 128 + "1" + "}" * 128 + " " + "{",
    ],
)
async def test_what_is_no_strict_json_object_is_forwarded_as_text(running, backend, text):
    user = f"raw {zlib.crc32(text.encode())}"
    event = await forwarded(running, backend, user, text)
    assert event["message"] == {"type": "raw", "payload": text}
    assert event["raw"] == text


async def test_128_levels_are_an_object_and_129_are_text(running, backend):
    deep = '{"a":' * 127 + "{}" + "}" * 127
    event = await forwarded(running, backend, "deep", deep)
    assert event["message"] == json.loads(deep)
    deeper = '{"a":' * 128 + "{}" + "}" * 128
    event = await forwarded(running, backend, "deeper", deeper)
    assert event["message"] == {"type": "raw", "payload": deeper}


@pytest.mark.parametrize(
    "user",
    [
        "a@b.example",
        "with space",
        "Jürgen Groß",
        "a/b/c",
        "user:x",
        "*",
        "%2F",
        "\N{SNOWMAN}",
        "x" * 512,
    ],
)
async def test_user_ids_go_through_unchanged(running, backend, user):
    async with connect(f"{running.url}?token={quote(user, safe='')}") as client:
        assert await running.publish({"for": user}, f"user:{user}") == 1
        assert json.loads(await client.recv())["payload"] == {"for": user}
        answer = await running.get(
            "/internal/connections", params={"user_id": user}, headers={"X-Api-Key": "test-key"}
        )
        (seen,) = answer.json()["connections"]
        assert (seen["user_id"], seen["subjects"]) == (user, [f"user:{user}"])
        answer = await running.get(
            f"/internal/users/{quote(user, safe='')}/connections", headers={"X-Api-Key": "test-key"}
        )
        assert [one["user_id"] for one in answer.json()["connections"]] == [user]
    await backend.until(
        lambda taken: (
            {one.type for one in taken if one.event["user_id"] == user}
            >= {"connected", "disconnected"}
        )
    )


async def test_a_publication_arrives_byte_for_byte(running):
    payload = b'{ "z":1,"a":[1.50, 1e5 ,"\\u00e9\xc3\xa9"],"a":{}}'
    async with running.socket() as client:
        body = b'{"payload":%b,"traceparent":"00-x","subjects":["user:42","user:42","nobody"]}'
        assert await running.post(body % payload) == 1
        assert await client.recv() == '{"type":"event","payload":' + payload.decode() + "}"


async def test_a_connection_matched_twice_gets_it_once(tmp_path):
    async with gateway(tmp_path, "") as running, running.socket() as client:
        assert await running.publish("one", "user:42", "user:42", "other") == 1
        assert await running.publish("two") == 1
        got = [json.loads(await client.recv())["payload"] for _ in range(2)]
        assert got == ["one", "two"]


async def test_over_the_rate_limit_the_client_is_told_and_nothing_forwarded(backend, tmp_path):
    sections = (
        f"events: {{webhook: {{url: '{backend.url}'}}}}\n"
        "rate_limit: {token_bucket: {per_second: 0.001, burst: 3}}"
    )
    async with gateway(tmp_path, sections) as running, running.socket("limited") as client:
        for number in range(5):
            await client.send(json.dumps({"n": number}))
        assert [await client.recv() for _ in range(2)] == ['{"type":"rate_limited"}'] * 2
        await client.send('{"type":"ping"}')
        assert await client.recv() == '{"type":"pong"}'
        events = await message_events(backend, "limited", 3)
        assert [event["message"]["n"] for event in events] == [0, 1, 2]


async def test_beyond_the_hidden_bucket_a_flood_is_closed_with_1008(tmp_path):
    sections = "rate_limit: {token_bucket: {per_second: 1, burst: 5}}"
    async with gateway(tmp_path, sections) as running, running.socket() as client:
        with pytest.raises(ConnectionClosed):
            for _ in range(200):
                await client.send('{"type":"ping"}')
                await client.recv()
        assert client.close_code == 1008


async def test_binary_is_1003_and_too_big_is_1009(tmp_path):
    async with gateway(tmp_path, "limits: {message_bytes: 1000}") as running:
        async with running.socket() as client:
            await client.send(b"\x00")
            await client.wait_closed()
            assert client.close_code == 1003
        async with running.socket() as client:
            await client.send("y" * 1001)
            await client.wait_closed()
            assert client.close_code == 1009


async def test_presence_and_disconnected_follow_the_socket(running, backend):
    async with running.socket("comes and goes") as client:
        await client.send('{"type":"heartbeat"}')
        await client.recv()
    taken = await backend.until(
        lambda taken: (
            [o.type for o in taken if o.event["user_id"] == "comes and goes"]
            == ["connected", "disconnected"]
        )
    )
    events = [one.event for one in taken if one.event["user_id"] == "comes and goes"]
    assert len({event["connection_id"] for event in events}) == 1
    answer = await running.get(
        "/internal/connections",
        params={"user_id": "comes and goes"},
        headers={"X-Api-Key": "test-key"},
    )
    assert answer.json() == {"connections": []}


async def test_ids_and_numbers_travel_beside_the_body(running, backend):
    async with running.socket("beside") as client:
        await client.send('{"a":1}')
        await message_events(backend, "beside", 1)
    await backend.until(lambda taken: sum(one.event["user_id"] == "beside" for one in taken) == 3)
    mine = [one for one in backend.taken if one.event["user_id"] == "beside"]
    assert [one.headers["X-Webhook-Seq"] for one in mine] == ["1", "2", "3"]
    assert len({one.headers["Webhook-Id"] for one in mine}) == 3
    assert [one.type for one in mine] == ["connected", "message_received", "disconnected"]


async def test_health_is_exactly_ok(running):
    answer = await running.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


async def test_ready_names_every_part(running):
    answer = await running.get("/ready")
    assert answer.status_code == 200
    parts = answer.json()["parts"]
    assert {"auth.anonymous", "transports.http", "events.webhook", "presence.memory"} <= set(parts)
    assert all(part["ready"] for part in parts.values())


async def test_a_slow_handler_of_connected_holds_back_only_its_own_connection(tmp_path):
    release = asyncio.Event()

    async def answer(request, _number):
        if request.event["user_id"] == "slow" and request.type == "connected":
            await release.wait()
        return 204

    async with receiver(answer) as slow_backend:
        sections = f"events: {{webhook: {{url: '{slow_backend.url}'}}}}"
        async with gateway(tmp_path, sections) as running:
            async with running.socket("slow") as slow, running.socket("quick") as quick:
                await slow.send('{"n":1}')
                await quick.send('{"n":1}')
                await slow_backend.until(
                    lambda taken: (
                        [one.type for one in taken if one.event["user_id"] == "quick"]
                        == ["connected", "message_received"]
                    )
                )
                assert not [one for one in slow_backend.taken if one.event["user_id"] == "slow"]
                release.set()
                await slow_backend.until(
                    lambda taken: (
                        [one.type for one in taken if one.event["user_id"] == "slow"]
                        == ["connected", "message_received"]
                    )
                )
