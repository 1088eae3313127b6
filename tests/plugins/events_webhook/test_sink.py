"""What the sink tells: outcomes, health, warnings; and what it never tells."""

from __future__ import annotations

import logging

import pytest
from tests.plugins.events_webhook.harness import event, opened
from tests.plugins.events_webhook.receiver import Receiver, answer, close_after

from gatewright import Done, Health, Reject

pytestmark = pytest.mark.anyio


async def test_a_receiver_that_is_switched_off_is_done_and_noted(receiver: Receiver) -> None:
    receiver.will(answer(404))
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send() == Done(note="receiver_off")

    assert len(receiver.received) == 1


async def test_a_switched_off_receiver_is_warned_of_once_a_minute(receiver: Receiver) -> None:
    receiver.will(*[answer(404)] * 6)
    async with opened(url=receiver.url) as webhook:
        for seconds in (0, 1, 58.9, 0.2, 1, 59):
            webhook.clock.steady += seconds
            await webhook.send()

    assert webhook.logged == [
        {
            "event": "the webhook's receiver is switched off, or the path of its url is wrong: "
            "its events are dropped",
            "log_level": "warning",
            "receiver": f"http://127.0.0.1:{receiver.port}",
            "status": 404,
            "events": events,
        }
        for events in (1, 3, 2)
    ]


async def test_health_names_the_last_error_and_stays_ready(receiver: Receiver) -> None:
    receiver.will(answer(500), answer(400), close_after(b""))
    shown = f"http://127.0.0.1:{receiver.port}"
    async with opened(url=receiver.url + "?token=hidden") as webhook:
        details = [webhook.sink.health().detail]
        for _ in range(4):
            await webhook.send()
            assert webhook.sink.health().ready
            details.append(webhook.sink.health().detail)

    assert details == [
        "",
        f"{shown}: status 500",
        f"{shown}: status 400",
        f"{shown}: connection closed without an answer",
        "",
    ]


async def test_health_says_when_there_is_no_url() -> None:
    async with opened() as webhook:
        assert webhook.sink.health() == Health(ready=True, detail="no url: events are not sent")


async def test_a_refusal_names_only_the_status(receiver: Receiver) -> None:
    receiver.will(answer(400, body=b"hidden: your request was odd"))
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send() == Reject("status 400")


async def test_no_secret_reaches_logs_health_or_outcomes(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.will(answer(404), answer(500), answer(302, "Location: /hidden"), close_after(b""))
    told: list[object] = []
    url = receiver.url.replace("://", "://ann:hidden@") + "?token=hidden"
    async with opened(url=url, secret="hidden", signing_secrets=["whsec_aGlkZGVu"]) as webhook:
        for number in range(5):
            told.append(await webhook.send(event(number)))
            told.append(webhook.sink.health())
        told += [webhook.logged, webhook.sink, caplog.text]

    assert len(receiver.received) == 5
    for secret in ("hidden", "aGlkZGVu", "YW5uOmhpZGRlbg"):
        assert secret not in repr(told)
