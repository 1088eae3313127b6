"""The pytest plugin of the kit: ``pytest_plugins = ["gatewright.testing.plugin"]``."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

pytest.register_assert_rewrite("gatewright.testing.conformance")

from gatewright.testing.conformance.rules import rule_of  # noqa: E402 - rewritten only after that

__all__ = ["anyio_backend", "pytest_runtest_makereport", "pytest_runtest_setup"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as gateways do."""
    return "asyncio"


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
