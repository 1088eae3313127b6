"""When keys are fetched, by whom and how often, and what tokens see meanwhile."""

import contextlib

import anyio
import pytest
from tests.plugins.auth_jwt.support import answer, held, make_context, public_jwk

from gatewright import AuthenticationError, AuthenticationUnavailable
from gatewright_auth_jwt import jwks as module
from gatewright_auth_jwt.jwks import JwksKeys
from gatewright_auth_jwt.jwks_endpoint import JwksEndpoint

pytestmark = pytest.mark.anyio

A, B = public_jwk("RSA", kid="a"), public_jwk("RSA-other", kid="b")
DOWN = answer({}, status=500)


@pytest.fixture
def context(logged, clock):
    return make_context(logged, clock)


@pytest.fixture
def keys(server, context, clock):
    return JwksKeys(
        JwksEndpoint(server.url, ["RS256"]),
        refresh_seconds=300,
        stale_seconds=86_400,
        clock=clock,
        log=context.log,
        metrics=context.metrics,
    )


@pytest.fixture
async def running(keys):
    """The keys, with their task: to be entered once the server's script is set."""

    @contextlib.asynccontextmanager
    async def enter():
        async with anyio.create_task_group() as group:
            group.start_soon(keys.run)
            yield keys
            group.cancel_scope.cancel()

    return enter


async def found(keys, kid):
    with anyio.fail_after(10):
        return await keys.find("RS256", kid)


async def refused(keys, kid):
    with pytest.raises(AuthenticationError) as caught:
        await found(keys, kid)
    return type(caught.value)


async def test_the_first_token_waits_for_the_first_fetch(server, running):
    release = anyio.Event()
    server.answer = held(release, answer({"keys": [A]}))

    async with running() as keys, anyio.create_task_group() as group:
        group.start_soon(found, keys, "a")
        await server.asked.wait()
        assert not keys.health().ready
        release.set()

    assert len(server.requests) == 1


async def test_known_keys_cost_no_fetch(server, running, clock):
    server.serve(A, B)
    async with running() as keys:
        for _ in range(20):
            assert await found(keys, "a")
            assert await found(keys, "b")
            clock.now += 30

    assert len(server.requests) == 1


async def test_a_rotated_key_is_accepted_after_one_fetch(server, running, clock):
    server.serve(A)
    async with running() as keys:
        await found(keys, "a")
        server.serve(A, B)
        clock.now += 10.1

        assert await found(keys, "b")
        assert await found(keys, "a")

    assert len(server.requests) == 2


async def test_a_key_that_was_taken_out_is_refused_after_a_fetch(server, running, clock):
    server.serve(A)
    async with running() as keys:
        await found(keys, "a")
        server.serve(B)
        clock.now += 10.1
        await found(keys, "b")

        assert await refused(keys, "a") is AuthenticationError


async def test_fifty_unknown_keys_at_once_cost_one_fetch(server, running, clock):
    server.serve(A)
    outcomes = []

    async def ask(keys, kid):
        outcomes.append(await refused(keys, kid))

    async with running() as keys:
        await found(keys, "a")
        clock.now += 10.1
        release = anyio.Event()
        server.answer = held(release, answer({"keys": [A]}))
        async with anyio.create_task_group() as group:
            for number in range(50):
                group.start_soon(ask, keys, f"bogus-{number}")
            await anyio.wait_all_tasks_blocked()
            release.set()

    assert outcomes == [AuthenticationError] * 50
    assert len(server.requests) == 2


async def test_fetches_for_unknown_keys_are_ten_seconds_apart(server, running, clock):
    server.serve(A)
    async with running() as keys:
        await found(keys, "a")
        for number in range(100):
            clock.now += 1
            assert await refused(keys, f"bogus-{number}") is AuthenticationError

    assert len(server.requests) == 11


async def test_one_unknown_key_is_not_fetched_for_again_within_half_a_minute(
    server, running, clock
):
    server.serve(A)
    async with running() as keys:
        await found(keys, "a")
        for _ in range(4):
            clock.now += 10.1
            assert await refused(keys, "bogus") is AuthenticationError

    assert len(server.requests) == 3


async def test_the_memory_for_unknown_keys_is_bounded(server, running, clock, monkeypatch):
    monkeypatch.setattr(module, "MAX_ABSENT", 2)
    server.serve(A)
    async with running() as keys:
        await found(keys, "a")
        for kid in ("one", "two", "three", "two", "one"):
            clock.now += 10.1
            assert await refused(keys, kid) is AuthenticationError

    assert len(server.requests) == 1 + 4  # "two" was remembered, "one" was not


async def test_known_keys_work_while_the_endpoint_is_down(server, running, clock, monkeypatch):
    monkeypatch.setattr(module, "COOLDOWN_SECONDS", 0)
    server.serve(A)
    async with running() as keys:
        await found(keys, "a")
        server.answer = DOWN
        clock.now += 3600

        assert await refused(keys, "b") is AuthenticationUnavailable
        assert await found(keys, "a")
        health = keys.health()

    assert health.ready
    assert health.detail == f"the key set from {server.url[7:-5]} is 3600 s old: status 500"


async def test_after_a_day_of_failures_the_keys_are_no_longer_trusted(server, running, clock):
    server.serve(A)
    async with running() as keys:
        await found(keys, "a")
        server.answer = DOWN
        clock.now += 86_401

        assert await refused(keys, "a") is AuthenticationUnavailable
        assert not keys.health().ready


async def test_down_at_start_nobody_is_refused_for_good(server, running):
    server.answer = DOWN
    async with running() as keys:
        assert await refused(keys, "a") is AuthenticationUnavailable
        health = keys.health()

    assert not health.ready
    assert health.detail == f"no key set from {server.url[7:-5]} yet: status 500"


async def test_tokens_do_not_hurry_the_retries_of_a_failing_endpoint(server, running):
    server.answer = DOWN
    async with running() as keys:
        await refused(keys, "a")
        for number in range(50):
            assert await refused(keys, f"bogus-{number}") is AuthenticationUnavailable

        assert len(server.requests) == 1


async def test_a_failing_endpoint_is_retried_within_a_second_and_recovery_is_told(
    server, running, logged
):
    server.answer = DOWN
    async with running() as keys:
        await refused(keys, "a")
        server.serve(A)
        server.asked = anyio.Event()
        with anyio.fail_after(2):
            await server.asked.wait()
        assert await found(keys, "a")
        assert keys.health().ready

    assert logged.events("warning") == ["key set not fetched"]
    assert logged.events("info") == ["key set fetched"]


async def test_one_outage_is_logged_once(server, keys, logged, clock):
    server.answer = DOWN
    for _ in range(3):
        await keys._attempt()

    assert logged.events("warning") == ["key set not fetched"]


async def test_retries_are_a_second_apart_at_first_and_half_a_minute_later(server, keys, clock):
    server.answer = DOWN
    await keys._attempt()
    pauses = []
    for outage in (0, 59, 61, 300):
        clock.now = 1000 + outage
        pauses.append(max(keys._pause_seconds() for _ in range(200)))

    assert 0.5 <= pauses[0] <= 1
    assert 0.5 <= pauses[1] <= 1
    assert 10 < pauses[2] <= 15.25
    assert 20 < pauses[3] <= 30


async def test_the_set_is_fetched_again_when_it_is_due(server, context, clock):
    server.serve(A)
    keys = JwksKeys(
        JwksEndpoint(server.url, ["RS256"]),
        refresh_seconds=0.02,
        stale_seconds=60,
        clock=clock,
        log=context.log,
        metrics=context.metrics,
    )
    async with anyio.create_task_group() as group:
        group.start_soon(keys.run)
        await found(keys, "a")
        server.serve(A, B)
        server.asked = anyio.Event()
        await server.asked.wait()
        server.asked = anyio.Event()
        await server.asked.wait()
        group.cancel_scope.cancel()

    assert await found(keys, "b")


async def test_a_cancelled_handshake_leaves_the_fetch_to_the_others(server, running):
    release = anyio.Event()
    server.answer = held(release, answer({"keys": [A]}))
    got = []

    async def ask(keys):
        got.extend(await found(keys, "a"))

    async with running() as keys, anyio.create_task_group() as group:
        group.start_soon(ask, keys)
        with anyio.CancelScope() as gone:
            async with anyio.create_task_group() as handshake:
                handshake.start_soon(keys.find, "RS256", "a")
                await server.asked.wait()
                gone.cancel()
        release.set()

    assert len(got) == 1
    assert len(server.requests) == 1


async def test_a_fetch_that_is_cancelled_lets_nobody_wait(server, keys):
    server.answer = held(anyio.Event(), DOWN)
    outcomes = []

    async def ask():
        outcomes.append(await refused(keys, "a"))

    async with anyio.create_task_group() as waiting, anyio.create_task_group() as fetching:
        fetching.start_soon(keys.run)
        await server.asked.wait()
        waiting.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        fetching.cancel_scope.cancel()

    assert outcomes == [AuthenticationUnavailable]


async def test_without_its_task_a_token_waits_only_so_long(keys, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)

    assert await refused(keys, "a") is AuthenticationUnavailable


async def test_fetches_are_counted(server, keys, context):
    server.answer = DOWN
    await keys._attempt()
    server.serve(A)
    await keys._attempt()

    for result in ("ok", "error"):
        name = "gatewright_auth_jwt_key_fetches_total"
        assert context.metrics.get_sample_value(name, {"result": result}) == 1
