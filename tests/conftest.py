"""Fixtures of the whole suite."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

from gatewright.testing.brokers.rabbitmq_server import RabbitServer, VirtualHost
from gatewright.testing.brokers.redis_server import RedisServer

settings.register_profile("gatewright", deadline=None)  # a busy machine is no failure
settings.load_profile("gatewright")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Asynchronous tests run on asyncio, in one loop for the whole session."""
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
async def rabbitmq_server(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: object
) -> AsyncIterator[RabbitServer]:
    """A rabbitmq-server for the whole session; tests that break one start their own."""
    async with RabbitServer.start(tmp_path_factory.mktemp("rabbitmq")) as server:
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
