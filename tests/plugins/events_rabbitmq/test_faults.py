"""What the sink makes of a broker that is broken."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from aiormq.exceptions import ChannelNotFoundEntity
from tests.plugins.events_rabbitmq.harness import (
    NAME,
    channel,
    declared_by_a_backend,
    deliver,
    event,
    ids,
    is_ready,
    running_sink,
)

from gatewright import Done, Retry
from gatewright.testing.toxics import ToxicProxy

pytestmark = pytest.mark.anyio


def numbered(count, start=0):
    return [event(f"c{number:04}") for number in range(start, start + count)]


def wanted(count):
    return [f"c{number:04}-1" for number in range(count)]


async def exists(dsn, queue):
    async with channel(dsn) as of:
        try:
            await of.queue_declare(queue, passive=True)
        except ChannelNotFoundEntity:
            return False
    return True


@pytest.fixture
def never_looking(monkeypatch):
    """Have only what happens to events make a difference."""
    monkeypatch.setattr("gatewright_events_rabbitmq.upkeep._LOOK_SECONDS", 3600.0)


@pytest.fixture
async def writer(victim):
    """The DSN of a user who may publish to the exchange, and nothing else."""
    await victim.ctl("add_user", "writer", "hidden")
    await victim.ctl("set_permissions", "writer", "", "^ws[.]events$", "")
    yield victim.dsn.replace("guest:guest", "writer:hidden")
    await victim.ctl("delete_user", "writer")


@pytest.mark.usefixtures("never_looking")
async def test_an_exchange_deleted_under_way_is_declared_again_and_nothing_is_lost(rabbitmq):
    async with running_sink(rabbitmq.dsn) as open_sink, channel(rabbitmq.dsn) as of:
        await deliver(open_sink, *numbered(100))
        await of.exchange_delete(NAME)
        errors = await deliver(open_sink, *numbered(100, 100))
        assert len(errors) >= 100
        assert "404" in errors[0] or "NOT_FOUND" in errors[0]
        await is_ready(open_sink)
    assert await ids(rabbitmq.dsn) == wanted(200)


@pytest.mark.usefixtures("never_looking")
async def test_a_queue_deleted_under_way_is_declared_again_and_bound(rabbitmq):
    async with running_sink(rabbitmq.dsn) as open_sink, channel(rabbitmq.dsn) as of:
        await deliver(open_sink, *numbered(10))
        await of.queue_delete(NAME)
        errors = await deliver(open_sink, *numbered(20))
        assert errors[0] == f"no queue takes it at exchange {NAME}, routing key {NAME}"
    assert await ids(rabbitmq.dsn) == wanted(20)


@pytest.mark.usefixtures("never_looking")
async def test_one_missing_route_costs_the_others_nothing_but_time(rabbitmq):
    routes = {"connected": {"queue": "ws.other"}}
    async with running_sink(rabbitmq.dsn, routes=routes) as open_sink, channel(rabbitmq.dsn) as of:
        await of.queue_delete("ws.other")
        batch = [event("a", kind="connected"), *numbered(10)]
        outcomes = await open_sink.send(batch)
        assert isinstance(outcomes[0], Retry)
        assert outcomes[1:] == [Done()] * 10
        await deliver(open_sink, batch[0])
    assert await ids(rabbitmq.dsn) == wanted(10)
    assert await ids(rabbitmq.dsn, "ws.other") == ["a-1"]


async def test_a_quiet_sink_puts_back_what_was_deleted(rabbitmq):
    async with running_sink(rabbitmq.dsn), channel(rabbitmq.dsn) as of:
        await of.queue_delete(NAME)
        async with asyncio.timeout(30):
            while not await exists(rabbitmq.dsn, NAME):
                await asyncio.sleep(0.2)


async def test_a_memory_alarm_delays_events_and_loses_none(victim):
    async with running_sink(victim.dsn, timeout_seconds=1.0) as open_sink:
        await deliver(open_sink, *numbered(5))
        await victim.ctl("set_vm_memory_high_watermark", "0.0001")
        try:
            outcomes = await open_sink.send(numbered(5, 5))
            assert all(isinstance(each, Retry) for each in outcomes)
            await is_ready(open_sink, ready=False)
            assert "alarm" in open_sink.health().detail
            began = time.monotonic()
            (outcome,) = await open_sink.send([event("late")])
            assert "alarm" in outcome.error
            assert time.monotonic() - began < 5
        finally:
            await victim.ctl("set_vm_memory_high_watermark", "0.4")
        await is_ready(open_sink)
        await deliver(open_sink, *numbered(5, 5))
    found = await ids(victim.dsn)
    assert sorted(set(found)) == wanted(10)  # those that timed out may be there twice: same id


async def test_a_frozen_broker_costs_no_more_than_the_timeout(victim):
    async with running_sink(victim.dsn, timeout_seconds=1.0) as open_sink:
        await deliver(open_sink, *numbered(5))
        victim.freeze()
        try:
            began = time.monotonic()
            outcomes = await open_sink.send(numbered(5, 5))
            assert time.monotonic() - began < 5
            assert all("did not confirm it in time" in each.error for each in outcomes)
            (outcome,) = await open_sink.send([event("x")])
            assert isinstance(outcome, Retry)
            assert time.monotonic() - began < 8
            await is_ready(open_sink, ready=False)
        finally:
            victim.thaw()
        await deliver(open_sink, *numbered(5, 5))
    assert sorted(set(await ids(victim.dsn))) == wanted(10)


async def test_a_frozen_broker_is_noticed_without_any_event(victim):
    async with running_sink(victim.dsn) as open_sink:
        victim.freeze()
        try:
            await is_ready(open_sink, ready=False)
        finally:
            victim.thaw()
        await is_ready(open_sink)


async def test_a_killed_broker_keeps_what_it_confirmed_and_gets_the_rest_after_its_restart(victim):
    async with running_sink(victim.dsn) as open_sink:
        await deliver(open_sink, *numbered(50))
        await victim.kill()
        began = time.monotonic()
        outcomes = await open_sink.send(numbered(50, 50))
        assert all(isinstance(each, Retry) for each in outcomes)
        assert time.monotonic() - began < 5.5
        await is_ready(open_sink, ready=False)
        await victim.restart()
        await deliver(open_sink, *numbered(50, 50))
    found = await ids(victim.dsn)
    assert sorted(set(found)) == wanted(100)
    assert len(found) == 100


async def test_events_sent_through_a_kill_all_arrive(victim):
    async with running_sink(victim.dsn) as open_sink:
        done = asyncio.Event()

        async def flow():
            for start in range(0, 2000, 20):
                await deliver(open_sink, *numbered(20, start))
                if start == 400:
                    done.set()

        flowing = asyncio.create_task(flow())
        await done.wait()
        await victim.restart()
        await flowing
    assert sorted(set(await ids(victim.dsn))) == wanted(2000)


@asynccontextmanager
async def behind_a_proxy(rabbitmq):
    address = rabbitmq.dsn.partition("@")[2].partition("/")[0]
    host, _, port = address.partition(":")
    async with ToxicProxy.to(host, int(port)) as proxy:
        yield proxy, rabbitmq.dsn.replace(address, f"127.0.0.1:{proxy.port}")


async def test_a_connection_that_is_reset_is_made_again_within_a_second_or_two(rabbitmq):
    async with behind_a_proxy(rabbitmq) as (proxy, dsn), running_sink(dsn) as open_sink:
        await deliver(open_sink, *numbered(5))
        proxy.reset()
        await deliver(open_sink, *numbered(5, 5))
        await is_ready(open_sink)
    assert await ids(rabbitmq.dsn) == wanted(10)


async def test_being_cancelled_leaves_a_sink_that_works(rabbitmq):
    async with behind_a_proxy(rabbitmq) as (proxy, dsn), running_sink(dsn) as open_sink:
        proxy.latency(0.5)
        sending = asyncio.create_task(open_sink.send(numbered(50)))
        await asyncio.sleep(0.1)
        sending.cancel()
        assert isinstance((await asyncio.gather(sending, return_exceptions=True))[0], BaseException)
        proxy.heal()
        await deliver(open_sink, *numbered(50))
    assert sorted(set(await ids(rabbitmq.dsn))) == wanted(50)


async def test_a_user_who_may_only_publish_publishes_and_what_is_not_allowed_is_said(
    victim, writer
):
    async with channel(victim.dsn) as of:
        await declared_by_a_backend(of)
    async with running_sink(writer) as open_sink:
        assert open_sink.health().detail == (
            f"no permission to bind queue {NAME} to exchange {NAME}"
        )
        assert await open_sink.send(numbered(5)) == [Done()] * 5
    assert await ids(victim.dsn) == wanted(5)


async def test_a_user_who_may_not_declare_what_is_absent_keeps_events_for_later(victim, writer):
    async with channel(victim.dsn) as of:
        await of.queue_delete(NAME)
        await of.exchange_delete(NAME)
        async with running_sink(writer) as open_sink:
            (outcome,) = await open_sink.send(numbered(1))
            assert isinstance(outcome, Retry)
            await declared_by_a_backend(of)
            await deliver(open_sink, *numbered(5))
    assert await ids(victim.dsn) == wanted(5)
