"""The dead-letter stream as a store."""

import pytest
from tests.plugins.transport_redis.harness import opened

from gatewright import DeadLetter

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(redis, backend):
    async with opened(redis.dsn) as node:
        yield node.transport.dead_letters()


async def test_what_gateways_wrote_is_read_in_pages(store, backend):
    for each in range(5):
        await backend.client.xadd("ws.dlq", {"reason": "parse_error", "raw": f"raw {each}"})

    first = await store.read(limit=3)
    rest = await store.read(after=first[-1].key, limit=3)

    assert [each.letter.payload for each in [*first, *rest]] == [
        f"raw {each}".encode() for each in range(5)
    ]
    one = first[0]
    assert (one.state, one.letter.kind, one.letter.reason) == ("new", "publication", "parse_error")
    assert (one.letter.target, one.letter.id) == ("redis_stream", one.key)
    assert one.letter.first_at == int(one.key.partition("-")[0]) / 1000
    assert await store.read(after=rest[-1].key) == ()


async def test_marks_stay_beside_the_stream_and_go_with_the_letter(store, backend):
    await store.put([DeadLetter("a", "publication", "t", "age", b"1")])
    (stored,) = await store.read()
    await store.mark(stored.key, "redriven")
    await store.mark("1-1", "redriven")

    assert [each.state for each in await store.read()] == ["redriven"]
    assert await backend.letters() == [("age", b"1")]
    assert await backend.client.hkeys("{ws.dlq}:marks") == [stored.key.encode()]
    assert await store.remove([stored.key, "1-1"]) == 1
    assert await store.remove([]) == 0
    assert await store.read() == ()
    assert await backend.client.exists("{ws.dlq}:marks") == 0


async def test_fields_of_another_shape_are_read_all_the_same(store, backend):
    await backend.client.xadd("ws.dlq", {"other": "x"})

    (stored,) = await store.read()
    assert (stored.letter.reason, stored.letter.payload) == ("", b"")
