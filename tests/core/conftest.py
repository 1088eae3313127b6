"""Fixtures of the core's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.core.plugin_env import PluginEnv


@pytest.fixture
def plugin_env(tmp_path: Path) -> Iterator[PluginEnv]:
    """A folder to put plugins into, with nothing in it."""
    env = PluginEnv(tmp_path)
    yield env
    env.close()
