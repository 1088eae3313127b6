"""Changing what connections hear, and disconnecting them."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.plugins.transport_http.harness import KEY, opened

from gatewright import BusUnavailable, Command, PublicationLimits, Receipt

pytestmark = pytest.mark.anyio

SUBJECTS, DISCONNECT = "/internal/subjects", "/internal/disconnect"
ADDRESSED = [(SUBJECTS, {"add": ["a"]}), (DISCONNECT, {})]


async def error(api, path, body):
    answer = await api.post(path, body, x_api_key=KEY)
    assert answer.status_code == 400
    assert api.core.commands == []
    return answer.json()["error"]


async def test_subjects_of_a_user_are_changed(api):
    body = {"user_id": "42", "add": ["room:1", "room:1", "room:2"], "remove": ["room:3"]}
    answer = await api.post(SUBJECTS, body | {"api_key": KEY})

    assert (answer.status_code, answer.content) == (200, b'{"reached":1}')
    assert answer.headers["x-gatewright-reached"] == "exact"
    assert api.core.commands == [
        Command("subjects", user_id="42", add=("room:1", "room:2"), remove=("room:3",))
    ]


async def test_subjects_of_a_connection_are_changed(api):
    await api.post(SUBJECTS, {"connection_id": "c-1", "remove": ["a"]}, x_api_key=KEY)

    assert api.core.commands == [Command("subjects", connection_id="c-1", remove=("a",))]


async def test_a_user_is_disconnected(api):
    body = {"user_id": "42", "code": 4403, "reason": "logged out"}
    answer = await api.post(DISCONNECT, body, x_api_key=KEY)

    assert answer.json() == {"reached": 1}
    assert api.core.commands == [
        Command("disconnect", user_id="42", code=4403, reason="logged out")
    ]


@pytest.mark.parametrize("more", [{}, {"code": None, "reason": None}])
async def test_a_disconnect_is_1000_without_words_unless_told(api, more):
    await api.post(DISCONNECT, {"connection_id": "c-1"} | more, x_api_key=KEY)

    assert api.core.commands == [Command("disconnect", connection_id="c-1", code=1000, reason="")]


@pytest.mark.parametrize("path_and_body", ADDRESSED)
@pytest.mark.parametrize("whom", [{}, {"user_id": None}, {"user_id": "42", "connection_id": "c-1"}])
async def test_exactly_one_of_user_and_connection_is_named(api, path_and_body, whom):
    path, body = path_and_body
    assert (
        await error(api, path, body | whom)
        == "exactly one of user_id and connection_id must be given"
    )


@pytest.mark.parametrize("path_and_body", ADDRESSED)
@pytest.mark.parametrize("field", ["user_id", "connection_id"])
@pytest.mark.parametrize("value", ["", "a\nb", "x" * 513, ["42"], True, 1.5, {}])
async def test_an_id_that_is_none_is_named(api, path_and_body, field, value):
    path, body = path_and_body
    assert (
        await error(api, path, body | {field: value})
        == f"{field} must be text of 1 to 512 bytes without control characters"
    )


async def test_a_user_id_may_be_a_number_as_in_a_token(api):
    await api.post(DISCONNECT, {"user_id": 42}, x_api_key=KEY)

    assert api.core.commands[0].user_id == "42"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "one of add and remove must name a subject"),
        ({"add": [], "remove": None}, "one of add and remove must name a subject"),
        ({"add": "room:1"}, "add must be an array of strings"),
        ({"remove": [1]}, "remove must be an array of strings"),
        ({"add": ["a", ""]}, "add[1] must have 1 to 1024 bytes and no control characters"),
        ({"add": ["a\x00"]}, "add[0] must have 1 to 1024 bytes and no control characters"),
        ({"add": ["a", "user:7"]}, "add[1]: a user: subject cannot be added for another user"),
        ({"add": ["user:"]}, "add[0]: a user: subject cannot be added for another user"),
        ({"remove": ["user:42"]}, "remove[0]: a user: subject cannot be removed"),
    ],
)
async def test_a_change_that_cannot_be_is_400_and_says_why(api, body, why):
    assert await error(api, SUBJECTS, {"user_id": "42"} | body) == why


async def test_a_users_own_subject_may_be_named_and_a_connections_may_not(api):
    own = {"add": ["user:42"]}
    assert (
        await error(api, SUBJECTS, own | {"connection_id": "c-1"})
        == "add[0]: a user: subject cannot be added for another user"
    )
    answer = await api.post(SUBJECTS, own | {"user_id": "42"}, x_api_key=KEY)
    assert answer.status_code == 200


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, "1000", True, 1.5])
async def test_a_code_that_no_close_frame_may_carry_is_400(api, code):
    assert (
        await error(api, DISCONNECT, {"user_id": "42", "code": code})
        == "code must be 1000 to 1003, 1007 to 1014 or 3000 to 4999"
    )


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4999])
async def test_a_code_that_a_close_frame_may_carry_is_taken(api, code):
    await api.post(DISCONNECT, {"user_id": "42", "code": code}, x_api_key=KEY)

    assert api.core.commands[0].code == code


async def test_a_reason_fits_into_a_close_frame(api):
    fits = "ü" * 61 + "x"
    why = "reason must have at most 123 bytes and no control characters"
    assert await error(api, DISCONNECT, {"user_id": "42", "reason": fits + "x"}) == why
    assert await error(api, DISCONNECT, {"user_id": "42", "reason": "a\r\nb"}) == why
    assert await error(api, DISCONNECT, {"user_id": "42", "reason": 1}) == "reason must be text"
    await api.post(DISCONNECT, {"user_id": "42", "reason": fits}, x_api_key=KEY)
    assert api.core.commands[0].reason == fits


async def test_too_many_subjects_are_413():
    async with opened(limits=PublicationLimits(max_subjects=2)) as api:
        body = {"user_id": "42", "add": ["a", "b"], "remove": ["c"]}
        answer = await api.post(SUBJECTS, body, x_api_key=KEY)

    assert (answer.status_code, answer.json()) == (413, {"error": "3 subjects, the limit is 2"})


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        (
            SUBJECTS,
            b"[]",
            "must be a JSON object with user_id or connection_id, and add or remove",
        ),
        (DISCONNECT, b"7", "must be a JSON object with user_id or connection_id"),
        (DISCONNECT, b'{"user_id":"\xff"}', "not UTF-8 at byte 12"),
        (SUBJECTS, b"", "not strict JSON: Input data was truncated"),
    ],
)
async def test_a_body_that_is_no_command_says_what_it_should_be(api, path, body, why):
    assert await error(api, path, body) == why


@pytest.mark.parametrize("path", [SUBJECTS, DISCONNECT])
@pytest.mark.parametrize("headers", [{}, {"x_api_key": "no"}])
async def test_the_key_is_judged_before_the_shape(api, path, headers):
    answer = await api.post(path, {"code": "x"}, **headers)

    assert (answer.status_code, answer.json()) == (401, {"error": "missing or wrong api key"})
    assert api.counted(path.rpartition("/")[2], 401) == 1


async def test_insecure_commands_without_a_key():
    async with opened(api_keys=[], insecure=True) as api:
        assert (await api.post(DISCONNECT, {"user_id": "42"})).status_code == 200


async def test_nodes_that_did_not_answer_make_the_number_partial():
    async with opened(answers=lambda _: Receipt(2, exact=False)) as api:
        answer = await api.post(DISCONNECT, {"user_id": "42"}, x_api_key=KEY)

    assert answer.json() == {"reached": 2}
    assert answer.headers["x-gatewright-reached"] == "partial"


@pytest.mark.parametrize("path_and_body", ADDRESSED)
async def test_a_bus_that_is_away_is_503_with_retry_after(path_and_body):
    def bus_down(_command):
        msg = "connection refused"
        raise BusUnavailable(msg)

    path, body = path_and_body
    async with opened(answers=bus_down) as api:
        answer = await api.post(path, body | {"user_id": "42"}, x_api_key=KEY)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json() == {"error": "the bus is not available: connection refused"}


async def test_before_it_runs_it_is_503():
    async with opened(running=False) as api:
        answer = await api.post(DISCONNECT, {"user_id": "42"}, x_api_key=KEY)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json() == {"error": "the gateway is not taking commands now"}


@pytest.mark.parametrize("path", [SUBJECTS, DISCONNECT])
async def test_only_post_commands(api, path):
    assert (await api.client.get(path)).status_code == 405


async def test_count_node_asks_for_no_count_of_the_others():
    async with opened(count="node") as api:
        await api.publish({"subjects": ["a"]}, x_api_key=KEY)
        await api.publish({"messages": [{"subjects": ["a"]}]}, x_api_key=KEY)
    assert api.core.counts == [False, False]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
bodies = st.binary() | st.dictionaries(
    st.sampled_from(["user_id", "connection_id", "add", "remove", "code", "reason", "x"]), anything
).map(lambda body: json.dumps(body).encode(errors="surrogatepass"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([SUBJECTS, DISCONNECT]), bodies)
async def test_no_body_makes_it_fail(api, path, body):
    answer = await api.post(path, body, x_api_key=KEY)

    assert answer.status_code in {200, 400, 413}
    assert set(answer.json()) in ({"reached"}, {"error"})
