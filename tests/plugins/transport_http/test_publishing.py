import json

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.plugins.transport_http.harness import KEY, opened

from gatewright import BusUnavailable, InvalidPublication, Publication, PublicationLimits, Receipt
from gatewright_transport_http import body as body_module

pytestmark = pytest.mark.anyio

UNAUTHORISED = {"error": "missing or wrong api key"}


async def test_a_publication_with_the_key_in_its_body(api):
    answer = await api.publish({"subjects": ["user:42"], "payload": {"a": 1}, "api_key": KEY})

    assert answer.status_code == 200
    assert answer.content == b'{"sent":1}'
    assert answer.headers["content-type"] == "application/json"
    assert api.core.published == [Publication(("user:42",), b'{"a":1}', None, "http")]


async def test_a_publication_with_the_key_in_the_header(api):
    answer = await api.publish(b'{"subjects":["user:42"],"payload":1}', x_api_key=KEY)

    assert (answer.status_code, answer.content) == (200, b'{"sent":1}')


@pytest.mark.parametrize(
    ("in_body", "in_header"), [("wrong", KEY), (KEY, "wrong"), (None, KEY), (KEY, KEY)]
)
async def test_either_key_suffices(api, in_body, in_header):
    answer = await api.publish({"api_key": in_body}, x_api_key=in_header)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"api_key": None}, {"api_key": ""}, {"api_key": "no"}, {"api_key": [KEY]}]
)
@pytest.mark.parametrize("headers", [{}, {"x_api_key": ""}, {"x_api_key": "no"}])
async def test_no_right_key_is_401_and_publishes_nothing(api, body, headers):
    answer = await api.publish({"subjects": ["user:42"]} | body, **headers)

    assert (answer.status_code, answer.json()) == (401, UNAUTHORISED)
    assert api.core.published == []


async def test_every_listed_key_publishes():
    async with opened(api_keys=["new", "", "old"]) as api:
        for key in ("new", "old"):
            assert (await api.publish({"api_key": key})).status_code == 200


async def test_the_key_is_judged_before_the_shape(api):
    wrong = await api.publish({"subjects": 7, "api_key": "no"})
    right = await api.publish({"subjects": 7, "api_key": KEY})

    assert (wrong.status_code, wrong.json()) == (401, UNAUTHORISED)
    assert right.json() == {"error": "subjects must be an array of strings"}


async def test_an_unreadable_body_with_a_wrong_header_key_is_401(api):
    answer = await api.publish(b"{", x_api_key="no")

    assert (answer.status_code, answer.json()) == (401, UNAUTHORISED)


async def test_an_unreadable_body_without_a_header_key_says_what_is_wrong(api):
    answer = await api.publish(b"api_key=s3cret&subjects=user:42")

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("not strict JSON: ")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not strict JSON: Input data was truncated"),
        (b"[]", "must be a JSON object with subjects and payload"),
        (b'{"subjects":"user:42"}', "subjects must be an array of strings"),
        (b'{"subjects":[1]}', "subjects must be an array of strings"),
        (b'{"payload":"\xff"}', "not UTF-8 at byte 12"),
        (b'{"payload":' + b"[" * 129 + b"]" * 129 + b"}", "payload nests deeper than 128 levels"),
        (b'{"id":7}', "id must be text of 1 to 512 bytes"),
    ],
)
async def test_a_body_that_is_no_publication_is_400_and_says_why(api, body, why):
    answer = await api.publish(body, x_api_key=KEY)

    assert answer.status_code == 400
    assert answer.json() == {"error": why}
    assert api.core.published == []
    assert api.counted("publish", 400) == 1


@pytest.mark.parametrize(
    "payload", [b"NaN", b'"\\ud800"', b"1_0", b"01", b"[1,]", b'{"a":1,}', b"Infinity", b"'a'"]
)
async def test_a_payload_that_is_not_strict_json_is_400(api, payload):
    answer = await api.publish(b'{"subjects":["a"],"payload":%b}' % payload, x_api_key=KEY)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("not strict JSON: ")


async def test_unknown_fields_and_content_types_do_not_matter(api):
    answer = await api.publish(
        b'{"subjects":[],"traceparent":"00-x","x":[{}]}', x_api_key=KEY, content_type="text/plain"
    )

    assert answer.content == b'{"sent":1}'


async def test_one_byte_over_the_limit_is_413():
    body = b'{"payload":"%b"}' % (b"x" * 86)
    async with opened(limits=PublicationLimits(max_bytes=len(body))) as api:
        assert (await api.publish(body, x_api_key=KEY)).status_code == 200
        answer = await api.publish(body + b" ", x_api_key=KEY)

    assert answer.status_code == 413
    assert answer.json() == {"error": f"body is larger than {len(body)} bytes"}


async def test_too_many_subjects_are_413():
    async with opened(limits=PublicationLimits(max_subjects=2)) as api:
        answer = await api.publish({"subjects": ["a", "b", "c"]}, x_api_key=KEY)

    assert answer.status_code == 413
    assert answer.json() == {"error": "3 subjects, the limit is 2"}


async def test_an_endless_body_is_cut_off_without_being_kept():
    sent = 0

    async def endless():
        nonlocal sent
        while True:
            sent += 1000
            yield b"x" * 1000

    async with opened(limits=PublicationLimits(max_bytes=5_000)) as api:
        answer = await api.client.post("/internal/publish", content=endless())

    assert answer.status_code == 413
    assert sent <= 5_000 * body_module._DISCARD + 2_000


async def test_a_body_that_does_not_arrive_in_time_is_408(monkeypatch, api):
    monkeypatch.setattr(body_module, "READ_SECONDS", 0.01)

    async def stuck():
        yield b"{"
        await anyio.sleep_forever()

    answer = await api.client.post("/internal/publish", content=stuck())

    assert answer.status_code == 408


async def test_a_repeated_id_is_told_in_a_header_and_not_in_the_body():
    async with opened(answers=lambda _: Receipt(3, duplicate=True)) as api:
        answer = await api.publish({"id": "7"}, x_api_key=KEY)

    assert answer.content == b'{"sent":3}'
    assert answer.headers["x-gatewright-duplicate"] == "true"
    assert api.core.published[0].id == "7"


@pytest.mark.parametrize(
    ("receipt", "body", "header"),
    [
        (Receipt(3), b'{"sent":3}', "exact"),
        (Receipt(3, exact=False), b'{"sent":3}', "partial"),
        (Receipt(None), b'{"sent":0}', "partial"),
    ],
)
async def test_a_header_says_whether_all_were_counted(receipt, body, header):
    async with opened(answers=lambda _: receipt) as api:
        answer = await api.publish({}, x_api_key=KEY)

    assert (answer.content, answer.headers["x-gatewright-sent"]) == (body, header)
    assert "x-gatewright-duplicate" not in answer.headers


def bus_down(_publication: Publication) -> Receipt:
    msg = "connection refused"
    raise BusUnavailable(msg)


async def test_a_bus_that_is_away_is_503_with_retry_after():
    async with opened(answers=bus_down) as api:
        answer = await api.publish({}, x_api_key=KEY)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json() == {"error": "the bus is not available: connection refused"}


async def test_what_the_core_refuses_is_400_too():
    def refuse(_publication: Publication) -> Receipt:
        msg = "3 subjects, the limit is 2"
        raise InvalidPublication(msg, reason="too_large")

    async with opened(answers=refuse) as api:
        answer = await api.publish({}, x_api_key=KEY)

    assert (answer.status_code, answer.json()) == (413, {"error": "3 subjects, the limit is 2"})


async def test_before_it_runs_it_is_503_but_the_key_is_judged_first():
    async with opened(running=False) as api:
        answer = await api.publish({}, x_api_key=KEY)
        unknown = await api.publish({})

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json() == {"error": "the gateway is not taking publications now"}
    assert unknown.status_code == 401


async def test_a_batch_answers_each_message(api):
    api.core.answers = lambda one: Receipt(len(one.subjects), duplicate=one.id == "x")
    answer = await api.publish(
        {
            "api_key": KEY,
            "messages": [
                {"subjects": ["a", "b"], "payload": 1},
                {"subjects": ["a"], "payload": 2, "id": "x"},
                {"payload": 3},
            ],
        }
    )

    assert answer.status_code == 200
    assert answer.content == (b'{"results":[{"sent":2},{"sent":1,"duplicate":true},{"sent":0}]}')
    assert answer.headers["x-gatewright-sent"] == "exact"
    assert [one.payload for one in api.core.published] == [b"1", b"2", b"3"]


async def test_an_empty_batch_is_no_error(api):
    assert (await api.publish({"messages": []}, x_api_key=KEY)).json() == {"results": []}


async def test_a_batch_with_one_mistake_publishes_nothing_and_names_it(api):
    answer = await api.publish({"messages": [{"subjects": ["a"]}, {"subjects": 1}]}, x_api_key=KEY)

    assert answer.status_code == 400
    assert answer.json() == {"error": "messages[1]: subjects must be an array of strings"}
    assert api.core.published == []


async def test_a_batch_needs_a_key_of_its_own_not_of_its_messages(api):
    answer = await api.publish({"messages": [{"api_key": KEY}]})

    assert answer.status_code == 401


async def test_a_batch_that_breaks_off_says_what_was_published(api):
    def second_fails(publication: Publication) -> Receipt:
        return bus_down(publication) if publication.payload == b"2" else Receipt(5)

    api.core.answers = second_fails
    answer = await api.publish(
        {"messages": [{"payload": 1}, {"payload": 2}, {"payload": 3}]}, x_api_key=KEY
    )

    assert answer.status_code == 503
    assert answer.json() == {
        "error": "the bus is not available: connection refused",
        "results": [{"sent": 5}],
    }
    assert [one.payload for one in api.core.published] == [b"1"]


async def test_insecure_publishes_without_a_key_and_is_warned_about():
    async with opened(api_keys=[], insecure=True) as api:
        answer = await api.publish({"subjects": ["a"], "api_key": "whatever"})

    assert answer.content == b'{"sent":1}'
    assert [(entry["event"], entry["log_level"]) for entry in api.logged] == [
        ("anybody who reaches /internal may publish and disconnect", "warning")
    ]


async def test_insecure_does_not_open_what_has_keys():
    async with opened(insecure=True) as api:
        answer = await api.publish({"subjects": ["a"]})

    assert answer.status_code == 401
    assert api.logged == []


async def test_ids_of_two_endpoints_are_kept_apart_by_their_source():
    async with opened(name="http/eu") as api:
        await api.publish({"id": "1"}, x_api_key=KEY)

    assert api.core.published[0].source == "http/eu"


async def test_only_post_publishes(api):
    assert (await api.client.get("/internal/publish")).status_code == 405


async def test_requests_are_counted_by_status(api):
    await api.publish({}, x_api_key=KEY)
    await api.publish({})
    await api.publish({})

    assert (api.counted("publish", 200), api.counted("publish", 401)) == (1, 2)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
bodies = (
    st.binary()
    | st.binary().map(lambda inside: b'{"payload":"%b"}' % inside)
    | st.dictionaries(
        st.sampled_from(["subjects", "payload", "id", "api_key", "messages", "x"]), anything
    ).map(lambda body: json.dumps(body).encode(errors="surrogatepass"))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies)
async def test_no_body_makes_it_fail(api, body):
    answer = await api.publish(body, x_api_key=KEY)

    assert answer.status_code in {200, 400, 413}
    assert set(answer.json()) in ({"sent"}, {"error"}, {"results"})
