"""What the doctor finds at a receiver, each finding with its text and fix."""

import hashlib
import hmac
import json

import pytest
from tests.plugins.events_webhook.receiver import answer, close_after, receiving, silence
from tests.support.diagnosis import diagnosed

from gatewright import Finding
from gatewright.testing.ports import free_port
from gatewright_events_webhook import gatewright_events

pytestmark = pytest.mark.anyio

SECRET = "a secret of the tests"


async def seen(url, **options):
    return await diagnosed(gatewright_events, url=url, **options)


def shown(receiver):
    return f"{receiver.scheme}://127.0.0.1:{receiver.port}"


async def test_a_ping_is_signed_as_events_are_and_is_none(receiver):
    receiver.will(answer(204), answer(401))

    findings = await seen(receiver.url, secret=SECRET)

    ping, forged = receiver.received
    signature = hmac.digest(SECRET.encode(), ping.body, hashlib.sha256).hex()
    assert ping["X-Webhook-Signature"] == f"sha256={signature}"
    assert ping["Webhook-Id"].startswith("ping-")
    body = json.loads(ping.body)
    assert (body.keys(), body["type"]) == ({"type", "sent_at"}, "ping")
    assert "X-Webhook-Seq" not in ping
    assert forged["X-Webhook-Signature"] != ping["X-Webhook-Signature"]
    assert findings == {
        "url": Finding.ok("url", shown(receiver)),
        "ping": Finding.ok("ping", f"{shown(receiver)} answered 204"),
        "signature": Finding.ok("signature", "the right one is accepted, a wrong one gets 401"),
    }


async def test_a_receiver_that_takes_every_signature(receiver):
    assert (await seen(receiver.url, secret=SECRET))["signature"] == Finding.warning(
        "signature",
        f"{shown(receiver)} answered 200 to a wrong signature: anybody may forge events",
        fix="have the receiver compare X-Webhook-Signature, and answer 401 where it differs",
    )


async def test_without_a_secret_nothing_is_signed(receiver):
    assert (await seen(receiver.url))["signature"] == Finding.warning(
        "signature",
        "requests are not signed",
        fix="openssl rand -hex 32, as transports.acme.secret and at the receiver",
    )
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("status", "text", "fix"),
    [
        (
            401,
            "it does not accept the signature",
            "compare transports.acme.secret with the receiver's",
        ),
        (
            403,
            "it does not accept the signature",
            "compare transports.acme.secret with the receiver's",
        ),
        (
            404,
            "the receiver is switched off, or the path is wrong",
            "switch it on, or mend the path in transports.acme.url",
        ),
        (
            302,
            "redirects are not followed",
            "write where it leads to in transports.acme.url",
        ),
        (500, "", "look into the receiver's log for the request with type ping"),
        (405, "", "look into the receiver's log for the request with type ping"),
    ],
)
async def test_what_the_receiver_answers(receiver, status, text, fix):
    receiver.will(answer(status))

    findings = await seen(receiver.url, secret=SECRET)

    told = f"{shown(receiver)} answered {status}{text and ': '}{text}"
    assert findings["ping"] == Finding.error("ping", told, fix=fix)
    assert "signature" not in findings


@pytest.mark.parametrize("status", [400, 415, 422])
async def test_a_receiver_need_not_know_pings(receiver, status):
    receiver.will(answer(status), answer(401))

    assert (await seen(receiver.url, secret=SECRET))["ping"] == Finding.ok(
        "ping", f"{shown(receiver)} answered {status}: it knows no pings, and need not"
    )


async def test_nobody_listens_and_no_such_name():
    port = free_port()

    refused = await seen(f"http://127.0.0.1:{port}/?token=hush")
    unknown = await seen("http://nowhere.invalid/")

    assert refused["reach"] == Finding.error(
        "reach",
        f"http://127.0.0.1:{port}: connect refused",
        fix=f"curl -v http://127.0.0.1:{port}",
    )
    assert unknown["reach"] == Finding.error(
        "reach",
        "http://nowhere.invalid: host not found",
        fix="getent hosts nowhere.invalid, or another host in transports.acme.url",
    )
    assert unknown["url"] == Finding.warning(
        "url",
        "requests to http://nowhere.invalid are not encrypted",
        fix="write https:// in transports.acme.url",
    )


async def test_a_receiver_that_says_nothing(receiver):
    receiver.will(silence)

    assert (await seen(receiver.url, timeout_seconds=0.2))["reach"] == Finding.error(
        "reach",
        f"{shown(receiver)}: timed out after 0.2 s",
        fix=f"curl -v {shown(receiver)}",
    )


async def test_a_denied_network(receiver):
    assert (await seen(receiver.url, deny_networks=["127.0.0.0/8"]))["reach"] == Finding.error(
        "reach",
        f"{shown(receiver)}: connect failed: address in a denied network",
        fix="take its network out of transports.acme.deny_networks, if it is to be allowed",
    )


async def test_tls(certificates, receiver):
    async with receiving(certificates.server_context()) as secure:
        good = await seen(secure.url, ca_file=str(certificates.authority))
        unchecked = await seen(secure.url, verify=False)
        unknown = await seen(secure.url)
    receiver.at_once = close_after(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    crossed = await seen(receiver.url.replace("http:", "https:"))
    missing = await seen(secure.url, ca_file="/missing.pem")

    assert good["ping"].status == "ok"
    assert unchecked["url"] == Finding.warning(
        "url",
        f"the certificate of {shown(secure)} is not checked",
        fix="remove verify: false from transports.acme",
    )
    assert unknown["tls"] == Finding.error(
        "tls",
        f"{shown(secure)}: certificate not accepted: unable to get local issuer certificate",
        fix="set transports.acme.ca_file to the PEM file of the receiver's authority",
    )
    assert crossed["tls"].fix == "write http:// in transports.acme.url, or the port with TLS"
    assert missing["tls"] == Finding.error(
        "tls",
        "ca_file /missing.pem cannot be used: no such file or directory",
        fix="ls -l /missing.pem",
    )


async def test_without_a_url_nothing_is_sent():
    assert await diagnosed(gatewright_events) == {
        "url": Finding.ok("url", "none: events are not sent")
    }
