"""Fixtures of the tests of auth_jwt."""

import pytest
from tests.plugins.auth_jwt import support


@pytest.fixture
def logged():
    return support.Logged()


@pytest.fixture
def clock():
    return support.MovableClock()


@pytest.fixture
async def server():
    async with support.key_server() as running:
        yield running
