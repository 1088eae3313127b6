"""What ``gatewright doctor`` looks at for this sink: what the receiver answers to signed pings.

A ping is a request like those of events whose body is ``{"type":"ping","sent_at":…}``: it has none
of an event's other fields.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator

from pydantic import SecretStr

from gatewright import DiagnosisContext, Finding
from gatewright_events_webhook.client import Client, open_client
from gatewright_events_webhook.failures import NoAnswer
from gatewright_events_webhook.judging import judge_failure, judge_forged, judge_ping
from gatewright_events_webhook.opening import constant_headers, is_this_machine
from gatewright_events_webhook.settings import WebhookSettings
from gatewright_events_webhook.signing import Signer
from gatewright_events_webhook.target import Target
from gatewright_events_webhook.tls import UnusableAuthorities, tls_context

__all__ = ["diagnose"]


async def diagnose(settings: WebhookSettings, context: DiagnosisContext) -> AsyncIterator[Finding]:
    """Post one ping that is signed, and one whose signature is wrong."""
    if settings.url is None:
        yield Finding.ok("url", "none: events are not sent")
        return
    target = Target.parse(settings.url.get_secret_value())
    yield _transport(settings, target, context)
    try:
        tls = tls_context(verify=settings.verify, ca_file=settings.ca_file)
    except UnusableAuthorities as error:
        yield Finding.error("tls", str(error), fix=f"ls -l {error.path}")
        return
    async with open_client(
        target.url, tls=tls, timeout=settings.timeout_seconds, deny=settings.deny_networks
    ) as client:
        pinger = _Pinger(client, target, context)
        try:
            status = await pinger.ping(_signer(settings))
        except NoAnswer as failure:
            yield judge_failure(failure.error, target, context.key)
            return
        ping = judge_ping(status, target, context.key)
        yield ping
        if not _is_signed(settings):
            fix = f"openssl rand -hex 32, as {context.key}.secret and at the receiver"
            yield Finding.warning("signature", "requests are not signed", fix=fix)
        elif ping.status == "ok":
            yield await _forged(pinger, target)


class _Pinger:
    """Posts pings."""

    def __init__(self, client: Client, target: Target, context: DiagnosisContext) -> None:
        self._client, self._clock = client, context.clock
        self._headers = constant_headers(target)

    async def ping(self, signer: Signer) -> int:
        """Return the status of the answer.

        Raises:
            NoAnswer: There was none.
        """
        now = int(self._clock.time())
        ping_id = f"ping-{secrets.token_hex(8)}"
        body = json.dumps({"type": "ping", "sent_at": now}, separators=(",", ":")).encode()
        headers = self._headers | {"Webhook-Id": ping_id} | signer.headers(ping_id, body, now)
        return (await self._client.post(headers, body)).status


async def _forged(pinger: _Pinger, target: Target) -> Finding:
    stranger = Signer(secrets.token_hex(16), ["whsec_" + secrets.token_hex(32)])
    try:
        return judge_forged(await pinger.ping(stranger), target)
    except NoAnswer as failure:
        return Finding.ok("signature", f"a wrong one gets no answer: {failure.error}")


def _transport(settings: WebhookSettings, target: Target, context: DiagnosisContext) -> Finding:
    if target.is_https and not settings.verify:
        found = f"the certificate of {target.shown} is not checked"
        return Finding.warning("url", found, fix=f"remove verify: false from {context.key}")
    if not target.is_https and not is_this_machine(target.url.host):
        found = f"requests to {target.shown} are not encrypted"
        return Finding.warning("url", found, fix=f"write https:// in {context.key}.url")
    return Finding.ok("url", target.shown)


def _is_signed(settings: WebhookSettings) -> bool:
    return settings.secret is not None or bool(settings.signing_secrets)


def _signer(settings: WebhookSettings) -> Signer:
    secret = None if settings.secret is None else settings.secret.get_secret_value()
    return Signer(secret, map(SecretStr.get_secret_value, settings.signing_secrets))
