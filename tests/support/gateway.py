"""A real gateway in a process of its own, and what tests need to talk to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from websockets.asyncio.client import connect

API_KEY = "test-key"
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def http_client():
    """Return a client for plain HTTP; reading the public authorities would take a tenth second."""
    return httpx.AsyncClient(trust_env=False, verify=NO_AUTHORITIES, timeout=30)


@dataclass
class GatewayProcess:
    """A running ``gatewright serve``.

    Attributes:
        host: Its public ``host:port``.
        internal: Its internal one, or the public one.
        logs: What it logged, parsed, as it comes.
    """

    process: asyncio.subprocess.Process
    directory: Path
    host: str = ""
    internal: str = ""
    logs: list = field(default_factory=list)
    raw_logs: list = field(default_factory=list)

    @property
    def url(self):
        return f"ws://{self.host}/ws"

    @property
    def http(self):
        return f"http://{self.internal}"

    def socket(self, user="42", **options):
        """Connect a client as ``user`` of anonymous authentication."""
        headers = {"Authorization": f"Bearer {user}"}
        return connect(self.url, additional_headers=headers, **options)

    async def publish(self, payload, *subjects, **fields):
        """Publish over HTTP; return how many got it."""
        body = {"subjects": list(subjects) or ["user:42"], "payload": payload, **fields}
        return await self.post(json.dumps(body))

    async def post(self, body, path="/internal/publish", key=API_KEY):
        async with http_client() as client:
            answer = await client.post(self.http + path, content=body, headers={"X-Api-Key": key})
        answer.raise_for_status()
        return answer.json()["sent"]

    async def get(self, path, **options):
        async with http_client() as client:
            return await client.get(self.http + path, **options)

    async def metric(self, name, **labels):
        """Return the value of one sample of ``/metrics``, 0 where there is none."""
        text = (await self.get("/metrics")).text
        want = {f'{key}="{value}"' for key, value in labels.items()}
        for line in text.splitlines():
            sample, _, value = line.rpartition(" ")
            series, _, given = sample.partition("{")
            if series == name and want == set(filter(None, given.rstrip("}").split(","))):
                return float(value)
        return 0.0

    async def logged(self, event, seconds=10.0):
        """Wait for a log entry."""
        async with asyncio.timeout(seconds):
            while True:
                for entry in self.logs:
                    if entry.get("event") == event:
                        return entry
                await asyncio.sleep(0.01)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    async def exited(self, seconds=20.0):
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def read_logs(self):
        async for line in self.process.stderr:
            self.raw_logs.append(line.decode())
            try:
                self.logs.append(json.loads(line))
            except ValueError:
                self.logs.append({"event": line.decode().rstrip()})


def config_text(sections=""):
    """Return a small configuration; ``sections`` overrides whole sections."""
    defaults = {
        "server": 'server: {bind: "127.0.0.1:0"}',
        "auth": "auth: {anonymous: {}}",
        "transports": f"transports: {{http: {{api_keys: [{API_KEY}]}}}}",
        "logging": "logging: {format: json}",
    }
    named = {line.partition(":")[0] for line in sections.splitlines() if line[:1].isalpha()}
    return "\n".join([*(text for name, text in defaults.items() if name not in named), sections])


@asynccontextmanager
async def gateway(directory, sections="", *, environ=None, python=sys.executable, under=()):
    """Run a gateway with `config_text` of ``sections``; killed at the end if it still runs.

    ``under`` is a command that runs another one, such as ``("nice",)``.
    """
    path = Path(directory) / "gateway.yaml"
    path.write_text(config_text(sections), encoding="utf-8")
    started = await start(path, environ=environ, python=python, under=under)
    reading = asyncio.create_task(started.read_logs())
    try:
        serving = await _serving(started)
        started.host = serving["bind"]
        started.internal = serving["internal_bind"] or serving["bind"]
        yield started
    finally:
        if started.process.returncode is None:
            started.process.kill()
        await started.process.wait()
        await reading


async def start(path, *, environ=None, python=sys.executable, under=()):
    """Start ``gatewright serve`` on a file, in the file's directory."""
    process = await asyncio.create_subprocess_exec(
        *under,
        python,
        "-m",
        "gatewright",
        "serve",
        "-c",
        str(path),
        cwd=path.parent,
        env={**os.environ, "STATE_DIRECTORY": str(path.parent / "state"), **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    return GatewayProcess(process, path.parent)


async def _serving(started):
    ended = asyncio.create_task(started.process.wait())
    serving = asyncio.create_task(started.logged("serving", 30))
    await asyncio.wait({ended, serving}, return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        serving.cancel()
        await asyncio.sleep(0.1)
        raise AssertionError("the gateway ended:\n" + "".join(started.raw_logs))
    ended.cancel()
    return serving.result()
