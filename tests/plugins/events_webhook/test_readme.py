"""The README: every option is there, and its Python sample verifies what is sent."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from tests.plugins.events_webhook.harness import opened
from tests.plugins.events_webhook.receiver import Received, Receiver

from gatewright_events_webhook import WebhookSettings

README = (Path(__file__).parents[3] / "plugins/events_webhook/README.md").read_text("utf-8")
OLD, NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def sample() -> Any:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the project's own documentation
    return names["is_genuine"]


async def sent(receiver: Receiver, *, now: float) -> Received:
    async with opened(url=receiver.url, signing_secrets=[NEW, OLD]) as webhook:
        webhook.clock.wall = now
        await webhook.send()
    return receiver.received[0]


def as_mapping(request: Received) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers}


def test_every_option_has_a_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", README.partition("## What is sent")[0], re.MULTILINE)

    assert set(rows) == set(WebhookSettings.model_fields)


@pytest.mark.anyio
@pytest.mark.parametrize("secret", [OLD, NEW])
async def test_the_sample_accepts_what_is_sent(receiver: Receiver, secret: str) -> None:
    request = await sent(receiver, now=time.time())

    assert sample()(as_mapping(request), request.body, secret)


@pytest.mark.anyio
async def test_the_sample_refuses_another_body_another_key_and_an_old_request(
    receiver: Receiver,
) -> None:
    request = await sent(receiver, now=time.time())
    headers = as_mapping(request)

    assert not sample()(headers, request.body + b" ", OLD)
    assert not sample()(headers, request.body, "whsec_b3RoZXI=")
    assert not sample()(headers, request.body, OLD, tolerance=-1)


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, "", "é", "v1,é x", "1e3", "9" * 400, "9" * 5000])
async def test_the_sample_refuses_headers_that_are_missing_or_make_no_sense(
    receiver: Receiver, name: str, value: str | None
) -> None:
    request = await sent(receiver, now=time.time())
    headers = as_mapping(request)
    del headers[name]
    if value is not None:
        headers[name] = value

    assert sample()(headers, request.body, OLD) is False
