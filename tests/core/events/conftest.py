"""Tests in this folder run in a loop whose time passes at once."""

from typing import Any

import pytest
from tests.core.events.kit import VirtualLoop


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return ("asyncio", {"loop_factory": VirtualLoop})
