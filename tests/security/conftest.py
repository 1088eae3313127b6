"""Fixtures of the security tests."""

import pytest
from tests.support.made import MadePlugins


@pytest.fixture
def made(tmp_path):
    """Plugins for gateway processes, made on the spot."""
    return MadePlugins(tmp_path / "plugins")
