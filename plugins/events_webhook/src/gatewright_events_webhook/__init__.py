"""Tells a backend by webhook what gatewright's clients do.

The gateway's core owns order, retries, the breaker and dead letters; this plugin makes one signed
request per attempt and judges the answer.
"""

from __future__ import annotations

from gatewright import Factory, hookimpl
from gatewright_events_webhook.diagnosis import diagnose
from gatewright_events_webhook.opening import open_sink
from gatewright_events_webhook.settings import WebhookSettings
from gatewright_events_webhook.sink import WebhookSink

__all__ = ["GATEWRIGHT_API", "WebhookSettings", "WebhookSink", "gatewright_events"]

GATEWRIGHT_API = (1, 0)


@hookimpl
def gatewright_events() -> Factory[WebhookSettings, WebhookSink]:
    """Declare the ``webhook`` event sink."""
    return Factory(
        settings=WebhookSettings,
        open=open_sink,
        diagnose=diagnose,
        summary="events as signed HTTP requests to a backend",
    )
