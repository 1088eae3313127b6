"""Lets backends publish to gatewright's clients over HTTP, command them, and ask who is there."""

from __future__ import annotations

from gatewright import Factory, hookimpl
from gatewright_transport_http.diagnosis import diagnose
from gatewright_transport_http.settings import HttpSettings
from gatewright_transport_http.transport import HttpTransport, open_transport

__all__ = ["GATEWRIGHT_API", "HttpSettings", "HttpTransport", "gatewright_transport"]

GATEWRIGHT_API = (1, 0)


@hookimpl
def gatewright_transport() -> Factory[HttpSettings, HttpTransport]:
    """Declare the ``http`` transport."""
    return Factory(
        settings=HttpSettings,
        open=open_transport,
        diagnose=diagnose,
        summary="Backends publish with POST /internal/publish and ask who is connected.",
        needs=frozenset({"presence", "command"}),
    )
