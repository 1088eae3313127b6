"""Fixtures of the whole suite."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import settings

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
