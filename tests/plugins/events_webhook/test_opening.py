"""Opening: what can fail for good, and what must not."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest
from tests.plugins.events_webhook.harness import opened

import gatewright_events_webhook
from gatewright import HOOK_API, StartError
from gatewright_events_webhook import WebhookSettings, gatewright_events

pytestmark = pytest.mark.anyio


def test_the_plugin_is_found_by_its_name() -> None:
    (found,) = entry_points(group="gatewright.events", name="webhook")

    assert found.load() is gatewright_events_webhook
    assert gatewright_events_webhook.GATEWRIGHT_API <= HOOK_API


def test_it_declares_its_settings_and_needs_nothing() -> None:
    factory = gatewright_events()

    assert factory.settings is WebhookSettings
    assert factory.needs == frozenset()


async def test_opening_needs_no_receiver() -> None:
    async with opened(url="http://127.0.0.1:1/") as webhook:
        assert webhook.sink.health().ready


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "no such file or directory"), ("no certificate", "it holds no PEM certificate")],
)
async def test_a_useless_ca_file_is_named(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)

    with pytest.raises(StartError) as refused:
        async with opened(url="https://127.0.0.1/", ca_file=ca_file):
            pass

    assert str(refused.value) == f"ca_file {ca_file} cannot be used: {problem}"


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://app.example.com/hook?token=t", True),
        ("http://10.0.0.5/", True),
        ("https://app.example.com/", False),
        ("http://localhost:8000/", False),
        ("http://127.0.0.1:8000/", False),
        ("http://[::1]/", False),
    ],
)
async def test_plain_http_to_another_machine_is_warned_of(url: str, *, warned: bool) -> None:
    async with opened(url=url) as webhook:
        assert [entry["event"] for entry in webhook.logged] == (
            ["the webhook is not encrypted"] if warned else []
        )
        assert "token" not in repr(webhook.logged)
