"""Dead letters in a file: formats, sharing, crashes, rotation."""

import fcntl
import json
import multiprocessing
import os
import stat
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gatewright import DeadLetter, PluginContext, StartError
from gatewright.builtin import dead_letter_journal
from gatewright.builtin.dead_letter_journal import Journal, JournalLocked
from gatewright.builtin.dead_letter_line import decode_line, encode_line
from gatewright.builtin.file_dead_letters import (
    FileDeadLetters,
    FileSettings,
    gatewright_dead_letters,
)
from gatewright.metrics import Metrics

pytestmark = pytest.mark.anyio


def letter(id_="a", payload=b'{"type":"connected"}', **more) -> DeadLetter:
    return DeadLetter(id=id_, kind="event", target="webhook", reason="age", payload=payload, **more)


def store(path: Path, *, max_bytes: int = 1_000_000, keep: int = 3) -> FileDeadLetters:
    return FileDeadLetters(Journal(path, max_bytes=max_bytes, keep=keep), structlog.get_logger())


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "state" / "dead-letters.jsonl"


async def ids(it: FileDeadLetters) -> list[str]:
    return [each.letter.id for each in await it.read(limit=10_000)]


async def test_what_is_put_can_be_read(path) -> None:
    it = store(path)
    full = letter(
        "e1",
        type="disconnected",
        connection_id="c1",
        user_id="Jörg\n@",
        seq=7,
        first_at=1.25,
        last_at=2.5,
        attempts=3,
        error="status 500",
        event_reason="node_lost",
    )
    await it.put([full, letter("e2")])

    first, second = await it.read()
    assert (first.letter, first.state) == (full, "new")
    assert second.letter == letter("e2")
    assert int(first.key) < int(second.key)


@given(payload=st.binary(max_size=200) | st.text().map(str.encode))
async def test_any_payload_comes_out_as_it_went_in(payload) -> None:
    stored = decode_line(encode_line(1, letter(payload=payload)))

    assert stored is not None
    assert stored.letter.payload == payload


async def test_a_line_says_how_its_payload_is_written(path) -> None:
    await store(path).put([letter("e1", b'{"a":"\xc3\xa4"}'), letter("e2", b"\xff")])

    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert (first["encoding"], first["payload"]) == ("text", '{"a":"ä"}')
    assert (second["encoding"], second["payload"]) == ("base64", "/w==")


async def test_a_text_that_no_json_can_hold_is_written_all_the_same(path) -> None:
    it = store(path)
    await it.put([letter(error="bad \ud800 text")])

    (stored,) = await it.read()
    assert stored.letter.error == r"bad \ud800 text"


async def test_nobody_else_may_read_it(path) -> None:
    await store(path).put([letter()])

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.with_name(path.name + ".lock").stat().st_mode) == 0o600


async def test_reading_what_is_not_there_makes_nothing(path) -> None:
    it = store(path)

    assert await it.read() == []
    assert await it.remove(["1"]) == 0
    await it.mark("1", "redriven")
    assert not path.parent.exists()


async def test_reading_goes_on_after_a_key(path) -> None:
    it = store(path, max_bytes=2000, keep=50)
    for n in range(30):
        await it.put([letter(f"e{n}")])
    found, after = [], None
    while page := await it.read(after, limit=7):
        assert len(page) <= 7
        found += [each.letter.id for each in page]
        after = page[-1].key

    assert found == [f"e{n}" for n in range(30)]


async def test_a_key_that_is_none_is_refused(path) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await store(path).read("first")


async def test_a_mark_stays_and_changes_nothing_else(path) -> None:
    it = store(path, max_bytes=2000, keep=50)
    for n in range(20):
        await it.put([letter(f"e{n}")])
    before = await it.read()
    await it.mark(before[3].key, "redriven")
    await it.mark(before[3].key, "dropped")
    await it.mark(before[17].key, "redriven")
    await it.mark("99999", "redriven")
    await it.mark("no key", "redriven")

    after = await it.read()
    assert [each.letter for each in after] == [each.letter for each in before]
    states = {each.letter.id: each.state for each in after if each.state != "new"}
    assert states == {"e3": "dropped", "e17": "redriven"}


@pytest.mark.parametrize("state", ["", "x" * 17, 'a"b', "a b", "ä", "a\n"])
async def test_a_state_that_fits_no_line_is_refused(path, state) -> None:
    it = store(path)
    await it.put([letter()])

    with pytest.raises(ValueError, match="is not 1 to 16 printable ASCII characters"):
        await it.mark("1", state)


async def test_what_is_removed_is_gone_and_counted(path) -> None:
    it = store(path, max_bytes=2000, keep=50)
    for n in range(20):
        await it.put([letter(f"e{n}")])
    keys = [each.key for each in await it.read()]

    assert await it.remove([keys[0], keys[7], keys[19], "12345", "x"]) == 3
    assert await ids(it) == [f"e{n}" for n in range(20) if n not in {0, 7, 19}]
    assert await it.remove(keys) == 17
    assert await ids(it) == []


async def test_what_root_removes_from_a_gateways_file_leaves_it_the_gateways(
    path, monkeypatch
) -> None:
    it = store(path)
    await it.put([letter("a"), letter("b")])
    given = []
    monkeypatch.setattr(os, "fchown", lambda _, user, group: given.append((user, group)))
    if os.geteuid() == 0:
        os.chown(path, 65_534, 65_533)
    owner = (path.stat().st_uid, path.stat().st_gid)

    await it.remove(["1"])

    assert given == [owner]
    assert await ids(it) == ["b"]


async def test_a_key_is_never_given_twice(path) -> None:
    it = store(path)
    await it.put([letter("e1"), letter("e2")])
    keys = [each.key for each in await it.read()]
    await it.remove(keys)
    await it.put([letter("e3")])

    (stored,) = await it.read()
    assert int(stored.key) > max(map(int, keys))


async def test_without_its_lock_file_keys_still_grow(path) -> None:
    it = store(path)
    await it.put([letter("e1"), letter("e2")])
    path.with_name(path.name + ".lock").unlink()
    await it.put([letter("e3")])

    keys = [int(each.key) for each in await it.read()]
    assert keys == sorted(set(keys))


async def test_keys_grow_on_where_somebody_moved_the_file_away(path) -> None:
    it = store(path)
    await it.put([letter("e1"), letter("e2")])
    path.rename(path.with_name("taken-away"))
    await it.put([letter("e3")])

    assert [each.key for each in await it.read()] == ["3"]


async def test_a_line_cut_short_is_healed_skipped_and_counted(path) -> None:
    it = store(path)
    await it.put([letter("e1"), letter("e2")])
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with capture_logs() as logs:
        assert await ids(it) == ["e1"]
        await it.put([letter("e3")])
        assert await ids(it) == ["e1", "e3"]

    assert logs[0]["event"] == "lines of the dead letter file cannot be read"
    assert it.health().facts["skipped"] == 2


@given(cut=st.integers(min_value=1, max_value=600), rounds=st.integers(min_value=1, max_value=4))
@settings(max_examples=40, deadline=None)
async def test_wherever_a_write_was_cut_whole_records_are_found(
    tmp_path_factory, cut, rounds
) -> None:
    journal = Journal(tmp_path_factory.mktemp("cut") / "f.jsonl", max_bytes=10**6, keep=1)
    for number in range(rounds):
        journal.append([letter(f"e{number}-{n}") for n in range(3)])
        file = journal._path
        whole = file.read_bytes()
        file.write_bytes(whole[: max(0, len(whole) - cut)])
    journal.append([letter("last")])

    found = journal.read(0, 1000)
    keys = [int(each.key) for each in found]
    assert found[-1].letter.id == "last"
    assert keys == sorted(set(keys))
    for key, stored in zip(keys, found, strict=True):
        assert journal.read(key - 1, 1) == [stored]


async def test_a_write_that_fails_leaves_nothing_behind(path, monkeypatch) -> None:
    it = store(path)
    await it.put([letter("e1")])
    before = path.read_bytes()
    real = os.write

    def full(descriptor, data):
        if len(data) > 50:
            return real(descriptor, bytes(data)[:50])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dead_letter_journal.os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        await it.put([letter("e2"), letter("e3")])
    monkeypatch.undo()

    assert path.read_bytes() == before
    await it.put([letter("e4")])
    assert await ids(it) == ["e1", "e4"]


async def test_a_full_file_is_rotated_and_read_in_order(path) -> None:
    it = store(path, max_bytes=1000, keep=9)
    for n in range(12):
        await it.put([letter(f"e{n}")])

    assert path.with_name(path.name + ".1").exists()
    assert path.stat().st_size <= 1000
    assert await ids(it) == [f"e{n}" for n in range(12)]


async def test_what_falls_out_unmarked_is_counted_and_said(path) -> None:
    it = store(path, max_bytes=1000, keep=1)
    with capture_logs() as logs:
        for n in range(12):
            await it.put([letter(f"e{n}")])
            if n == 0:
                await it.mark((await it.read())[0].key, "redriven")

    left = len(await ids(it))
    assert it.health().facts["dropped"] == 12 - left - 1
    assert {each["event"] for each in logs} == {"dead letters fell out of the oldest file"}
    assert sum(each["letters"] for each in logs) == 12 - left - 1


async def test_with_nothing_kept_a_full_file_starts_anew(path) -> None:
    it = store(path, max_bytes=600, keep=0)
    for n in range(6):
        await it.put([letter(f"e{n}")])

    left = await ids(it)
    assert left == [f"e{n}" for n in range(6)][-len(left) :]
    assert it.health().facts["dropped"] == 6 - len(left)


def _write_many(path: Path, name: str) -> None:
    journal = Journal(path, max_bytes=5000, keep=100)
    for n in range(30):
        journal.append([letter(f"{name}-{n}a"), letter(f"{name}-{n}b")])


async def test_several_processes_share_one_file(path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(path, name)) for name in "xyz"]
    for each in writers:
        each.start()
    for each in writers:
        await anyio.to_thread.run_sync(each.join)

    found = await store(path, keep=100).read(limit=1000)
    assert [each.exitcode for each in writers] == [0, 0, 0]
    assert len({each.key for each in found}) == 180
    for name in "xyz":
        mine = [each.letter.id for each in found if each.letter.id.startswith(name)]
        assert mine == [f"{name}-{n}{part}" for n in range(30) for part in "ab"]


async def test_a_lock_that_is_held_too_long_is_an_error_and_never_blocks_the_loop(
    path, monkeypatch
) -> None:
    it = store(path)
    await it.put([letter("e1")])
    monkeypatch.setattr(dead_letter_journal, "_LOCK_SECONDS", 0.05)
    with path.with_name(path.name + ".lock").open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(JournalLocked, match="is locked by another process"):
            await it.put([letter("e2")])

    await it.put([letter("e3")])
    assert await ids(it) == ["e1", "e3"]


async def test_many_tasks_may_put_at_once(path) -> None:
    it = store(path)
    async with anyio.create_task_group() as group:
        for n in range(20):
            group.start_soon(it.put, [letter(f"e{n}")])

    assert sorted(await ids(it)) == sorted(f"e{n}" for n in range(20))


def context() -> PluginContext:
    return PluginContext(
        name="file",
        log=structlog.get_logger(),
        metrics=Metrics().registry,
        node_id="n1",
        spawn=lambda *_: None,
    )


async def test_opening_makes_no_file(path) -> None:
    factory = gatewright_dead_letters()
    async with factory.open(FileSettings(path=path), context()) as it:
        assert not path.parent.exists()
        await it.put([letter()])
        assert path.exists()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.mkdir(parents=True), "it is a directory"),
        (lambda path: path.parent.write_text(""), "state is not a directory"),
    ],
)
async def test_a_place_that_cannot_be_written_is_named_at_the_start(path, make, why) -> None:
    make(path)

    with pytest.raises(StartError, match=f"dead letters cannot be written to {path}: .*{why}"):
        async with gatewright_dead_letters().open(FileSettings(path=path), context()):
            pass


@pytest.mark.parametrize(
    ("exists", "why"),
    [(True, "the file is not writable"), (False, "the directory .* is not writable")],
)
async def test_a_place_without_permission_is_named_at_the_start(
    path, monkeypatch, exists, why
) -> None:
    if exists:
        path.parent.mkdir()
        path.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(StartError, match=why):
        async with gatewright_dead_letters().open(FileSettings(path=path), context()):
            pass


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        (None, "var/dead-letters.jsonl"),
        ("", "var/dead-letters.jsonl"),
        ("/var/lib/gw", "/var/lib/gw/dead-letters.jsonl"),
        ("/var/lib/gw:/var/lib/other", "/var/lib/gw/dead-letters.jsonl"),
    ],
)
async def test_the_default_place_is_the_service_managers(monkeypatch, variable, expected) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    if variable is not None:
        monkeypatch.setenv("STATE_DIRECTORY", variable)

    assert FileSettings().path == Path(expected)
