"""The addresses that the gateway will listen on, and who does so now."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from gatewright.config.settings import CoreSettings, ServerSettings
from gatewright.plugin.diagnosis import Finding

__all__ = ["look_at_addresses"]

ASK_SECONDS: Final = 2.0
UNIX: Final = "unix:"
ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - connected to, not bound


async def look_at_addresses(core: CoreSettings) -> AsyncIterator[Finding]:
    """See whether each address is free, or held by a gateway; and who can reach ``/internal``."""
    server = core.server
    for option, address in (("bind", server.bind), ("internal_bind", server.internal_bind)):
        if address is not None:
            tls = option == "bind" and server.tls is not None
            yield await asyncio.to_thread(_judged, server, option, address, tls=tls)
    yield _exposure(server)


def _judged(server: ServerSettings, option: str, address: str, *, tls: bool) -> Finding:
    option = f"server.{option}"
    trouble = _socket_trouble(address) if address.startswith(UNIX) else _port_trouble(address)
    if trouble is None:
        return Finding.ok(option, f"{address} is free")
    if not _is_taken(trouble):
        problem = (trouble.strerror or type(trouble).__name__).lower()
        found = f"{address} cannot be bound: {problem}"
        return Finding.error(option, found, fix=_mend(option, address, trouble))
    answer = _ready(address, tls=tls)
    if answer is None:
        found = f"{address} is taken by another program"
        return Finding.error(option, found, fix=_who(address))
    node = answer.get("node_id")
    if server.node_id is not None and node != server.node_id:
        found = f"{address} is held by a gateway that is another node, {node}"
        return Finding.error(option, found, fix=_who(address))
    return Finding.ok(option, f"{address} is held by a running gateway, node {node}")


def _port_trouble(address: str) -> OSError | None:
    host, port = _host_and_port(address)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def _socket_trouble(address: str) -> OSError | None:
    """Binding a path would leave a file there, so it is only looked at."""
    path = Path(address.removeprefix(UNIX))
    if not os.access(path.parent, os.W_OK | os.X_OK):
        code = errno.EACCES if path.parent.exists() else errno.ENOENT
        return OSError(code, os.strerror(code))
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ASK_SECONDS)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as error:
            return error
    return OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _is_taken(trouble: OSError) -> bool:
    return trouble.errno == errno.EADDRINUSE


def _ready(address: str, *, tls: bool) -> dict[str, Any] | None:
    """Ask whoever listens for ``/ready``; ``None``: it is no gateway."""
    connection = _connection(address, tls=tls)
    try:
        connection.request("GET", "/ready")
        answer = json.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return answer if isinstance(answer, dict) and {"phase", "node_id"} <= answer.keys() else None


def _connection(address: str, *, tls: bool) -> HTTPConnection:
    if address.startswith(UNIX):
        return _OverSocket(address.removeprefix(UNIX))
    host, port = _host_and_port(address)
    host = ANY.get(host, host)
    if not tls:
        return HTTPConnection(host, port, timeout=ASK_SECONDS)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is asked who it is
    return HTTPSConnection(host, port, timeout=ASK_SECONDS, context=context)


class _OverSocket(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ASK_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(ASK_SECONDS)
        self.sock.connect(self._path)


def _who(address: str) -> str:
    if address.startswith(UNIX):
        return f"ss -lxp | grep {address.removeprefix(UNIX)}"
    return f"ss -ltnp 'sport = :{address.rpartition(':')[2]}'"


def _mend(option: str, address: str, trouble: OSError) -> str:
    if address.startswith(UNIX):
        return f"ls -ld {Path(address.removeprefix(UNIX)).parent}"
    if trouble.errno == errno.EACCES:
        return "sudo sysctl net.ipv4.ip_unprivileged_port_start=80, or a port from 1024"
    return f"ip addr, and an address of this machine in {option}"


def _exposure(server: ServerSettings) -> Finding:
    """Tell who reaches ``/internal`` and ``/metrics``."""
    address = server.internal_bind or server.bind
    if _is_local(address):
        return Finding.ok(
            "internal", f"/internal and /metrics are on {address}, this machine alone"
        )
    if server.internal_bind is not None:
        return Finding.ok(
            "internal", f"/internal and /metrics are on {address}, apart from clients"
        )
    found = f"/internal and /metrics are on {address}, where clients connect"
    return Finding.warning("internal", found, fix="set server.internal_bind: 127.0.0.1:8181")


def _is_local(address: str) -> bool:
    if address.startswith(UNIX):
        return True
    host, _ = _host_and_port(address)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
