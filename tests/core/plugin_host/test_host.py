import asyncio
from contextlib import asynccontextmanager

import anyio
import pytest

from gatewright import ConfigError, Health, Problem, StartError
from gatewright.plugin.host import DidNotOpen, Hosts, NeedNotMet, OpenedTooSlowly, PluginClosing

pytestmark = pytest.mark.anyio

BROKEN_PIPE = "broken pipe"
DISK_FULL = "disk full"
DSN = "redis://:hunter2@cache"
GONE = "gone"


@pytest.fixture(scope="module", params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return ("asyncio", {"use_uvloop": request.param})


@pytest.fixture
async def hosts(surroundings):
    async with Hosts(surroundings) as hosts:
        yield hosts


def yielding(backend=None, trail=None, name=""):
    """Make an `open` that yields a backend and writes down when it is entered and left."""

    @asynccontextmanager
    async def open_(settings, context):
        if trail is not None:
            trail.append(f"open {name}")
        try:
            yield backend
        finally:
            if trail is not None:
                trail.append(f"close {name}")

    return open_


def raising(error):
    @asynccontextmanager
    async def open_(settings, context):
        raise error
        yield

    return open_


def events(log):
    return [entry["event"] for entry in log.entries if entry["log_level"] != "debug"]


async def settle():
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_opened_host_gives_its_backend_and_its_names(hosts, choose):
    host = await hosts.open(choose(yielding("the backend"), "acme/eu"))

    assert host.backend == "the backend"
    assert (host.name, host.kind, host.key) == ("acme/eu", "transport", "transports.acme/eu")
    assert list(hosts) == [host]


async def test_the_context_holds_what_the_surroundings_give(hosts, choose, surroundings, log):
    seen = []

    @asynccontextmanager
    async def open_(settings, context):
        context.log.info("hello")
        seen.append(context)
        yield

    await hosts.open(choose(open_))

    (context,) = seen
    assert (context.name, context.node_id) == ("acme", "gw-1")
    assert context.metrics is surroundings.metrics.registry
    assert log.entries[0]["plugin"] == "acme"


async def test_backends_close_in_the_reverse_order_of_opening(surroundings, choose):
    trail = []
    async with Hosts(surroundings) as hosts:
        for name in ("one", "two", "three"):
            await hosts.open(choose(yielding(trail=trail, name=name), name))

    assert trail == ["open one", "open two", "open three", "close three", "close two", "close one"]


async def test_when_the_third_fails_the_first_two_are_rolled_back(surroundings, choose):
    trail = []
    hosts = Hosts(surroundings)
    for name in ("one", "two"):
        await hosts.open(choose(yielding(trail=trail, name=name), name))

    with pytest.raises(StartError) as caught:
        await hosts.open(choose(raising(ValueError("bad key")), "three"))

    assert trail == ["open one", "open two", "close two", "close one"]
    assert str(caught.value) == (
        "plugin 'three' (gatewright-acme 1.0) did not open: ValueError: bad key"
    )
    assert caught.value.exit_code == 3
    assert isinstance(caught.value.__cause__, ValueError)


async def test_a_start_that_is_cancelled_closes_what_was_open(surroundings, choose):
    trail = []
    opening = asyncio.Event()

    @asynccontextmanager
    async def slow(settings, context):
        opening.set()
        await asyncio.Event().wait()
        yield

    hosts = Hosts(surroundings)
    await hosts.open(choose(yielding(trail=trail, name="one"), "one"))
    async with anyio.create_task_group() as group:
        group.start_soon(hosts.open, choose(slow, "two"))
        await opening.wait()
        group.cancel_scope.cancel()

    assert trail == ["open one", "close one"]


class Unprintable(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RuntimeError(), "plugin 'acme' (gatewright-acme 1.0) did not open: RuntimeError"),
        (
            Unprintable("two\nlines\x1b[31m"),
            r"plugin 'acme' (gatewright-acme 1.0) did not open: Unprintable: two\nlines\x1b[31m",
        ),
        (
            ExceptionGroup("tasks", [OSError("no route")]),
            "plugin 'acme' (gatewright-acme 1.0) did not open: OSError: no route",
        ),
        (
            ConfigError([Problem("a.b", "is off"), Problem("a.c", "too")]),
            "plugin 'acme' (gatewright-acme 1.0): a.b: is off; a.c: too",
        ),
    ],
)
async def test_what_open_raises_is_told_in_one_line(surroundings, choose, error, text):
    with pytest.raises(DidNotOpen) as caught:
        await Hosts(surroundings).open(choose(raising(error)))

    assert str(caught.value) == text


async def test_an_open_that_is_no_context_manager_is_told(surroundings, choose):
    async def open_(settings, context):
        yield

    with pytest.raises(DidNotOpen, match=r"'acme'.*TypeError.*asynchronous"):
        await Hosts(surroundings).open(choose(open_))


async def test_a_slow_open_is_cancelled_and_named_with_its_last_step(impatient, choose):
    cancelled = []

    @asynccontextmanager
    async def open_(settings, context):
        context.step("reading ca.pem")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        yield

    with pytest.raises(OpenedTooSlowly) as caught:
        await Hosts(impatient).open(choose(open_))

    assert str(caught.value) == (
        "plugin 'acme' (gatewright-acme 1.0) did not open within 0.05 s (server.open_seconds); "
        "last step: reading ca.pem"
    )
    assert cancelled == [True]


def test_a_slow_open_without_steps_names_none():
    assert str(OpenedTooSlowly("acme", "gatewright-acme 1.0", 10.0)) == (
        "plugin 'acme' (gatewright-acme 1.0) did not open within 10 s (server.open_seconds)"
    )


async def test_a_plugin_gets_only_what_its_factory_needs(hosts, choose):
    seen = {}

    @asynccontextmanager
    async def open_(settings, context):
        seen.update(context.provided)
        yield

    await hosts.open(
        choose(open_, needs=frozenset({"presence"})),
        provided={"presence": "the store", "publish": "not asked for"},
    )

    assert seen == {"presence": "the store"}


async def test_a_need_that_nobody_meets_is_an_error(hosts, choose):
    with pytest.raises(NeedNotMet) as caught:
        await hosts.open(choose(yielding(), needs=frozenset({"issue_token"})))

    assert str(caught.value) == (
        "plugin 'acme' (gatewright-acme 1.0) needs 'issue_token', which this gateway does not offer"
    )


async def test_a_backend_may_hold_a_task_group_across_its_yield(surroundings, choose, log):
    ended = []

    async def work():
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(True)

    @asynccontextmanager
    async def open_(settings, context):
        async with anyio.create_task_group() as group:
            group.start_soon(work)
            yield group
            group.cancel_scope.cancel()

    with anyio.fail_after(5):
        async with Hosts(surroundings) as hosts:
            first = await hosts.open(choose(open_, "one"))
            await hosts.open(choose(open_, "two"))
            first.backend.start_soon(anyio.sleep, 0)
            await settle()

    assert ended == [True, True]
    assert events(log) == []


async def test_a_task_group_that_breaks_turns_its_backend_red_and_nothing_else(hosts, choose, log):
    broken = asyncio.Event()
    ended = []

    async def breaks():
        await broken.wait()
        raise OSError(DISK_FULL)

    async def run():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    @asynccontextmanager
    async def open_(settings, context):
        async with anyio.create_task_group() as group:
            group.start_soon(breaks)
            yield

    host = await hosts.open(choose(open_, "one"))
    other = await hosts.open(choose(yielding(), "two"))
    host.start(run)
    await settle()
    broken.set()
    await log.heard("plugin closed by itself")
    await settle()

    assert host.health() == Health(ready=False, detail="closed after OSError")
    assert other.health() == Health(ready=True)
    assert ended == [True]
    assert events(log) == ["plugin closed by itself"]
    assert log.entries[0]["error"] == "OSError: disk full"


async def test_a_context_manager_that_ends_by_itself_turns_its_backend_red(hosts, choose, log):
    broken = asyncio.Event()

    @asynccontextmanager
    async def open_(settings, context):
        async with anyio.create_task_group() as group:

            async def gives_up():
                await broken.wait()
                group.cancel_scope.cancel()

            group.start_soon(gives_up)
            yield

    host = await hosts.open(choose(open_))
    broken.set()
    await log.heard("plugin closed by itself")
    await settle()

    assert host.health() == Health(ready=False, detail="closed")


async def test_a_cancellation_that_open_raises_itself_is_told(surroundings, choose):
    with pytest.raises(DidNotOpen, match=r"'acme'.*did not open: CancelledError"):
        await Hosts(surroundings).open(choose(raising(asyncio.CancelledError())))


async def test_a_backend_that_raises_while_closing_is_logged(surroundings, choose, log):
    trail = []

    @asynccontextmanager
    async def open_(settings, context):
        yield
        raise OSError(BROKEN_PIPE)

    async with Hosts(surroundings) as hosts:
        await hosts.open(choose(yielding(trail=trail, name="one"), "one"))
        await hosts.open(choose(open_, "two"))

    assert trail == ["open one", "close one"]
    assert [(e["event"], e["plugin"], e.get("error")) for e in log.entries[:1]] == [
        ("plugin raised while closing", "two", "OSError: broken pipe")
    ]


async def test_a_backend_that_closes_slowly_is_cancelled(impatient, choose, log):
    @asynccontextmanager
    async def open_(settings, context):
        yield
        await asyncio.Event().wait()

    async with Hosts(impatient) as hosts:
        await hosts.open(choose(open_))

    assert events(log) == ["plugin does not close in time and is cancelled"]
    assert hosts.abandoned == ()


async def test_a_backend_that_ignores_its_cancellation_is_abandoned(impatient, choose, log):
    free = asyncio.Event()
    left = asyncio.Event()

    @asynccontextmanager
    async def stubborn(settings, context):
        yield
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
        left.set()

    trail = []
    hosts = Hosts(impatient)
    await hosts.open(choose(yielding(trail=trail, name="one"), "one"))
    await hosts.open(choose(stubborn, "two"))
    with anyio.fail_after(5):
        await hosts.close()

        await hosts.close()

    assert hosts.abandoned == ("transports.two",)
    assert trail == ["open one", "close one"]
    abandoned = [e for e in log.entries if e["event"] == "plugin hangs and is abandoned"]
    assert [(e["plugin"], e["function"]) for e in abandoned] == [("two", "close")]
    free.set()
    await left.wait()


async def test_a_run_that_ignores_its_cancellation_does_not_keep_its_backend_open(
    impatient, choose, log
):
    free = asyncio.Event()
    left = asyncio.Event()

    async def stubborn():
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
        left.set()

    trail = []
    hosts = Hosts(impatient)
    host = await hosts.open(choose(yielding(trail=trail, name="one"), "one"))
    host.start(stubborn)
    await settle()
    with anyio.fail_after(5):
        await hosts.close()

    assert trail == ["open one", "close one"]
    assert events(log) == ["plugin hangs and is abandoned"]
    assert log.entries[0]["function"] == "run"
    free.set()
    await left.wait()


async def test_the_backends_own_run_is_started_where_it_offers_one(hosts, choose):
    class Backend:
        def __init__(self):
            self.ran = asyncio.Event()

        async def run(self):
            self.ran.set()
            await asyncio.Event().wait()

    host = await hosts.open(choose(yielding(Backend()), "one"))
    host.start()
    without = await hosts.open(choose(yielding(object()), "two"))
    without.start()

    await host.backend.ran.wait()
    assert without.health().ready


async def test_stopping_a_run_waits_for_its_cleanup_which_may_await(hosts, choose):
    cleaned = []
    started = asyncio.Event()

    async def run():
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            cleaned.append(True)

    host = await hosts.open(choose(yielding()))
    host.start(run)
    await started.wait()
    await host.stop_run()

    assert cleaned == [True]


async def test_the_run_ends_before_its_backend_closes(surroundings, choose):
    trail = []

    async def run():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            trail.append("run ended")

    async with Hosts(surroundings) as hosts:
        host = await hosts.open(choose(yielding(trail=trail, name="one")))
        host.start(run)
        await settle()

    assert trail == ["open one", "run ended", "close one"]


async def test_a_failing_run_is_red_then_counted_restarted_and_green(
    hosts, choose, surroundings, clock
):
    again, back = asyncio.Event(), asyncio.Event()
    calls = []

    async def run():
        calls.append(True)
        if len(calls) <= 2:
            raise ConnectionError(DSN)
        back.set()
        await again.wait()

    host = await hosts.open(choose(yielding()))
    host.start(run)
    await settle()
    assert host.health() == Health(ready=False, detail="run restarting after ConnectionError")

    await back.wait()
    restarts = surroundings.metrics.plugin_restarts.labels("transports.acme")
    assert restarts._value.get() == 2
    assert not host.health().ready  # not before it has stayed up a little
    clock.now += 1.0
    assert host.health().ready


async def test_spawned_tasks_are_cancelled_before_the_backend_closes(surroundings, choose):
    trail = []

    async def work(word):
        try:
            await asyncio.Event().wait()
        finally:
            trail.append(f"{word} ended")

    @asynccontextmanager
    async def open_(settings, context):
        context.spawn(work, "task")
        try:
            yield
        finally:
            trail.append("closed")

    async with Hosts(surroundings) as hosts:
        await hosts.open(choose(open_))
        await settle()

    assert trail == ["task ended", "closed"]


async def test_a_spawned_task_that_raises_is_counted_and_called_again(
    hosts, choose, surroundings, log
):
    go_on, again = asyncio.Event(), asyncio.Event()
    calls = []

    async def work(word):
        calls.append(word)
        if len(calls) == 1:
            raise OSError(GONE)
        again.set()
        await go_on.wait()

    @asynccontextmanager
    async def open_(settings, context):
        context.spawn(work, "task")
        yield

    host = await hosts.open(choose(open_))
    await settle()
    assert host.health() == Health(ready=False, detail="work restarting after OSError")

    await again.wait()
    go_on.set()
    await settle()
    assert calls == ["task", "task"]
    assert host.health().ready
    assert surroundings.metrics.plugin_restarts.labels("transports.acme")._value.get() == 1
    assert events(log) == ["plugin fails and is restarted until it stays up"]


async def test_tasks_of_a_plugin_that_did_not_open_end(surroundings, choose):
    ended = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    @asynccontextmanager
    async def open_(settings, context):
        context.spawn(work)
        await settle()
        raise OSError(GONE)
        yield

    with pytest.raises(StartError):
        await Hosts(surroundings).open(choose(open_))

    assert ended == [True]


async def test_a_closing_plugin_cannot_spawn(surroundings, choose):
    seen = []

    @asynccontextmanager
    async def open_(settings, context):
        yield
        with pytest.raises(PluginClosing) as caught:
            context.spawn(settle)
        seen.append(str(caught.value))

    async with Hosts(surroundings) as hosts:
        await hosts.open(choose(open_))

    assert seen == ["plugin 'acme' is closing; it cannot start tasks any more"]


class Says:
    def __init__(self, answer):
        self.answer = answer

    def health(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "health"),
    [
        (Health(ready=True, facts={"lag": 3}), Health(ready=True, facts={"lag": 3})),
        (Health(ready=False, detail="connecting"), Health(ready=False, detail="connecting")),
        (ValueError("secret"), Health(ready=False, detail="health raised ValueError")),
        ({"ready": True}, Health(ready=False, detail="health returned dict")),
    ],
)
async def test_the_backends_own_health_counts(hosts, choose, surroundings, answer, health):
    host = await hosts.open(choose(yielding(Says(answer))))

    assert host.health() == health
    assert hosts.health() == {"transports.acme": health}
    gauge = surroundings.metrics.plugin_ready.labels("transports.acme")
    assert gauge._value.get() == health.ready


async def test_a_failing_run_is_told_beside_the_backends_own_detail(hosts, choose):
    async def run():
        raise OSError(GONE)

    backend = Says(Health(ready=True, detail="7 behind", facts={"behind": 7}))
    host = await hosts.open(choose(yielding(backend)))
    host.start(run)
    await settle()

    assert host.health() == Health(
        ready=False, detail="run restarting after OSError; 7 behind", facts={"behind": 7}
    )
