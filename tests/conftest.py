"""Fixtures of the whole suite."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from anyio.from_thread import start_blocking_portal
from hypothesis import settings

from gatewright.testing.brokers.rabbitmq_server import RabbitServer, VirtualHost
from gatewright.testing.brokers.redis_server import RedisServer

pytest_plugins = ["pytester", "gatewright.testing.plugin"]

LONG = (  # folders and files with tests that build, install, or wait for a minute
    "tests/release/",
    "tests/deploy/test_proxies.py",
    "tests/e2e/test_first_hour.py",
    "tests/docs/test_first_plugin.py",
    "tests/faults/",
    "tests/e2e/test_matrix.py",
    "tests/clients/",
    "tests/sdk/",
)

settings.register_profile("gatewright", deadline=None)  # a busy machine is no failure
settings.load_profile("gatewright")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker ends the run alone."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Asynchronous tests run on asyncio."""
    return ("asyncio", {})


@pytest.fixture(autouse=True)
def _logs_of_ones_own() -> Iterator[None]:
    """What a test makes of logging ends with it: a level set for a process is set for all tests."""
    root = logging.getLogger()
    level = root.level
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
    for handler in [each for each in root.handlers if type(each) is logging.StreamHandler]:
        root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="session")
def rabbitmq_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """A rabbitmq-server for the whole session; tests that break one start their own.

    It is looked after by a loop in a thread of its own. An asynchronous fixture of this scope would
    keep one loop for all tests after it, those that ask for another kind of loop included.
    """
    started = RabbitServer.start(tmp_path_factory.mktemp("rabbitmq"))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(started) as server:
        yield server


@pytest.fixture
async def rabbitmq(rabbitmq_server: RabbitServer) -> AsyncIterator[VirtualHost]:
    """A virtual host of its own on the session's rabbitmq-server."""
    async with rabbitmq_server.vhost() as vhost:
        yield vhost


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A redis-server of its own, whose data survives being killed."""
    async with RedisServer.start(tmp_path / "redis", append_only=True) as server:
        yield server
