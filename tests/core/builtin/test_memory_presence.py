import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewright import ConnectionInfo
from gatewright.builtin.memory_presence import MemoryPresence, gatewright_presence

pytestmark = pytest.mark.anyio


def connection(number, user="u1", *subjects):
    return ConnectionInfo(f"c{number}", user, (f"user:{user}", *subjects), number)


def ids(page):
    return [info.connection_id for info in page.connections]


@pytest.fixture
def store():
    return MemoryPresence()


async def test_connections_are_found_by_subject_user_both_or_none(store):
    await store.joined(
        [
            connection(1, "u1", "news"),
            connection(2, "u1"),
            connection(3, "u2", "news"),
            connection(4, "u3"),
        ]
    )

    assert ids(await store.find()) == ["c1", "c2", "c3", "c4"]
    assert ids(await store.find(user_id="u1")) == ["c1", "c2"]
    assert ids(await store.find(subject="news")) == ["c1", "c3"]
    assert ids(await store.find(subject="user:u3")) == ["c4"]
    assert ids(await store.find(subject="news", user_id="u1")) == ["c1"]
    assert ids(await store.find(subject="news", user_id="u3")) == []
    assert ids(await store.find(subject="sport")) == []
    assert ids(await store.find(user_id="nobody")) == []


async def test_a_found_connection_is_given_as_it_joined(store):
    await store.joined([connection(1, "u1", "news")])

    page = await store.find(user_id="u1")
    assert list(page.connections) == [connection(1, "u1", "news")]
    assert page.cursor is None


async def test_joining_and_leaving_twice_is_once(store):
    await store.joined([connection(1), connection(1)])
    await store.joined([connection(1)])
    assert ids(await store.find(user_id="u1")) == ["c1"]

    await store.left([connection(1)])
    await store.left([connection(1)])
    assert ids(await store.find()) == []


async def test_changed_subjects_replace_the_old_ones(store):
    await store.joined([connection(1, "u1", "news", "sport")])
    await store.joined([connection(1, "u1", "sport", "weather")])

    assert ids(await store.find(subject="news")) == []
    assert ids(await store.find(subject="sport")) == ["c1"]
    assert ids(await store.find(subject="weather")) == ["c1"]


async def test_leaving_forgets_the_subjects_that_were_known_not_those_that_are_told(store):
    await store.joined([connection(1, "u1", "news")])
    await store.left([connection(1)])

    assert ids(await store.find(subject="news")) == []


async def test_refreshing_writes_whole_again_what_is_gone(store):
    await store.refresh([connection(1, "u1", "news")])

    assert ids(await store.find(subject="news")) == ["c1"]
    assert store.refresh_seconds is None


async def test_pages_go_on_where_the_one_before_ended(store):
    await store.joined([connection(number) for number in range(5)])

    first = await store.find(limit=2)
    second = await store.find(limit=2, cursor=first.cursor)
    third = await store.find(limit=2, cursor=second.cursor)
    assert [ids(page) for page in (first, second, third)] == [["c0", "c1"], ["c2", "c3"], ["c4"]]
    assert third.cursor is None


async def test_a_page_that_ends_with_the_last_connection_is_the_last(store):
    await store.joined([connection(number) for number in range(2)])

    assert (await store.find(limit=2)).cursor is None


async def test_paging_is_stable_while_connections_come_go_and_change(store):
    await store.joined([connection(number, "u1", "news") for number in range(6)])
    first = await store.find(subject="news", limit=2)

    await store.left([connection(1), connection(2)])
    await store.joined([connection(0, "u1", "news"), connection(6, "u1", "news")])
    rest = await store.find(subject="news", limit=10, cursor=first.cursor)

    assert ids(rest) == ["c3", "c4", "c5", "c6"]


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "\u0661", "9" * 19, "1\n"])
async def test_a_foreign_cursor_is_refused(store, cursor):
    with pytest.raises(ValueError, match="not one that this store gave"):
        await store.find(cursor=cursor)


async def test_nothing_is_kept_of_connections_that_left(store):
    batch = [connection(number, f"u{number % 3}", "news") for number in range(9)]
    await store.joined(batch)
    await store.left(batch)

    assert (len(store), len(store._users), len(store._subjects)) == (0, 0, 0)


changes = st.lists(
    st.tuples(
        st.sampled_from(["joined", "left", "refresh"]),
        st.integers(0, 5),
        st.sampled_from(["u1", "u2"]),
        st.sets(st.sampled_from(["a", "b", "c"])),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(changes)
async def test_it_finds_what_a_plain_dictionary_would(changed):
    store, plain = MemoryPresence(), {}
    for call, number, user, subjects in changed:
        info = connection(number, user, *sorted(subjects))
        await getattr(store, call)([info])
        if call == "left":
            plain.pop(number, None)
        else:
            plain[number] = info

    for subject in (None, "a", "user:u1"):
        for user in (None, "u1", "u2"):
            expected = {
                info.connection_id
                for info in plain.values()
                if (subject is None or subject in info.subjects)
                and (user is None or user == info.user_id)
            }
            found = ids(await store.find(subject=subject, user_id=user))
            assert sorted(found) == sorted(expected)


def test_it_is_declared_without_settings():
    assert gatewright_presence().settings.model_fields == {}
