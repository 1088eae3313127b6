import asyncio
from contextlib import asynccontextmanager

import anyio
import pytest
import structlog
from structlog.testing import LogCapture

from gatewright import ConnectionInfo, SystemClock
from gatewright.hub.presence_keeper import PresenceKeeper, RefreshWheel
from gatewright.metrics import Metrics
from gatewright.plugin.supervisor import Pacing

pytestmark = pytest.mark.anyio

AWAY = "connection refused"


def connection(number=1, *subjects):
    user = f"u{number}"
    return ConnectionInfo(f"c{number}", user, (f"user:{user}", *subjects), 1_700_000_000)


class Store:
    """Writes down what it is told; fails or waits when a test says so."""

    def __init__(self, refresh_seconds=None):
        self.refresh_seconds = refresh_seconds
        self.calls = []
        self.fails = lambda batch: False
        self.open = asyncio.Event()
        self.open.set()
        self.entered = asyncio.Event()

    async def joined(self, batch):
        await self._take("joined", batch)

    async def left(self, batch):
        await self._take("left", batch)

    async def refresh(self, batch):
        await self._take("refresh", batch)

    async def _take(self, call, batch):
        self.entered.set()
        await self.open.wait()
        if self.fails(batch):
            raise ConnectionError(AWAY)
        self.calls.append((call, [info.connection_id for info in batch]))


class FakeClock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def time(self):
        return self.now


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def log():
    return LogCapture()


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def make(log, metrics, clock):
    def make(store, **options):
        return PresenceKeeper(
            store,
            **{
                "metrics": metrics,
                "log": structlog.wrap_logger(None, processors=[log]),
                "clock": clock,
                "pacing": Pacing(first=0.001, early=0.001, longest=0.001),
                **options,
            },
        )

    return make


@pytest.fixture
def keeper(make, store):
    return make(store)


@asynccontextmanager
async def running(keeper):
    async with anyio.create_task_group() as group:
        group.start_soon(keeper.run)
        with anyio.fail_after(5):
            yield
        group.cancel_scope.cancel()


async def test_what_happens_is_written_in_one_batch(keeper, store):
    for number in (1, 2, 3):
        keeper.joined(connection(number))
    async with running(keeper):
        assert await keeper.flush(5)

    assert store.calls == [("joined", ["c1", "c2", "c3"])]


async def test_batches_are_bounded(keeper, store):
    for number in range(1200):
        keeper.joined(connection(number))
    async with running(keeper):
        assert await keeper.flush(5)

    assert [len(batch) for _, batch in store.calls] == [500, 500, 200]
    assert [one for _, batch in store.calls for one in batch] == [f"c{i}" for i in range(1200)]


async def test_a_connection_that_came_and_went_unseen_costs_no_call(keeper, store):
    keeper.joined(connection(1))
    keeper.changed(connection(1, "news"))
    keeper.left(connection(1))
    keeper.joined(connection(2))
    async with running(keeper):
        assert await keeper.flush(5)

    assert store.calls == [("joined", ["c2"])]


async def test_leaving_while_joining_is_under_way_is_written_after_it(keeper, store):
    store.open.clear()
    keeper.joined(connection())
    async with running(keeper):
        await store.entered.wait()
        keeper.left(connection())
        store.open.set()
        assert await keeper.flush(5)

    assert store.calls == [("joined", ["c1"]), ("left", ["c1"])]


async def test_a_join_that_may_have_been_written_is_taken_back(keeper, store):
    store.fails = lambda batch: True
    keeper.joined(connection())
    async with running(keeper):
        await store.entered.wait()
        await asyncio.sleep(0)
        keeper.left(connection())
        store.fails = lambda batch: False
        assert await keeper.flush(5)

    assert store.calls == [("left", ["c1"])]


async def test_changed_subjects_are_written_as_a_join(make, store):
    seen = []

    async def joined(batch):
        seen.extend(batch)

    store.joined = joined
    keeper = make(store)
    async with running(keeper):
        keeper.joined(connection(1))
        assert await keeper.flush(5)
        keeper.changed(connection(1, "news"))
        assert await keeper.flush(5)
        keeper.changed(connection(1, "news"))
        keeper.left(connection(1))
        assert await keeper.flush(5)

    assert seen == [connection(1), connection(1, "news")]
    assert store.calls == [("left", ["c1"])]


async def test_heartbeats_refresh_once_per_batch_and_never_hide_a_change(keeper, store):
    keeper.touch(connection(1))
    keeper.touch(connection(1))
    keeper.left(connection(2))
    keeper.touch(connection(2))
    keeper.joined(connection(3))
    keeper.touch(connection(3))
    async with running(keeper):
        assert await keeper.flush(5)

    assert store.calls == [("joined", ["c3"]), ("left", ["c2"]), ("refresh", ["c1"])]


async def test_while_the_store_is_away_one_change_is_kept_for_each_connection(keeper, store):
    store.fails = lambda batch: True
    async with running(keeper):
        for _ in range(100):
            for number in range(10):
                keeper.changed(connection(number))
                keeper.touch(connection(number))
            await asyncio.sleep(0)
        assert keeper.waiting <= 10
        assert not await keeper.flush(0.01)

        store.fails = lambda batch: False
        assert await keeper.flush(5)

    assert sorted(one for _, batch in store.calls for one in batch) == sorted(
        f"c{number}" for number in range(10)
    )
    assert {call for call, _ in store.calls} == {"joined"}


async def test_one_connection_that_the_store_refuses_does_not_hold_up_the_others(keeper, store):
    store.fails = lambda batch: any(info.connection_id == "c7" for info in batch)
    for number in range(20):
        keeper.joined(connection(number))
    async with running(keeper):
        while keeper.waiting > 1:
            await keeper.flush(0.005)

    written = {one for _, batch in store.calls for one in batch}
    assert written == {f"c{number}" for number in range(20)} - {"c7"}


async def test_a_call_that_hangs_counts_as_failed(make, store, metrics, log):
    store.open.clear()
    keeper = make(store, call_seconds=0.01)
    keeper.joined(connection())
    async with running(keeper):
        await store.entered.wait()
        assert not await keeper.flush(0.03)
        store.open.set()
        assert await keeper.flush(5)

    assert store.calls == [("joined", ["c1"])]
    assert metrics.presence_failures.labels("joined")._value.get() >= 1
    assert log.entries[0]["error"] == "TimeoutError"


async def test_failures_are_counted_and_logged_at_most_every_ten_seconds(
    keeper, store, metrics, log, clock
):
    store.fails = lambda batch: True
    counted = metrics.presence_failures.labels("joined")._value
    keeper.joined(connection())

    def told():
        return [
            (entry["event"], entry["failures"])
            for entry in log.entries
            if entry["log_level"] != "debug"
        ]

    async with running(keeper):
        while counted.get() < 5:
            await keeper.flush(0.005)
        assert told() == [("presence store fails", 1)]
        assert log.entries[0]["error"] == "ConnectionError: connection refused"

        clock.now += 10.0
        failed = counted.get()
        while counted.get() == failed:
            await keeper.flush(0.005)
        assert told()[1:] == [("presence store fails", failed)]

        store.fails = lambda batch: False
        assert await keeper.flush(5)

    later = counted.get() - failed - 1
    assert told()[2:] == [("presence store works again", later)]


async def test_flushing_cuts_a_long_pause_short(make, store):
    keeper = make(store, pacing=Pacing(first=60.0, early=60.0))
    store.fails = lambda batch: True
    keeper.joined(connection())
    async with running(keeper):
        await store.entered.wait()
        await asyncio.sleep(0)
        store.fails = lambda batch: False
        assert await keeper.flush(5)


async def test_flushing_nothing_needs_no_run(keeper):
    assert await keeper.flush(0)


async def test_a_heartbeat_during_a_failing_join_does_not_replace_it(keeper, store):
    store.open.clear()
    store.fails = lambda batch: True
    keeper.joined(connection())
    async with running(keeper):
        await store.entered.wait()
        keeper.touch(connection())
        store.open.set()
        assert not await keeper.flush(0.01)
        store.fails = lambda batch: False
        assert await keeper.flush(5)

    assert store.calls == [("joined", ["c1"])]


async def test_what_was_under_way_at_a_cancellation_is_kept_for_the_next_run(
    keeper, store, metrics
):
    store.open.clear()
    keeper.joined(connection(1))
    async with running(keeper):
        await store.entered.wait()
    assert keeper.waiting == 1
    assert metrics.presence_failures.labels("joined")._value.get() == 0

    store.open.set()
    async with running(keeper):
        assert await keeper.flush(5)

    assert store.calls == [("joined", ["c1"])]


async def test_a_store_that_raises_a_cancellation_of_its_own_is_tried_again(make, store):
    calls = []

    async def joined(batch):
        calls.append(batch)
        if len(calls) == 1:
            raise asyncio.CancelledError

    store.joined = joined
    keeper = make(store)
    keeper.joined(connection())
    async with running(keeper):
        assert await keeper.flush(5)

    assert calls == [[connection()]] * 2


async def test_living_connections_are_refreshed_and_gone_ones_are_not(make):
    store = Store(refresh_seconds=0.04)
    living, refreshed, all_seen = {f"c{number}" for number in range(1, 20)}, set(), asyncio.Event()

    async def refresh(batch):
        refreshed.update(info.connection_id for info in batch)
        if refreshed >= living:
            all_seen.set()

    store.refresh = refresh
    keeper = make(store, clock=SystemClock())
    for number in range(20):
        keeper.joined(connection(number))
    keeper.left(connection(0))
    async with running(keeper):
        await all_seen.wait()

    assert refreshed == living


async def test_a_failed_refresh_is_tried_again_before_its_next_turn(make, clock):
    store = Store(refresh_seconds=100.0)
    keeper = make(store)
    async with running(keeper):
        keeper.joined(connection(1))
        await keeper.flush(5)
        store.fails = lambda batch: True
        clock.now += 100.0
        keeper.touch(connection(2))
        assert not await keeper.flush(0.01)
        store.fails = lambda batch: False
        assert await keeper.flush(5)

    assert sorted(one for call, batch in store.calls[1:] for one in batch) == ["c1", "c2"]


def test_each_connection_comes_round_once_a_turn_whoever_comes_and_goes():
    wheel = RefreshWheel(64.0, 0.0)
    for number in range(300):
        wheel.put(connection(number))
    rounds = {f"c{number}": [] for number in range(300)}
    for second in range(1, 64 * 5 + 1):
        for info in wheel.due(float(second)):
            rounds[info.connection_id].append(second)
        wheel.discard(f"c{150 + second % 150}")
        wheel.put(connection(1000 + second))
        rounds[f"c{1000 + second}"] = [second]

    staying = [times for name, times in rounds.items() if int(name[1:]) < 150]
    assert all(len(times) == 5 for times in staying)
    gaps = [b - a for times in rounds.values() for a, b in zip([*times], times[1:], strict=False)]
    assert max(gaps) == 64


def test_connections_are_spread_over_the_turn():
    wheel = RefreshWheel(64.0, 0.0)
    for number in range(6400):
        wheel.put(connection(number))

    sizes = [len(wheel.due(float(second))) for second in range(1, 65)]
    assert sum(sizes) == 6400
    assert max(sizes) < 200


def test_a_late_wheel_does_not_drift_and_repeats_nobody():
    wheel = RefreshWheel(64.0, 0.0)
    for number in range(100):
        wheel.put(connection(number))

    assert len(wheel.due(1000.5)) == 100
    assert wheel.next_at == 1001.0
    assert wheel.due(1000.9) == []
