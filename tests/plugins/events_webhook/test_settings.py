"""The options and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gatewright_events_webhook import WebhookSettings


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = WebhookSettings()

    assert settings.url is None
    assert settings.secret is None
    assert (settings.attempts, settings.base_seconds, settings.timeout_seconds) == (3, 0.5, 5.0)
    assert (settings.concurrency, settings.batch) == (64, 1)


def test_an_empty_url_or_secret_is_the_same_as_none() -> None:
    settings = WebhookSettings(url="", secret="")

    assert settings == WebhookSettings()


@pytest.mark.parametrize(
    ("options", "path", "text"),
    [
        (
            {"url": "ftp://files.example.com/hidden"},
            ("url",),
            "must be an http or https URL: it begins with another scheme, or with none",
        ),
        (
            {"url": "app.example.com/hidden"},
            ("url",),
            "must be an http or https URL: it begins with another scheme, or with none",
        ),
        ({"url": "http:///hidden"}, ("url",), "must be an http or https URL: it has no host"),
        (
            {"url": "http://a hidden b/"},
            ("url",),
            "must be an http or https URL: it cannot be read",
        ),
        (
            {"url": "http://hidden:99999/"},
            ("url",),
            "must be an http or https URL: it cannot be read",
        ),
        (
            {"url": "http://[::hidden/"},
            ("url",),
            "must be an http or https URL: it cannot be read",
        ),
        ({"secret": "whsec_hidden!"}, ("secret",), "must be whsec_ followed by base64"),
        (
            {"signing_secrets": ["whsec_YWJj", "hidden"]},
            ("signing_secrets",),
            "must be whsec_ followed by base64",
        ),
        (
            {"verify": False, "ca_file": Path("hidden.pem")},
            (),
            "ca_file has no effect with verify: false; remove one of them",
        ),
    ],
)
def test_a_wrong_option_is_named_without_its_value(
    options: dict[str, Any], path: tuple[str, ...], text: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        WebhookSettings(**options)

    (error,) = refused.value.errors(include_input=False, include_url=False)
    assert (error["loc"], error["msg"]) == (path, text)
    assert "hidden" not in str(refused.value).replace("hidden.pem", "")


@pytest.mark.parametrize("batch", [0, 2])
def test_a_request_carries_one_event(batch: int) -> None:
    with pytest.raises(ValidationError, match="batch"):
        WebhookSettings(batch=batch)


def test_settings_do_not_show_what_is_secret() -> None:
    settings = WebhookSettings(
        url="https://user:hidden@app.example.com/?token=hidden",
        secret="hidden",
        signing_secrets=["whsec_aGlkZGVu"],
    )

    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "hidden" not in shown
        assert "aGlkZGVu" not in shown


def test_every_option_is_described() -> None:
    assert all(field.description for field in WebhookSettings.model_fields.values())
