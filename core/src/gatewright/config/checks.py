"""Addresses, networks and origins as settings hold them: checked text."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network
from typing import Annotated, Final

from pydantic import AfterValidator

__all__ = ["Bind", "Network", "Origin"]

MAX_PORT: Final = 65_535
MAX_SOCKET_PATH_BYTES: Final = 107
MAX_HOST: Final = 253

_BIND: Final = "must be host:port, [v6]:port or unix:/path"
_HOST: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*")
_NUMERIC: Final = re.compile(r"[0-9.]+")
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def check_bind(text: str) -> str:
    """Return an address to serve on.

    Raises:
        ValueError: It is none; the text says what one looks like.
    """
    if text.startswith("unix:"):
        return _socket_path(text)
    host, colon, port = text.rpartition(":")
    if not (colon and port.isascii() and port.isdigit() and int(port[:6]) <= MAX_PORT):
        message = f"{_BIND}, with a port from 0 to {MAX_PORT}"
        raise ValueError(message)
    if not _is_host(host):
        raise ValueError(_BIND)
    return text


def check_network(text: str) -> str:
    """Return a network of trusted addresses.

    Raises:
        ValueError: It is neither an address nor a network, or has bits beyond its mask.
    """
    try:
        ip_network(text)
    except ValueError as error:
        wrong_bits = str(error).endswith("has host bits set")
        message = (
            f"must be a network whose address ends where its mask ends, such as {_masked(text)}"
            if wrong_bits
            else "must be an address or a network, such as 10.0.0.0/8 or fd00::/8"
        )
        raise ValueError(message) from None
    return text


def check_origin(text: str) -> str:
    """Return an origin, written as browsers send it.

    Raises:
        ValueError: No browser would ever send it.
    """
    if text == "*":
        message = "must name one origin; leave allowed_origins out to allow any"
        raise ValueError(message)
    if not _ORIGIN.fullmatch(text):
        message = (
            "must be an origin as browsers send it: scheme://host or scheme://host:port, in lower "
            "case, without a path"
        )
        raise ValueError(message)
    scheme, _, host = text.partition("://")
    default = _DEFAULT_PORTS.get(scheme)
    if default is not None and host.endswith(default):
        message = f"must leave out {default}, as browsers do for {scheme}"
        raise ValueError(message)
    return text


Bind = Annotated[str, AfterValidator(check_bind)]
Network = Annotated[str, AfterValidator(check_network)]
Origin = Annotated[str, AfterValidator(check_origin)]


def _socket_path(text: str) -> str:
    path = text.removeprefix("unix:")
    if not path or "\0" in path:
        raise ValueError(_BIND)
    if len(path.encode()) > MAX_SOCKET_PATH_BYTES:
        message = f"must have a path of at most {MAX_SOCKET_PATH_BYTES} bytes"
        raise ValueError(message)
    return text


def _is_host(host: str) -> bool:
    try:
        if host.startswith("[") and host.endswith("]"):
            IPv6Address(host[1:-1])
        elif _NUMERIC.fullmatch(host):
            IPv4Address(host)
        else:
            return len(host) <= MAX_HOST and _HOST.fullmatch(host) is not None
    except AddressValueError:
        return False
    return True


def _masked(text: str) -> str:
    return str(ip_network(text, strict=False))
