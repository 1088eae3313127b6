"""HTTP/2 over TLS: for requests, never for WebSockets."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager

import httpx
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RemoteSettingsChanged, ResponseReceived
from h2.settings import SettingCodes
from tests.e2e.test_handshake import self_signed
from tests.support.gateway import gateway

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def secure_gateway(directory):
    self_signed(directory)
    sections = (
        f"server: {{bind: '127.0.0.1:0', internal_bind: '127.0.0.1:0', tls: "
        f"{{certificate: '{directory}/cert.pem', key: '{directory}/key.pem'}}}}"
    )
    async with gateway(directory, sections) as running:
        yield running, ssl.create_default_context(cafile=directory / "cert.pem")


class Http2Client:
    """One connection, as far as a WebSocket needs it."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.connection = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.connection.initiate_connection()

    async def until(self, kind):
        """Return the first event of a kind."""
        async with asyncio.timeout(5):
            while True:
                self.writer.write(self.connection.data_to_send())
                for event in self.connection.receive_data(await self.reader.read(65536)):
                    if isinstance(event, kind):
                        return event

    def ask_for_a_socket(self):
        """Send the CONNECT of RFC 8441, section 4."""
        headers = {
            ":method": "CONNECT",
            ":protocol": "websocket",
            ":scheme": "https",
            ":path": "/ws",
            ":authority": "localhost",
            "sec-websocket-version": "13",
            "authorization": "Bearer 42",
        }
        self.connection.send_headers(1, list(headers.items()))


async def test_requests_are_answered_over_http2(tmp_path):
    async with secure_gateway(tmp_path) as (running, trust):
        port = running.host.rpartition(":")[2]
        async with httpx.AsyncClient(http2=True, verify=trust, trust_env=False) as client:
            answer = await client.get(f"https://localhost:{port}/health")
        assert (answer.http_version, answer.json()) == ("HTTP/2", {"ok": True})


async def test_sockets_are_neither_offered_nor_opened_over_http2(tmp_path):
    async with secure_gateway(tmp_path) as (running, trust):
        trust.set_alpn_protocols(["h2"])
        port = running.host.rpartition(":")[2]
        reader, writer = await asyncio.open_connection("localhost", int(port), ssl=trust)
        client = Http2Client(reader, writer)
        settings = (await client.until(RemoteSettingsChanged)).changed_settings
        assert SettingCodes.ENABLE_CONNECT_PROTOCOL not in settings
        client.ask_for_a_socket()
        answer = await client.until(ResponseReceived)
        assert (":status", "505") in answer.headers
        writer.transport.abort()
        assert await running.metric("gatewright_handshakes_total", result="http_version") == 1
