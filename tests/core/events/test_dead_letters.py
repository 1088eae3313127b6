"""The writer of dead letters: batches, the fallback, and what is lost only loudly."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
import pytest
from structlog import get_logger
from structlog.testing import capture_logs
from tests.core.events.kit import LoopClock, now, passes

from gatewright.events.dead_letters import DeadLetterWriter, NamedStore
from gatewright.metrics import Metrics
from gatewright.model import DeadLetter

pytestmark = pytest.mark.anyio


def letter(number: int, payload: bytes = b"{}") -> DeadLetter:
    return DeadLetter(id=str(number), kind="event", target="webhook", reason="age", payload=payload)


class Store:
    """Takes letters, unless it was told to fail or to hang."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.asked: list[float] = []
        self.error: Exception | None = None
        self.hangs = False

    async def put(self, records: Sequence[DeadLetter]) -> None:
        self.asked.append(now())
        if self.hangs:
            await anyio.sleep_forever()
        if self.error is not None:
            raise self.error
        self.batches.append([each.id for each in records])

    @property
    def ids(self) -> list[str]:
        return [each for batch in self.batches for each in batch]


class Desk:
    """A writer with its two stores."""

    def __init__(self, **options: object) -> None:
        self.metrics = Metrics()
        self.chosen, self.file = Store(), Store()
        self.writer = DeadLetterWriter(
            NamedStore("redis_stream", self.chosen),
            NamedStore("file", self.file),
            metrics=self.metrics,
            log=get_logger(),
            clock=LoopClock(),
            **options,
        )

    def put(self, *numbers: int, payload: bytes = b"{}") -> None:
        for number in numbers:
            self.writer.put(letter(number, payload))

    def count(self, store: str, result: str) -> float:
        labels = {"store": store, "result": result}
        value = self.metrics.registry.get_sample_value("gatewright_dead_letters_total", labels)
        return value or 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Desk"]:
        async with anyio.create_task_group() as group:
            group.start_soon(self.writer.run)
            yield self
            group.cancel_scope.cancel()


async def test_letters_are_written_in_order_and_in_batches() -> None:
    desk = Desk()
    desk.put(1, 2, 3)
    async with desk.running():
        await passes(0.1)
        desk.put(4)
        await passes(0.1)

    assert desk.chosen.batches == [["1", "2", "3"], ["4"]]
    assert desk.file.asked == []
    assert desk.count("redis_stream", "written") == 4


async def test_batches_are_bounded() -> None:
    desk = Desk()
    desk.put(*range(2500))
    async with desk.running():
        await passes(0.1)

    assert [len(each) for each in desk.chosen.batches] == [1000, 1000, 500]


async def test_large_letters_make_small_batches_and_none_is_too_large() -> None:
    desk = Desk()
    desk.put(1, 2, 3, payload=b"x" * 3_000_000)
    desk.put(4, payload=b"x" * 10_000_000)
    async with desk.running():
        await passes(0.1)

    assert desk.chosen.batches == [["1"], ["2"], ["3"], ["4"]]


async def test_where_the_chosen_store_fails_the_file_takes_the_batch_at_once() -> None:
    desk = Desk()
    desk.chosen.error = ConnectionRefusedError(111, "Connection refused")
    with capture_logs() as logs:
        async with desk.running():
            desk.put(1, 2)
            await passes(0)

    assert desk.file.batches == [["1", "2"]]
    assert (desk.count("redis_stream", "failed"), desk.count("file", "written")) == (2, 2)
    assert [(each["event"], each["store"], each["error"]) for each in logs] == [
        ("dead letter store fails", "redis_stream", "ConnectionRefusedError: Connection refused")
    ]


async def test_where_the_chosen_store_hangs_the_file_takes_over_after_five_seconds() -> None:
    desk = Desk()
    desk.chosen.hangs = True
    async with desk.running():
        desk.put(1)
        await passes(4.9)
        assert desk.file.ids == []
        await passes(0.2)
        assert desk.file.ids == ["1"]
        assert desk.writer.health().detail == "redis_stream takes none: no answer within 5 s"


async def test_a_failed_store_is_left_alone_for_ten_seconds_and_then_asked_again() -> None:
    desk = Desk()
    desk.chosen.hangs = True
    with capture_logs() as logs:
        async with desk.running():
            desk.put(1)
            await passes(5.1)
            desk.put(2)
            await passes(0)
            assert desk.file.ids == ["1", "2"]
            desk.chosen.hangs = False
            await passes(10)
            desk.put(3)
            await passes(0)

    assert desk.chosen.ids == ["3"]
    assert desk.writer.health().detail == ""
    assert [each["event"] for each in logs] == [
        "dead letter store fails",
        "dead letter store works again",
    ]


async def test_what_no_store_takes_waits_in_memory_and_keeps_its_order() -> None:
    desk = Desk()
    desk.chosen.error = desk.file.error = OSError(28, "No space left on device")
    async with desk.running():
        desk.put(1, 2)
        await passes(3)
        assert desk.writer.waiting == 2
        assert desk.writer.health().ready is False
        assert "No space left on device" in desk.writer.health().detail
        desk.put(3)
        desk.file.error = None
        await passes(6)

    assert desk.file.ids == ["1", "2", "3"]
    assert desk.writer.waiting == 0
    assert desk.writer.health().ready is True


async def test_stores_that_fail_are_not_asked_without_pause() -> None:
    desk = Desk()
    desk.chosen.error = desk.file.error = OSError(28, "No space left on device")
    async with desk.running():
        desk.put(1)
        await passes(60)

    assert 5 < len(desk.file.asked) < 30


async def test_what_memory_cannot_hold_is_lost_loudly() -> None:
    desk = Desk(max_bytes=10_000)
    desk.chosen.error = desk.file.error = OSError(28, "No space left on device")
    with capture_logs() as logs:
        desk.put(*range(30), payload=b"x" * 1000)

    assert desk.writer.lost > 0
    assert desk.writer.waiting + desk.writer.lost == 30
    assert desk.count("memory", "lost") == desk.writer.lost
    assert [each["event"] for each in logs if each["log_level"] == "error"] == [
        "dead letters are lost"
    ]


async def test_one_store_for_both_is_asked_once() -> None:
    store = Store()
    store.error = OSError(28, "No space left on device")
    named = NamedStore("file", store)
    writer = DeadLetterWriter(named, named, metrics=Metrics(), log=get_logger(), clock=LoopClock())
    writer.put(letter(1))
    assert await writer.flush(0.05) is False

    assert len(store.asked) == 1


async def test_a_flush_beside_the_run_writes_everything_once() -> None:
    desk = Desk()
    desk.put(*range(3000))
    async with desk.running():
        assert await desk.writer.flush(5) is True

    assert desk.chosen.ids == [str(each) for each in range(3000)]


async def test_a_flush_after_the_run_writes_what_was_left() -> None:
    desk = Desk()
    desk.chosen.hangs = True
    async with desk.running():
        desk.put(1)
        await passes(1)
    desk.chosen.hangs = False

    assert await desk.writer.flush(5) is True
    assert desk.chosen.ids == ["1"]


async def test_a_flush_that_cannot_write_ends_in_time_and_says_so() -> None:
    desk = Desk()
    desk.chosen.error = desk.file.error = OSError(28, "No space left on device")
    desk.put(1, 2)
    started = now()
    with capture_logs() as logs:
        assert await desk.writer.flush(2) is False

    assert now() - started == pytest.approx(2, abs=0.01)
    assert logs[-1]["event"] == "dead letters are not written"
    assert logs[-1]["letters"] == 2


async def test_what_a_store_says_of_itself_does_not_reach_the_log() -> None:
    desk = Desk()
    desk.chosen.error = ValueError("redis://:hunter2@redis")
    with capture_logs() as logs:
        async with desk.running():
            desk.put(1)
            await passes(0)

    assert "hunter2" not in str(logs)
    assert logs[0]["error"] == "ValueError"
