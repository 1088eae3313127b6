"""What leaves: the exact bytes and headers of the contract."""

from __future__ import annotations

import hashlib
import hmac
from importlib.metadata import version

import pytest
from tests.plugins.events_webhook.harness import BODY, NOW, event, opened
from tests.plugins.events_webhook.receiver import Receiver, answer

from gatewright import Done

pytestmark = pytest.mark.anyio

WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def test_an_event_is_posted_byte_for_byte(receiver: Receiver) -> None:
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send(event(7)) == Done()

    (request,) = receiver.received
    assert request.line == "POST /internal/ws/events HTTP/1.1"
    assert request.body == BODY
    assert dict(request.headers) == {
        "Host": f"127.0.0.1:{receiver.port}",
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": f"gatewright/{version('gatewright')}",
        "Accept-Encoding": "identity",
        "Webhook-Id": "evt-7",
        "X-Webhook-Seq": "7",
        "Content-Length": str(len(BODY)),
    }


async def test_headers_go_out_once_each_as_they_are_written(receiver: Receiver) -> None:
    async with opened(url=receiver.url, secret=WHSEC) as webhook:
        await webhook.send(event(reason="node_lost"))

    names = receiver.received[0].names
    assert {"Webhook-Id", "X-Webhook-Seq", "X-Webhook-Reason", "X-Webhook-Signature"} <= set(names)
    assert {"webhook-timestamp", "webhook-signature"} <= set(names)
    assert len({name.lower() for name in names}) == len(names)


async def test_a_secret_signs_the_bytes_that_are_sent(receiver: Receiver) -> None:
    async with opened(url=receiver.url, secret="topsecret") as webhook:
        await webhook.send()

    (request,) = receiver.received
    expected = hmac.new(b"topsecret", request.body, hashlib.sha256).hexdigest()
    assert request["X-Webhook-Signature"] == f"sha256={expected}"
    assert "webhook-signature" not in request


async def test_each_attempt_is_stamped_with_its_own_time(receiver: Receiver) -> None:
    async with opened(url=receiver.url, signing_secrets=[WHSEC]) as webhook:
        await webhook.send(event(1))
        webhook.clock.wall += 60
        await webhook.send(event(1))

    first, second = receiver.received
    assert first["webhook-timestamp"] == str(int(NOW))
    assert second["webhook-timestamp"] == str(int(NOW) + 60)
    assert first["Webhook-Id"] == second["Webhook-Id"]
    assert first["webhook-signature"] != second["webhook-signature"]


async def test_a_reason_travels_beside_the_body(receiver: Receiver) -> None:
    async with opened(url=receiver.url) as webhook:
        await webhook.send(event(reason="node_lost"))
        await webhook.send(event())

    with_reason, without = receiver.received
    assert with_reason["X-Webhook-Reason"] == "node_lost"
    assert with_reason.body == BODY
    assert "X-Webhook-Reason" not in without


async def test_nothing_can_break_out_of_a_header(receiver: Receiver) -> None:
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send(event(reason="lost\r\nX-Evil: 1\x00ü")) == Done()

    (request,) = receiver.received
    assert request["X-Webhook-Reason"] == "lost%0D%0AX-Evil: 1%00%C3%BC"
    assert "X-Evil" not in request


async def test_user_and_password_of_the_url_become_basic_authentication(
    receiver: Receiver,
) -> None:
    url = receiver.url.replace("://", "://ann:p%40ss@") + "?tenant=a%20b%26&x=1+1"
    async with opened(url=url) as webhook:
        await webhook.send()

    (request,) = receiver.received
    assert request["Authorization"] == "Basic YW5uOnBAc3M="
    assert request.line == "POST /internal/ws/events?tenant=a%20b%26&x=1+1 HTTP/1.1"


async def test_the_environment_names_no_proxy(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send() == Done()


async def test_cookies_are_not_kept(receiver: Receiver) -> None:
    receiver.will(answer(200, "Set-Cookie: session=abc; Path=/"))
    async with opened(url=receiver.url) as webhook:
        await webhook.send()
        await webhook.send()

    assert "Cookie" not in receiver.received[1]


async def test_a_body_of_a_mebibyte_arrives_whole(receiver: Receiver) -> None:
    large = b'{"raw":"' + b"x" * 1024 * 1024 + b'"}'
    async with opened(url=receiver.url) as webhook:
        assert await webhook.send(event(body=large)) == Done()

    assert receiver.received[0].body == large


async def test_without_url_nothing_is_sent_and_nothing_fails() -> None:
    async with opened(secret="topsecret") as webhook:
        outcomes = await webhook.sink.send([event(1), event(2)])

    assert outcomes == [Done(note="no_url"), Done(note="no_url")]
    assert webhook.logged == []


async def test_a_batch_is_answered_in_its_order(receiver: Receiver) -> None:
    async with opened(url=receiver.url) as webhook:
        outcomes = await webhook.sink.send([event(number) for number in range(1, 6)])

    assert outcomes == [Done()] * 5
    assert sorted(request["X-Webhook-Seq"] for request in receiver.received) == list("12345")


async def test_an_event_without_a_number_carries_none(receiver: Receiver) -> None:
    async with opened(url=receiver.url) as webhook:
        await webhook.sink.send([event(0, reason="node_lost")])

    (request,) = receiver.received
    names = {name.lower() for name, _ in request.headers}
    assert "x-webhook-seq" not in names
    assert request["X-Webhook-Reason"] == "node_lost"
