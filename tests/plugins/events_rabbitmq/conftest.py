"""A server that may be broken."""

from __future__ import annotations

import pytest

from gatewright.testing.brokers.rabbitmq_server import RabbitServer


@pytest.fixture(scope="module")
async def victim(tmp_path_factory):
    """One for each module: a server boots in seconds."""
    async with RabbitServer.start(tmp_path_factory.mktemp("victim")) as server:
        yield server
