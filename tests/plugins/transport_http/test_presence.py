from urllib.parse import quote

import anyio.lowlevel
import msgspec
import pytest
from tests.plugins.transport_http.harness import KEY, FakePresence, connection, opened

from gatewright import ConnectionPage
from gatewright_transport_http import presence as presence_module
from gatewright_transport_http.presence import PAGE

pytestmark = pytest.mark.anyio

AWKWARD_IDS = [
    "42",
    "ü ö@x",
    "a/connections",
    "/",
    "a//b",
    "%2F",
    "%",
    "100%",
    "a+b",
    "?&=#",
    "日本語",
    "👩‍👩‍👧",
    "connections",
    "a/connections/connections",
]


async def test_nobody_is_an_empty_list(api):
    answer = await api.client.get("/internal/connections")

    assert answer.status_code == 200
    assert answer.content == b'{"connections":[]}'
    assert answer.headers["content-type"] == "application/json"


async def test_a_connection_has_exactly_the_fields_of_the_contract():
    async with opened(presence=FakePresence([connection(1, "42", "room:1")])) as api:
        answer = await api.client.get("/internal/connections")

    assert answer.content == (
        b'{"connections":[{"connection_id":"c-1","user_id":"42",'
        b'"subjects":["user:42","room:1"],"connected_at":1700000000}]}'
    )


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({}, (None, None)),
        ({"subject": "room:1"}, ("room:1", None)),
        ({"user_id": "42"}, (None, "42")),
        ({"subject": "room:1", "user_id": "42"}, ("room:1", "42")),
        ({"subject": "", "user_id": ""}, (None, None)),
        ({"subject": "a b&c=ü/%2F"}, ("a b&c=ü/%2F", None)),
    ],
)
async def test_filters_reach_the_store_and_empty_ones_do_not(api, query, asked):
    await api.client.get("/internal/connections", params=query)

    (request,) = api.presence.asked
    assert (request["subject"], request["user_id"]) == asked


@pytest.mark.parametrize("user_id", AWKWARD_IDS)
async def test_a_user_in_the_path_may_hold_any_character(user_id):
    presence = FakePresence([connection(1, user_id), connection(2, "other")])
    async with opened(presence=presence) as api:
        path = f"/internal/users/{quote(user_id, safe='')}/connections"
        answer = await api.client.get(path)

    assert [one["user_id"] for one in answer.json()["connections"]] == [user_id]


@pytest.mark.parametrize("user_id", ["a/connections", "/", "a//b", "ü ö@x", "100%", "a+b"])
async def test_a_user_in_the_path_need_not_be_encoded(user_id):
    async with opened(presence=FakePresence([connection(1, user_id)])) as api:
        answer = await api.client.get(f"/internal/users/{user_id}/connections")

    assert [one["user_id"] for one in answer.json()["connections"]] == [user_id]


async def test_an_empty_user_in_the_path_is_nobody():
    async with opened(presence=FakePresence([connection()])) as api:
        answer = await api.client.get("/internal/users//connections")

    assert answer.content == b'{"connections":[]}'


async def test_pages_come_with_a_cursor_until_the_last():
    everyone = [connection(number) for number in range(5)]
    async with opened(presence=FakePresence(everyone)) as api:
        seen, cursor = [], ""
        while cursor is not None:
            answer = await api.client.get(
                "/internal/connections", params={"limit": 2, "cursor": cursor}
            )
            body = answer.json()
            assert set(body) == {"connections", "cursor"}
            seen += [one["connection_id"] for one in body["connections"]]
            cursor = body["cursor"]

    assert seen == [one.connection_id for one in everyone]
    assert [asked["limit"] for asked in api.presence.asked] == [2, 2, 2]


async def test_a_cursor_alone_pages_by_the_usual_size(api):
    answer = await api.client.get("/internal/connections?cursor=")

    assert answer.json() == {"connections": [], "cursor": None}
    assert api.presence.asked[0]["limit"] == PAGE


async def test_pages_of_one_user():
    presence = FakePresence([connection(1), connection(2), connection(3, "43")])
    async with opened(presence=presence) as api:
        answer = await api.client.get("/internal/users/42/connections?limit=1")

    assert [one["connection_id"] for one in answer.json()["connections"]] == ["c-1"]
    assert answer.json()["cursor"] is not None


@pytest.mark.parametrize("limit", ["0", "-1", "10001", "1.5", "x", "٣", "1" * 5000, " 1"])
async def test_a_wrong_limit_is_400(api, limit):
    answer = await api.client.get("/internal/connections", params={"limit": limit})

    assert answer.status_code == 400
    assert answer.json() == {"error": "limit must be a number from 1 to 10000"}
    assert api.presence.asked == []


async def test_a_cursor_that_the_store_did_not_give_is_400(api):
    answer = await api.client.get("/internal/connections?cursor=no")

    assert answer.status_code == 400
    assert answer.json() == {"error": "cursor is not one that an earlier answer gave"}


@pytest.mark.parametrize("path", ["/internal/connections", "/internal/users/42/connections"])
async def test_a_key_where_one_is_required(path):
    async with opened(presence_requires_key=True) as api:
        assert (await api.client.get(path)).status_code == 401
        assert (await api.client.get(path, headers={"X-Api-Key": "no"})).status_code == 401
        assert (await api.client.get(path + f"?api_key={KEY}")).status_code == 401
        assert (await api.client.get(path, headers={"X-Api-Key": KEY})).status_code == 200


@pytest.mark.parametrize(
    ("options", "separate_internal", "status"),
    [
        ({}, False, 401),
        ({}, True, 200),
        ({"presence_requires_key": False}, False, 200),
        ({"presence_requires_key": True}, True, 401),
        ({"api_keys": [], "insecure": True}, False, 200),
    ],
)
async def test_whether_a_key_is_required(options, separate_internal, status):
    async with opened(separate_internal=separate_internal, **options) as api:
        assert (await api.client.get("/internal/connections")).status_code == status


@pytest.mark.parametrize("query", ["", "?limit=1", "?limit=1&cursor=1"])
async def test_a_store_that_is_away_is_503_and_logged(query):
    presence = FakePresence(fails=lambda _cursor: ConnectionRefusedError(111, "refused", "canary"))
    async with opened(presence=presence) as api:
        answer = await api.client.get("/internal/connections" + query)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json() == {"error": "the presence store is not available"}
    assert [entry["error"] for entry in api.logged] == ["ConnectionRefusedError: refused"]


async def test_a_store_that_does_not_answer_is_503(monkeypatch, api):
    monkeypatch.setattr(presence_module, "FIND_SECONDS", 0.01)

    async def stuck(**_):
        await anyio.sleep_forever()

    monkeypatch.setattr(api.presence, "find", stuck)

    assert (await api.client.get("/internal/connections")).status_code == 503


@pytest.mark.parametrize("count", [PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1])
async def test_a_long_list_is_whole_and_asked_for_in_pages(count):
    everyone = [connection(number) for number in range(count)]
    async with opened(presence=FakePresence(everyone)) as api:
        answer = await api.client.get("/internal/connections")

    assert [one["connection_id"] for one in answer.json()["connections"]] == [
        one.connection_id for one in everyone
    ]
    assert {asked["limit"] for asked in api.presence.asked} == {PAGE}
    assert len(api.presence.asked) == -(-count // PAGE)


async def test_empty_pages_on_the_way_leave_no_trace():
    class Sparse(FakePresence):
        async def find(self, *, cursor=None, **_):
            pages = {None: (), "1": (connection(1),), "2": (), "3": (connection(2),), "4": ()}
            following = str(int(cursor or 0) + 1)
            return ConnectionPage(pages[cursor], following if following in pages else None)

    async with opened(presence=Sparse()) as api:
        answer = await api.client.get("/internal/connections")

    assert [one["connection_id"] for one in answer.json()["connections"]] == ["c-1", "c-2"]


async def test_a_store_that_fails_half_way_leaves_the_list_incomplete():
    presence = FakePresence(
        [connection(number) for number in range(2 * PAGE)],
        fails=lambda cursor: None if cursor is None else ConnectionError("canary"),
    )
    async with opened(presence=presence) as api:
        messages = []

        async def send(message):
            messages.append(message)

        async def receive():
            await anyio.sleep_forever()

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/internal/connections",
            "query_string": b"",
            "headers": [],
        }
        await api.app(scope, receive, send)

    assert messages[0]["status"] == 200
    assert messages[-1]["more_body"] is True
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(b"".join(message.get("body", b"") for message in messages))
    assert [entry["error"] for entry in api.logged] == ["ConnectionError"]


async def test_a_hundred_thousand_connections_leave_the_loop_to_others():
    everyone = [connection(number, str(number)) for number in range(100_000)]
    turns = 0

    async def other():
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with opened() as api, anyio.create_task_group() as tasks:
        api.presence.find = slices(everyone)
        tasks.start_soon(other)
        answer = await api.client.get("/internal/connections")
        tasks.cancel_scope.cancel()

    assert answer.content.count(b'"connection_id"') == 100_000
    assert turns >= 100_000 // PAGE


def slices(everyone):
    """A store that costs nothing itself."""

    async def find(*, cursor=None, limit=None, **_):
        end = int(cursor or 0) + limit
        return ConnectionPage(everyone[end - limit : end], str(end) if end < 100_000 else None)

    return find


async def test_only_get_and_head(api):
    assert (await api.client.post("/internal/connections")).status_code == 405
    assert (await api.client.head("/internal/connections")).status_code == 200


async def test_requests_are_counted(api):
    await api.client.get("/internal/connections")
    await api.client.get("/internal/users/42/connections")

    assert api.counted("connections", 200) == 1
    assert api.counted("user_connections", 200) == 1
