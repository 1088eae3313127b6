"""The receiver: what it answers to whom, as functions and behind real servers."""

import asyncio
import json
import logging
import threading

import httpx
import pytest
from tests.support.backends import (
    PATH,
    SECRET,
    event_body,
    signed,
    under_hypercorn,
    under_uvicorn,
)
from tests.support.gateway import http_client

from gatewright_sdk.errors import ConfigurationError
from gatewright_sdk.events import Events, WebhookReceiver
from gatewright_sdk.model import Connected, Event, MessageReceived

pytestmark = pytest.mark.anyio

BODY = event_body()


@pytest.fixture
def heard():
    return []


@pytest.fixture
def events(heard):
    events = Events()

    @events.on(Event)
    async def hear(event):
        heard.append(event)

    return events


async def asynchronously(receiver, headers, body, **options):
    return await receiver.receive(headers, body, **options)


async def synchronously(receiver, headers, body, **options):
    return await asyncio.to_thread(receiver.receive_sync, headers, body, **options)


@pytest.fixture(params=[asynchronously, synchronously])
def ask(request):
    return request.param


async def test_a_genuine_event_is_handled(events, heard, ask):
    receiver = WebhookReceiver(events, secrets=[SECRET])
    body = event_body("message_received")

    answer = await ask(receiver, signed(body, **{"X-Webhook-Reason": "node_lost"}), body)

    assert (answer.status, answer.body) == (204, b"")
    (event,) = heard
    assert isinstance(event, MessageReceived)
    delivery = event.delivery
    assert (delivery.source, delivery.id, delivery.seq) == ("webhook", "e1", 3)
    assert (delivery.reason, delivery.attempt, delivery.redelivered) == ("node_lost", None, False)


@pytest.mark.parametrize("seq", ["", "x", "-1", "9" * 40, "٣"])
async def test_a_number_that_is_none_is_not_known(events, heard, ask, seq):
    await ask(
        WebhookReceiver(events, secrets=["s"]), signed(BODY, "s", **{"X-Webhook-Seq": seq}), BODY
    )

    assert heard[0].delivery.seq is None


async def test_which_signature_was_wrong_is_told_to_the_log_alone(events, heard, ask, caplog):
    receiver = WebhookReceiver(events, secrets=[SECRET])
    answers = []
    for headers in ({}, signed(BODY, "another"), signed(BODY + b" ")):
        answer = await ask(receiver, headers, BODY)
        assert answer.status == 401
        answers.append(answer.body)

    assert len(set(answers)) == 1
    assert heard == []
    assert len({record.message for record in caplog.records}) > 1
    assert SECRET not in caplog.text


async def test_what_is_no_event_is_refused_with_the_reason(events, ask):
    body = b'{"type":"connected"}'
    answer = await ask(WebhookReceiver(events, secrets=["s"]), signed(body, "s"), body)

    assert answer.status == 400
    assert "connection_id" in json.loads(answer.body)["error"]
    assert answer.headers["content-type"] == "application/json"


async def test_a_type_that_is_not_known_is_accepted(events, heard, ask):
    body = b'{"type":"ping","sent_at":1}'
    answer = await ask(WebhookReceiver(events, secrets=["s"]), signed(body, "s"), body)

    assert (answer.status, heard) == (204, [])


async def test_one_that_is_switched_off_knows_nothing(events, heard, ask):
    receiver = WebhookReceiver(events, enabled=False)

    for method in ("POST", "GET"):
        assert (await ask(receiver, signed(BODY), BODY, method=method)).status == 404
    assert heard == []


async def test_other_methods_and_large_bodies_are_refused(events, ask):
    receiver = WebhookReceiver(events, secrets=["s"], max_body_bytes=len(BODY))

    answer = await ask(receiver, {}, b"", method="GET")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert (await ask(receiver, signed(BODY, "s"), BODY)).status == 204
    assert (await ask(receiver, signed(BODY + b" ", "s"), BODY + b" ")).status == 413


async def test_a_handler_that_raises_asks_for_another_attempt(ask, caplog):
    events = Events()

    @events.on(Connected)
    async def fails(_event):
        raise LookupError

    answer = await ask(WebhookReceiver(events, secrets=["s"]), signed(BODY, "s"), BODY)

    assert answer.status == 500
    assert b"LookupError" not in answer.body
    assert caplog.records[-1].exc_info[0] is LookupError


async def test_plain_handlers_run_in_the_thread_that_asks():
    events, threads = Events(), []
    events.on(Connected)(lambda _event: threads.append(threading.get_ident()))

    WebhookReceiver(events, insecure=True).receive_sync({}, BODY)
    assert threads == [threading.get_ident()]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "give the gateway's secret, or insecure=True"),
        ({"secrets": [""]}, r"secrets\[0\]"),
        ({"secrets": "text"}, "must be a list"),
        ({"secrets": ["s"], "max_body_bytes": 0}, "max_body_bytes: must be more than 0, found 0"),
        ({"secrets": ["s"], "body_seconds": -1}, "body_seconds"),
        ({"secrets": ["s"], "tolerance_seconds": 0}, "tolerance_seconds"),
    ],
)
def test_what_cannot_be_configured(events, options, said):
    with pytest.raises(ConfigurationError, match=said):
        WebhookReceiver(events, **options)


async def test_without_a_secret_everybody_is_believed_when_that_is_wanted(events, heard):
    assert (await WebhookReceiver(events, insecure=True).receive({}, BODY)).status == 204
    assert len(heard) == 1


@pytest.fixture(params=[under_uvicorn, under_hypercorn])
def server(request):
    return request.param


async def test_it_is_an_application(events, heard, server):
    receiver = WebhookReceiver(events, secrets=[SECRET], path=PATH, max_body_bytes=100_000)
    async with server(receiver) as url, http_client() as client:
        assert (
            await client.post(url + PATH, content=BODY, headers=signed(BODY))
        ).status_code == 204
        assert (await client.post(url + PATH, content=BODY)).status_code == 401
        assert (await client.post(url + "/other", content=BODY)).status_code == 404
        answer = await client.get(url + PATH)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert (await client.head(url + PATH)).status_code == 405
        again = await client.post(url + PATH, content=BODY, headers=signed(BODY))
        assert again.status_code == 204
    assert len(heard) == 2


@pytest.mark.parametrize("size", [100_001, 150_000, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_answered(events, server, size, chunked):
    async def pieces():
        for _ in range(0, size, 65_536):
            yield b"x" * 65_536

    receiver = WebhookReceiver(events, secrets=[SECRET], max_body_bytes=100_000)
    async with server(receiver) as url, http_client() as client:
        content = pieces() if chunked else b"x" * size
        try:
            answer = await client.post(url, content=content)
        except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
            assert size > 200_000, "up to twice the limit, the answer is read"
        else:
            assert answer.status_code == 413
        assert (await client.post(url, content=BODY, headers=signed(BODY))).status_code == 204


async def test_a_body_that_does_not_come_is_not_waited_for(events, server, caplog):
    caplog.set_level(logging.CRITICAL, "hypercorn.error")
    receiver = WebhookReceiver(events, secrets=[SECRET], body_seconds=0.2)
    async with server(receiver) as url, asyncio.timeout(20):
        host, _, port = url.removeprefix("http://").rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        assert b" 408 " in await reader.readline()
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_goes_away_is_no_event(events, heard, server, caplog):
    receiver = WebhookReceiver(events, secrets=[SECRET])
    async with server(receiver) as url, http_client() as client:
        host, _, port = url.removeprefix("http://").rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await client.post(url, content=BODY, headers=signed(BODY))).status_code == 204
    assert len(heard) == 1
    assert "Traceback" not in caplog.text


async def test_websockets_are_refused(events):
    sent = []
    receiver = WebhookReceiver(events, secrets=[SECRET])

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    await receiver({"type": "websocket"}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1000}]
