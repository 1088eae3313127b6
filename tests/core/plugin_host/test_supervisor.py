import asyncio

import pytest
import structlog
from prometheus_client import CollectorRegistry, Counter

from gatewright import SystemClock
from gatewright.plugin.describe import describe
from gatewright.plugin.supervisor import Pacing, Pauses, Supervised, stop_all

pytestmark = pytest.mark.anyio

BROKEN_PIPE = "broken pipe"
GONE = "gone"
REFUSED = "refused"


@pytest.fixture
def restarts():
    return Counter("restarts", "Restarts.", registry=CollectorRegistry())


@pytest.fixture
def supervise(log, restarts):
    """Make and start a supervised function; all of them are stopped at the end."""
    made = []

    def start(function, *, clock=None, endless=True, **pacing):
        one = Supervised(
            function,
            name="run",
            log=structlog.wrap_logger(None, processors=[log]),
            restarts=restarts,
            clock=clock or SystemClock(),
            pacing=Pacing(**{"first": 0.001, "early": 0.001, "longest": 0.001, **pacing}),
            endless=endless,
        )
        made.append(one)
        one.start()
        return one

    yield start
    for one in made:
        one.cancel()


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


def outage(clock, jitter):
    """Return the pauses of an outage, each with its age when it began."""
    pauses = Pauses(Pacing(), clock, lambda: jitter)
    taken = []
    for _ in range(80):
        pause = pauses.following()
        taken.append((clock.now - 1000.0, pause))
        clock.now += pause
    return taken


def test_pauses_grow_to_a_second_in_the_first_minute_of_an_outage(clock):
    early = [pause for age, pause in outage(clock, 1.0) if age < 60]

    assert early[:5] == [0.1, 0.2, 0.4, 0.8, 1.0]
    assert set(early[5:]) == {1.0}


def test_pauses_grow_to_half_a_minute_after_it(clock):
    late = [pause for age, pause in outage(clock, 1.0) if age >= 60]

    assert late[:6] == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert max(late) == 30.0


def test_jitter_shortens_pauses_to_a_fifth_at_most(clock):
    assert [pause for _, pause in outage(clock, 0.0)][:3] == pytest.approx([0.02, 0.04, 0.08])


async def test_an_outage_is_logged_once_however_often_it_fails(supervise, log, restarts):
    tried = asyncio.Event()
    calls = []

    async def run():
        calls.append(True)
        if len(calls) == 4:
            tried.set()
        raise ConnectionError(REFUSED)

    supervise(run)
    await tried.wait()

    told = [entry for entry in log.entries if entry["log_level"] != "debug"]
    assert told == [
        {
            "event": "plugin fails and is restarted until it stays up",
            "function": "run",
            "error": "ConnectionError: refused",
            "log_level": "warning",
        }
    ]
    assert restarts._value.get() == 3


async def test_the_traceback_is_logged_at_debug_only(supervise, log):
    error, starts = ConnectionError("refused"), []

    async def run():
        starts.append(True)
        raise error

    supervise(run)
    await settle()

    told = [entry for entry in log.entries if "exc_info" in entry]
    assert len(told) == len(starts) > 0
    assert {entry["log_level"] for entry in told} == {"debug"}
    assert {entry["exc_info"] for entry in told} == {error}


async def test_a_run_that_returns_is_started_again(supervise, log, restarts):
    twice = asyncio.Event()

    async def run():
        if restarts._value.get():
            twice.set()

    supervise(run)
    await twice.wait()

    assert log.entries[0]["error"] == "returned"


async def test_a_task_that_returns_is_done(supervise, restarts):
    calls = []

    async def work():
        calls.append(True)

    one = supervise(work, endless=False)
    await asyncio.sleep(0.01)

    assert (calls, one.trouble, restarts._value.get()) == ([True], "", 0)


async def test_a_cancellation_that_the_function_raises_itself_is_a_failure(supervise, log):
    async def run():
        raise asyncio.CancelledError

    one = supervise(run)
    await settle()

    assert one.trouble == "run restarting after CancelledError"


async def test_a_run_that_lasted_ends_the_outage(supervise, log, clock):
    fail, second, third = asyncio.Event(), asyncio.Event(), asyncio.Event()
    calls = iter((None, second, third))

    async def run():
        called = next(calls)
        if called is None:
            raise OSError(GONE)
        called.set()
        await fail.wait()
        if called is second:
            raise OSError(GONE)
        await asyncio.Event().wait()

    one = supervise(run, clock=clock)
    await second.wait()
    clock.now += 60.0
    assert one.trouble == ""
    fail.set()
    await third.wait()

    told = [entry["event"] for entry in log.entries if entry["log_level"] == "warning"]
    assert told == ["plugin fails and is restarted until it stays up"] * 2


async def test_staying_up_is_logged_once(supervise, log):
    calls = []

    async def run():
        calls.append(True)
        if len(calls) == 1:
            raise OSError(GONE)
        await asyncio.Event().wait()

    supervise(run, stable=0.01)
    await log.heard("plugin stays up again")

    told = [entry["event"] for entry in log.entries if entry["log_level"] != "debug"]
    assert told == [
        "plugin fails and is restarted until it stays up",
        "plugin stays up again",
    ]


async def test_failing_again_before_it_was_stable_is_no_recovery(supervise, log):
    twice = asyncio.Event()
    calls = []

    async def run():
        calls.append(True)
        if len(calls) == 2:
            twice.set()
        raise OSError(GONE)

    supervise(run, first=0.05, early=0.05, stable=0.002)
    await twice.wait()

    assert "plugin stays up again" not in [entry["event"] for entry in log.entries]


async def test_a_cleanup_is_not_cancelled_however_often_the_function_is(supervise):
    go_on, cleaned = asyncio.Event(), []

    async def run():
        try:
            await asyncio.Event().wait()
        finally:
            await go_on.wait()
            cleaned.append(True)

    one = supervise(run)
    await settle()
    one.cancel()
    await settle()
    one.cancel()
    go_on.set()

    assert await stop_all([one], 5.0) == []
    assert cleaned == [True]


async def test_stopping_cancels_all_at_once_and_names_those_that_hang(supervise):
    free = asyncio.Event()

    async def obedient():
        await asyncio.Event().wait()

    async def stubborn():
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue

    started = [supervise(function) for function in (obedient, *[stubborn] * 40)]
    await settle()
    before = asyncio.get_running_loop().time()
    hanging = await stop_all(started, 0.05)

    assert set(hanging) == set(started[1:])
    assert asyncio.get_running_loop().time() - before < 40 * 0.05
    free.set()
    assert await stop_all(started, 1.0) == []


async def test_stopping_in_a_pause_ends_at_once(supervise):
    async def run():
        raise OSError(GONE)

    one = supervise(run, first=60.0, early=60.0)
    await settle()

    assert await stop_all([one], 0.05) == []


async def test_a_cleanup_that_raises_is_logged_not_restarted(supervise, log, restarts):
    async def run():
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError(BROKEN_PIPE)

    one = supervise(run)
    await settle()
    await stop_all([one], 1.0)

    assert log.entries[0]["event"] == "plugin raised while stopping"
    assert restarts._value.get() == 0


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError(), "ValueError"),
        (ValueError("a\r\nb\x00é"), r"ValueError: a\r\nb\x00é"),
        (ExceptionGroup("g", [ExceptionGroup("h", [KeyError("k")])]), "KeyError: 'k'"),
        (ValueError("x" * 600), "ValueError: " + "x" * 500 + "…"),
    ],
)
def test_an_exception_is_described_in_one_line(error, text):
    assert describe(error) == text
