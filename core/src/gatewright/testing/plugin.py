"""The pytest plugin of the kit: ``pytest_plugins = ["gatewright.testing.plugin"]``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("gatewright.testing.conformance")

from gatewright.testing.clock import FakeClock  # noqa: E402 - only after what is rewritten
from gatewright.testing.conformance.rules import rule_of  # noqa: E402 - as above
from gatewright.testing.doubles import Surroundings  # noqa: E402 - as above
from gatewright.testing.plugin_env import PluginEnv  # noqa: E402 - as above
from gatewright.testing.servers import KeySetServer, WebhookServer  # noqa: E402 - as above

__all__ = [
    "anyio_backend",
    "fake_clock",
    "key_set_server",
    "plugin_env",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
    "surroundings",
    "webhook_server",
]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as gateways do."""
    return "asyncio"


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that stands still until it is told to go."""
    return FakeClock()


@pytest.fixture
def surroundings() -> Surroundings:
    """Stand for the gateway around one plugin; remembers what the plugin did."""
    return Surroundings()


@pytest.fixture
def plugin_env(tmp_path: Path) -> Iterator[PluginEnv]:
    """An empty folder to put plugins into, importable while the test runs."""
    env = PluginEnv(tmp_path)
    yield env
    env.close()


@pytest.fixture
async def webhook_server() -> AsyncIterator[WebhookServer]:
    """A backend that takes every webhook until its script says otherwise."""
    async with WebhookServer.start() as server:
        yield server


@pytest.fixture
async def key_set_server() -> AsyncIterator[KeySetServer]:
    """A server of key sets, with an empty one."""
    async with KeySetServer.start() as server:
        yield server


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Put the rule's number among the test's properties, for reports that programs read."""
    about = rule_of(getattr(item, "function", None))
    if about is not None:
        item.user_properties.append(("gatewright_rule", about.number))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say with each failure which rule was broken."""
    del call
    report = yield
    about = rule_of(getattr(item, "function", None))
    if report.failed and about is not None:
        report.sections.append((f"rule {about.number}", about.text))
    return report
