import anyio
import pytest

from gatewright import BusUnavailable, Command, Health, Publication, Receipt
from gatewright.builtin.memory_bus import MemoryBus, gatewright_bus

pytestmark = pytest.mark.anyio

MESSAGE = Publication(("user:1",), b"{}")


@pytest.fixture
async def delivered():
    return []


@pytest.fixture
async def bus(delivered):
    bus = MemoryBus()

    def deliver(message):
        delivered.append(message)
        return 3

    async with anyio.create_task_group() as group:
        group.start_soon(bus.run, deliver)
        await anyio.wait_all_tasks_blocked()
        yield bus
        group.cancel_scope.cancel()


async def test_what_is_published_is_delivered_before_it_returns(bus, delivered):
    command = Command("disconnect", user_id="1")

    assert await bus.publish(MESSAGE, count=True) == Receipt(3, exact=True)
    assert await bus.publish(command, count=False) == Receipt(None, exact=True)
    assert delivered == [MESSAGE, command]


async def test_it_takes_nothing_before_it_runs():
    bus = MemoryBus()

    with pytest.raises(BusUnavailable, match="the bus is not running"):
        await bus.publish(MESSAGE, count=True)
    assert bus.health() == Health(ready=False, detail="not running")


async def test_it_takes_nothing_after_its_run_ended():
    bus = MemoryBus()
    async with anyio.create_task_group() as group:
        group.start_soon(bus.run, lambda message: 1)
        await anyio.wait_all_tasks_blocked()
        assert bus.health() == Health(ready=True)
        group.cancel_scope.cancel()

    with pytest.raises(BusUnavailable):
        await bus.publish(MESSAGE, count=True)
    assert not bus.health().ready


def test_it_is_declared_without_settings():
    assert gatewright_bus().settings.model_fields == {}
