"""The proxies of deploy/, started as they are shipped, before gateways on this machine."""

from __future__ import annotations

import asyncio
import getpass
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.support.certificates import Certificates
from tests.support.markdown import ROOT
from websockets.asyncio.client import connect

from gatewright.testing.ports import free_port

DEPLOY = ROOT / "deploy"
SHIPPED = ("10.0.0.11:8000", "10.0.0.12:8000")
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass
class Proxy:
    """A running proxy.

    Attributes:
        address: Its ``host:port``; TLS alone.
        authority: The certificate that signed its own.
        folder: Where its logs are.
    """

    name: str
    process: asyncio.subprocess.Process
    address: str
    authority: Path
    folder: Path

    def tls(self):
        """Return a client's context that trusts the proxy's certificate."""
        return ssl.create_default_context(cafile=self.authority)

    def socket(self, user="42", *, query="", headers=None, **options):
        """Connect a client through the proxy; without pings of its own."""
        headers = headers or ({} if query else {"Authorization": f"Bearer {user}"})
        options = {
            "additional_headers": headers,
            "ping_interval": None,
            "ssl": self.tls(),
        } | options
        return connect(f"wss://{self.address}/ws{query}", **options)

    def client(self):
        """Return a client for HTTP."""
        return httpx.AsyncClient(trust_env=False, verify=self.tls(), timeout=30)

    def logs(self):
        """Return all that it wrote, its access log and its errors."""
        return "".join(file.read_text() for file in self.folder.glob("*.log"))

    async def logged(self, text, seconds=20.0):
        """Wait until a text is in one of its logs."""
        async with asyncio.timeout(seconds):
            while text not in (logs := self.logs()):
                await asyncio.sleep(0.02)
        return logs

    async def answers(self, seconds=20.0):
        """Wait until a request for the WebSocket's path comes through to a gateway."""
        async with self.client() as client, asyncio.timeout(seconds):
            while True:
                try:
                    answer = await client.get(f"https://{self.address}/ws")
                except httpx.TransportError:
                    assert self.process.returncode is None, self.logs()
                else:
                    if answer.status_code == 426:
                        return
                await asyncio.sleep(0.05)


def changed(file, changes):
    """Return a shipped file's text with what an operator changes; all of it must be there."""
    text = (DEPLOY / file).read_text()
    for old, new in changes.items():
        assert old in text, f"{file} has no {old!r}"
        text = text.replace(old, str(new))
    return text


def nodes(hosts):
    """Return the changes that put gateways in place of those of the files; one stands for both."""
    return dict(zip(SHIPPED, [hosts[0], hosts[-1]], strict=True))


def nginx(folder, port, hosts, certificate):
    """Write the files of an nginx; return its command."""
    shipped = changed(
        "nginx/gateway.conf",
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "/etc/gatewright/tls/fullchain.pem": certificate,
            "/etc/gatewright/tls/privkey.pem": certificate,
            "/var/log/nginx/": f"{folder}/",
            **nodes(hosts),
        },
    )
    (folder / "gateway.conf").write_text(shipped)
    whole = [
        "daemon off;",
        "user root;" if getpass.getuser() == "root" else "",
        f"pid {folder}/nginx.pid;",
        "error_log stderr crit;",
        "events {}",
        "http {",
        *(f"{kind}_temp_path {folder}/{kind};" for kind in TEMPORARY),
        f"include {folder}/gateway.conf;",
        "}",
    ]
    (folder / "nginx.conf").write_text("\n".join(whole))
    return "nginx", "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")


def haproxy(folder, port, hosts, certificate):
    """Write the file of an HAProxy; return its command."""
    shipped = changed(
        "haproxy/haproxy.cfg",
        {
            "bind :443 ": f"bind 127.0.0.1:{port} ",
            "/etc/gatewright/tls/gateway.pem": certificate,
            **nodes(hosts),
        },
    )
    (folder / "haproxy.cfg").write_text(shipped)
    return "haproxy", "-db", "-f", str(folder / "haproxy.cfg")


@asynccontextmanager
async def proxy(folder, command, *hosts):
    """Run `nginx` or `haproxy` before gateways, by their ``host:port``; it answers already."""
    folder = folder / command.__name__
    folder.mkdir()
    certificates = Certificates.make(folder)
    port = free_port()
    words = command(folder, port, hosts, certificates.server)
    with (folder / "process.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*words, stdout=log, stderr=log)
    started = Proxy(command.__name__, process, f"127.0.0.1:{port}", certificates.authority, folder)
    try:
        await started.answers()
        yield started
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
