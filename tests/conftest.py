"""Fixtures of the whole suite."""

from typing import Any

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Asynchronous tests run on asyncio, in one loop for the whole session."""
    return ("asyncio", {})
