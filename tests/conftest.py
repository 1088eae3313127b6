"""Fixtures of the whole suite."""

from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("gatewright", deadline=None)  # a busy machine is no failure
settings.load_profile("gatewright")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Asynchronous tests run on asyncio, in one loop for the whole session."""
    return ("asyncio", {})
