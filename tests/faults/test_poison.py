"""Publications that no client could read: row 15. Refused, and the next one arrives."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.gateway import API_KEY, gateway, http_client
from tests.support.survival import MEBIBYTE, counted, survived

pytestmark = pytest.mark.anyio

POISON = {
    "no JSON": (b"{", 400),
    "no object": (b"[1]", 400),
    "nothing": (b"", 400),
    "subjects no list": (b'{"subjects":"user:42","payload":1}', 400),
    "subjects of numbers": (b'{"subjects":[42],"payload":1}', 400),
    "NaN": (b'{"subjects":["user:42"],"payload":NaN}', 400),
    "infinity": (b'{"subjects":["user:42"],"payload":[-Infinity]}', 400),
    "half a surrogate pair": (b'{"subjects":["user:42"],"payload":"\\ud800"}', 400),
    "half a pair in a subject": (b'{"subjects":["user:42","\\udfff"],"payload":1}', 400),
    "not UTF-8 in a string": (b'{"subjects":["user:42"],"payload":"\xff\xfe"}', 400),
    "an overlong NUL": (b'{"subjects":["user:42"],"payload":"\xc0\x80"}', 400),
    "a raw control character": (b'{"subjects":["user:42"],"payload":"\x01"}', 400),
    "129 levels": (b'{"subjects":["user:42"],"payload":' + b"[" * 129 + b"]" * 129 + b"}", 400),
    "200,000 levels": (b'{"payload":' + b"[" * 200_000, 400),
    "200,000 closed levels": (b'{"payload":' + b"[" * 200_000 + b"]" * 200_000 + b"}", 400),
    "200,000 levels of subjects": (b'{"subjects":' + b'{"a":' * 100_000, 400),
    "10 MB": (b'{"payload":"' + b"x" * 10_000_000 + b'"}', 413),
    "too many subjects": (json.dumps({"subjects": list(map(str, range(10_001)))}), 413),
    "a trailing comma": (b'{"subjects":["user:42"],"payload":1,}', 400),
    "two values": (b'{"subjects":["user:42"],"payload":1}{}', 400),
}


@pytest.fixture(scope="module")
async def running(tmp_path_factory):
    async with gateway(tmp_path_factory.mktemp("gateway"), "") as started:
        yield started


@pytest.fixture(scope="module")
async def publisher(running):
    async with http_client() as client:

        async def post(body):
            return await client.post(
                running.http + "/internal/publish", content=body, headers={"X-Api-Key": API_KEY}
            )

        yield post


@pytest.mark.parametrize("kind", POISON)
async def test_poison_is_refused_with_a_reason_and_the_next_publication_arrives(
    running, publisher, kind
):
    body, status = POISON[kind]
    labels = {"route": "publish", "status": str(status)}
    async with running.socket() as client:
        async with counted(running, "gatewright_http_requests_total", **labels):
            answer = await publisher(body)
        assert answer.status_code == status
        assert answer.json()
        assert len(answer.content) < 500
        assert await running.publish("good") == 1
        assert json.loads(await client.recv()) == {"type": "event", "payload": "good"}
    await survived(running)


@pytest.mark.parametrize("digits", [400, 60_000])
async def test_a_number_that_no_float_holds_is_json_and_arrives_as_it_is(running, digits):
    async with running.socket() as client:
        number = b"7" * digits
        assert await running.post(b'{"subjects":["user:42"],"payload":%b}' % number) == 1
        assert await client.recv() == '{"type":"event","payload":' + number.decode() + "}"
    await survived(running)


SCRAPS = st.sampled_from(
    [
        b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\u", b"\\ud83d", b"\xff", b"\x00",
        b'"subjects"', b'"payload"', b'"api_key"', b'"messages"', b'"id"', b'["user:42"]', b"null",
        b"1e999", b"-0", b"NaN", b"true", b'"\xf0\x9f\x98\x80"', b" ", b"\n",
    ]
)  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=200),
    st.lists(SCRAPS, max_size=20).map(b"".join),
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        ),
        max_leaves=10,
    ).map(lambda value: json.dumps({"subjects": ["user:42"], "payload": value}).encode()),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
async def test_no_body_is_more_than_refused(publisher, body):
    answer = await publisher(body)
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert set(answer.json()) in ({"sent"}, {"results"})


async def test_after_all_of_that_it_is_in_good_health(running):
    await survived(running)
    async with running.socket() as client:
        big = "z" * (MEBIBYTE - 100)
        assert await running.publish(big) == 1
        assert json.loads(await client.recv())["payload"] == big
