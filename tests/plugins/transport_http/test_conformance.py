"""The plugin against the suite of transports."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from tests.plugins.transport_http.harness import KEY

from gatewright.testing.conformance import TransportCase, TransportConformance
from gatewright_transport_http import gatewright_transport


class TestTransport(TransportConformance):
    @pytest.fixture
    def case(self):
        return TransportCase(
            factory=gatewright_transport(), options={"api_keys": [KEY]}, submit=submit
        )


async def submit(backend, data):
    asgi = httpx.ASGITransport(Starlette(routes=list(backend.routes())))
    async with httpx.AsyncClient(transport=asgi, base_url="http://gateway") as client:
        headers = {"x-api-key": KEY}
        answer = await client.post("/internal/publish", content=data, headers=headers)
        answer.raise_for_status()
