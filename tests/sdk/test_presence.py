"""Who is connected: by the gateway's word, and by its keys in Redis."""

import asyncio
import time
from contextlib import asynccontextmanager
from urllib.parse import unquote

import pytest
from redis.asyncio import Redis
from tests.sdk.conftest import KEY, gateway_with

from gatewright.testing.servers.scripted import Answer, answering
from gatewright_sdk import Connection, Presence, Refused, Settings, Unavailable
from gatewright_sdk.config import HttpPresenceSettings, Interpretation, RedisPresenceSettings
from gatewright_sdk.presence import HttpPresence, RedisPresence, is_there

pytestmark = pytest.mark.anyio

NOW = 1_700_000_000
ODD = "a/b?c#d%20 ü*[x]"


def http_presence(address, **options):
    return Presence(HttpPresence(HttpPresenceSettings(base_url=f"http://{address}", **options)))


def redis_presence(redis, **options):
    return Presence(RedisPresence(RedisPresenceSettings(dsn=redis.dsn, **options)))


@pytest.fixture(params=["http", "http with redis", "redis"])
async def asked(request, redis):
    """A gateway with presence, and what asks it."""
    sections = {} if request.param == "http" else {"presence": {"redis": {"dsn": redis.dsn}}}
    async with gateway_with(**sections) as gateway:
        over_http = http_presence(gateway.address, api_key=KEY)
        async with redis_presence(redis) if request.param == "redis" else over_http as presence:
            yield gateway, presence


async def test_who_comes_is_there_and_who_goes_is_not(asked):
    gateway, presence = asked
    assert await presence.connections() == []
    async with gateway.connect("42"), gateway.connect("42"), gateway.connect("7"):
        async with asyncio.timeout(10):
            while len(await presence.connections()) < 3:
                await asyncio.sleep(0.02)
        assert await presence.users() == {"42", "7"}
        assert await presence.users(subject="user:7") == {"7"}
        assert await presence.is_online(42)
        assert not await presence.is_online("4")
        (seven,) = await presence.connections(user_id="7")
        assert (seven.user_id, seven.subjects) == ("7", ("user:7",))
        assert abs(time.time() - seven.connected_at) < 60
        assert len(await presence.connections(user_id=42)) == 2
        assert len(await presence.connections(subject="user:42", user_id="")) == 2
        assert await presence.connections(subject="user:42", user_id="7") == []
        assert len(await presence.connections(subject="", user_id=None)) == 3
    async with asyncio.timeout(10):
        while await presence.connections():
            await asyncio.sleep(0.02)
    assert not await presence.is_online("42")


async def test_a_user_id_may_hold_anything(asked):
    _, presence = asked
    assert not await presence.is_online(ODD)
    assert await presence.connections(user_id="{user_id}") == []
    assert not await presence.is_online("")


@pytest.mark.parametrize("dots", [".", ".."])
async def test_a_user_of_dots_is_no_way_to_everybody(asked, dots):
    gateway, presence = asked
    async with gateway.connect("42"):
        async with asyncio.timeout(10):
            while not await presence.is_online("42"):
                await asyncio.sleep(0.02)
        assert not await presence.is_online(dots)
        assert await presence.connections(user_id=dots) == []
        async with gateway.connect(dots):
            async with asyncio.timeout(10):
                while not await presence.is_online(dots):
                    await asyncio.sleep(0.02)
            assert [one.user_id for one in await presence.connections(user_id=dots)] == [dots]


def entry(number, user="42", **fields):
    return {
        "connection_id": f"c-{number}",
        "user_id": user,
        "subjects": f'["user:{user}"]',
        "connected_at": str(NOW),
        "last_seen_at": str(int(time.time())),
        **fields,
    }


async def written(redis, *entries, prefix="presence:"):
    async with Redis.from_url(redis.dsn) as client, client.pipeline() as pipeline:
        for each in entries:
            name = each["connection_id"]
            pipeline.hset(f"{prefix}conn:{name}", mapping=each)
            pipeline.sadd(f"{prefix}user:{each['user_id']}", name)
        await pipeline.execute()


async def test_pages_are_read_to_the_end():
    async with gateway_with(limits={"connections_per_user": 2000}) as gateway:
        async with paged(gateway.address, 7) as (presence, limits):
            clients = [await gateway.connect("42") for _ in range(20)]
            await gateway.events.wait_for("connected", user="42", count=20)
            assert len(await presence.connections()) == 20
            assert len(await presence.connections(user_id="42")) == 20
            assert limits == ["1000"] * 6
            for client in clients:
                await client.close()


@asynccontextmanager
async def paged(address, most):
    """A proxy that lets no more than ``most`` into a page."""
    import httpx  # noqa: PLC0415 - here alone

    limits = []

    async def handle(request):
        limits.append(request.path.partition("limit=")[2].partition("&")[0])
        smaller = request.path.replace("limit=1000", f"limit={most}")
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://{address}{smaller}", headers={"X-Api-Key": KEY})
        return Answer(answer.status_code, answer.content)

    async with answering(handle) as port, http_presence(f"127.0.0.1:{port}") as presence:
        yield presence, limits


@asynccontextmanager
async def scripted(*answers):
    asked = []

    async def handle(request):
        asked.append(request.path)
        return answers[min(len(asked), len(answers)) - 1]

    async with answering(handle) as port, http_presence(f"127.0.0.1:{port}") as presence:
        yield presence, asked


async def test_an_older_gateway_tells_all_at_once():
    one = {"connection_id": "c", "user_id": "42", "subjects": ["a"], "connected_at": NOW}
    async with scripted(Answer.of({"connections": [one]})) as (presence, asked):
        assert await presence.connections() == [
            Connection(connection_id="c", user_id="42", subjects=("a",), connected_at=NOW)
        ]
        assert len(asked) == 1
        await presence.connections(user_id=ODD)
        path = asked[-1].partition("?")[0]
        assert unquote(path) == f"/internal/users/{ODD}/connections"


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (Answer(503), Unavailable, "answered 503"),
        (Answer(401, b'{"error":"no key"}'), Refused, "answered 401: no key"),
        (Answer.of({}), Refused, "tells of no connections"),
        (Answer.of({"connections": [{}]}), Refused, "tells of no connections"),
        (Answer.of([]), Refused, "answered with no JSON object"),
    ],
)
async def test_what_is_no_list_is_not_taken_for_one(answer, kind, text):
    async with scripted(answer) as (presence, _):
        with pytest.raises(kind, match=text):
            await presence.connections()


async def test_a_list_that_breaks_off_is_no_list():
    page = Answer.of({"connections": [], "cursor": "next"})
    async with scripted(page, Answer(503)) as (presence, _):
        with pytest.raises(Unavailable):
            await presence.connections()


async def test_old_entries_are_hidden(redis):
    seen = int(time.time())
    await written(
        redis,
        entry(1),
        entry(2, last_seen_at=str(seen - 40)),
        entry(3, last_seen_at=str(seen - 50)),
    )
    async with redis_presence(redis) as presence:
        assert {one.connection_id for one in await presence.connections()} == {"c-1", "c-2"}
        assert {one.connection_id for one in await presence.connections(user_id="42")} == {
            *("c-1", "c-2")
        }
    everything = Interpretation(strategy="none")
    async with redis_presence(redis, interpretation=everything) as presence:
        assert len(await presence.connections()) == 3


@pytest.mark.parametrize(
    ("how", "age", "there"),
    [
        (Interpretation(), 45, True),
        (Interpretation(), 46, False),
        (Interpretation(strategy="ttl"), 135, True),
        (Interpretation(strategy="ttl"), 136, False),
        (Interpretation(strategy="session"), 10_000, True),
        (Interpretation(strategy="none"), 10_000, True),
        (Interpretation(heartbeat_seconds=10, grace_seconds=0), 10, True),
        (Interpretation(heartbeat_seconds=10, grace_seconds=0), 11, False),
        (Interpretation(use_last_seen=False), 0, False),
    ],
)
def test_what_counts_as_there(how, age, there):
    connection = Connection(
        connection_id="c",
        user_id="42",
        subjects=(),
        connected_at=NOW - 1000,
        last_seen_at=NOW - age,
    )
    assert is_there(connection, how, NOW) is there


def test_without_a_last_seen_the_beginning_counts():
    connection = Connection(connection_id="c", user_id="42", subjects=(), connected_at=NOW - 45)
    assert is_there(connection, Interpretation(), NOW)


async def test_what_is_gone_or_no_hash_of_a_gateway_is_passed_over(redis):
    await written(redis, entry(1), entry(2, subjects="no JSON"), entry(3, connected_at="soon"))
    async with Redis.from_url(redis.dsn) as client:
        await client.sadd("presence:user:42", "c-gone")
        await client.hset("presence:conn:poor", mapping={"user_id": "42"})
    async with redis_presence(redis) as presence:
        assert [one.connection_id for one in await presence.connections(user_id="42")] == ["c-1"]
        assert [one.connection_id for one in await presence.connections()] == ["c-1"]


async def test_a_prefix_is_no_pattern(redis):
    await written(redis, entry(1), prefix="p[ab]*:")
    await written(redis, entry(2), prefix="pa*:")
    async with redis_presence(redis, prefix="p[ab]*:") as presence:
        assert [one.connection_id for one in await presence.connections()] == ["c-1"]


async def test_thousands_are_read_in_pages(redis):
    await written(redis, *(entry(number) for number in range(1200)))
    async with redis_presence(redis) as presence:
        assert len(await presence.connections()) == 1200
        assert len(await presence.connections(user_id="42")) == 1200


async def test_reading_writes_nothing(redis):
    await written(redis, entry(1, last_seen_at="0"))
    async with Redis.from_url(redis.dsn) as client:
        before = await client.info("persistence")
        async with redis_presence(redis) as presence:
            assert await presence.connections() == []
        after = await client.info("persistence")
        assert after["rdb_changes_since_last_save"] == before["rdb_changes_since_last_save"]
        assert await client.dbsize() == 2


async def test_redis_that_is_gone_is_unavailable(redis):
    await redis.kill()
    async with redis_presence(redis) as presence:
        with pytest.raises(Unavailable):
            await presence.is_online("42")


async def test_settings_pick_the_provider(redis):
    core = Settings.from_env({"WS_MODE": "core", "WS_REDIS_DSN": redis.dsn})
    async with Presence.from_settings(core) as presence:
        assert await presence.connections() == []
