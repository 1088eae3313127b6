"""Fixtures for the http transport."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.plugins.transport_http.harness import Api, opened


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """A running transport with one key and a bind of its own for /internal."""
    async with opened() as api:
        yield api
