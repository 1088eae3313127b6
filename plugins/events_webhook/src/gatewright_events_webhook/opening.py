"""How the sink is put together from its settings."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from ipaddress import ip_address

from pydantic import SecretStr

from gatewright import PluginContext
from gatewright_events_webhook.client import open_client
from gatewright_events_webhook.settings import WebhookSettings
from gatewright_events_webhook.signing import Signer
from gatewright_events_webhook.sink import WebhookSink
from gatewright_events_webhook.target import Target
from gatewright_events_webhook.tls import tls_context

__all__ = ["constant_headers", "is_this_machine", "open_sink"]


@asynccontextmanager
async def open_sink(
    settings: WebhookSettings, context: PluginContext
) -> AsyncGenerator[WebhookSink]:
    """Yield the sink and close its connections afterwards. Connects to nothing yet.

    Raises:
        UnusableAuthorities: ``ca_file`` cannot be read or holds no certificate.
    """
    signer = Signer(
        _text(settings.secret), map(SecretStr.get_secret_value, settings.signing_secrets)
    )
    target = None if settings.url is None else Target.parse(settings.url.get_secret_value())
    if target is None:
        yield WebhookSink(
            None, signer=signer, headers={}, shown="", log=context.log, clock=context.clock
        )
        return
    _warn(settings, target, context)
    context.step("reading certificates")
    async with open_client(
        target.url,
        tls=tls_context(verify=settings.verify, ca_file=settings.ca_file),
        timeout=settings.timeout_seconds,
        deny=settings.deny_networks,
    ) as client:
        yield WebhookSink(
            client,
            signer=signer,
            headers=constant_headers(target),
            shown=target.shown,
            log=context.log,
            clock=context.clock,
        )


def constant_headers(target: Target) -> dict[str, str]:
    """Return what every request carries."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"gatewright/{version('gatewright')}",
        "Accept-Encoding": "identity",
    }
    if target.authorization is not None:
        headers["Authorization"] = target.authorization
    return headers


def _warn(settings: WebhookSettings, target: Target, context: PluginContext) -> None:
    if target.is_https and not settings.verify:
        context.log.warning("the webhook's certificate is not checked", receiver=target.shown)
    elif not target.is_https and not is_this_machine(target.url.host):
        context.log.warning("the webhook is not encrypted", receiver=target.shown)


def is_this_machine(host: str) -> bool:
    """Tell whether what is sent to a host stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _text(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
