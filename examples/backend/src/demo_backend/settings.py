"""The settings of the example, all from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from demo_backend.tokens import SigningKeyUnusable, TokenIssuer
from gatewright_sdk import ConfigurationError, Settings

__all__ = ["BackendSettings"]

_BIND: Final = "127.0.0.1:9000"
_GATEWAY: Final = "ws://127.0.0.1:8180/ws"
_CLIENT: Final = Path(__file__).parents[4] / "clients" / "js" / "src"  # of the checkout


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSettings:
    """Everything that can be set.

    Attributes:
        sdk: How it speaks with the gateway: the names that begin with ``WS_``.
        bind: Where it listens, ``BACKEND_BIND``: ``host:port``; port 0 takes any.
        demo_key: What ``X-Demo-Key`` must say, ``DEMO_KEY``; None: nothing is asked.
        tokens: Signs tokens for the chat page with the key in ``DEMO_SIGNING_KEY_FILE``; None:
            no tokens are issued.
        gateways: The gateways' WebSockets as browsers reach them, ``DEMO_GATEWAY_URLS``.
        hosts: Host names that the chat page may be called by beside ``localhost`` and addresses,
            ``DEMO_HOSTS``.
        client: The folder with the browser client's modules, ``DEMO_CLIENT_DIR``, else that of
            the checkout; None where there is none, and no chat page.
    """

    sdk: Settings
    bind: tuple[str, int]
    demo_key: str | None = field(default=None, repr=False)
    tokens: TokenIssuer | None = None
    gateways: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    client: Path | None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> BackendSettings:
        """Read the environment; a name that is set to nothing counts as absent.

        Raises:
            ConfigurationError: Something is missing or wrong; a line for each problem.
        """
        source = os.environ if environ is None else environ
        given = {key: value for key, value in source.items() if value}
        problems: list[str] = []
        try:
            sdk = Settings.from_env(given)
        except ConfigurationError as error:
            problems += str(error).splitlines()
        bind = _bind(given.get("BACKEND_BIND", _BIND), problems)
        tokens = _tokens(given.get("DEMO_SIGNING_KEY_FILE"), problems)
        gateways = _gateways(given.get("DEMO_GATEWAY_URLS", _GATEWAY), problems)
        client = _client(given.get("DEMO_CLIENT_DIR"), problems)
        if problems:
            raise ConfigurationError("\n".join(problems))
        return cls(
            sdk=sdk,
            bind=bind,
            demo_key=given.get("DEMO_KEY"),
            tokens=tokens,
            gateways=gateways,
            hosts=tuple(_words(given.get("DEMO_HOSTS", ""))),
            client=client,
        )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _bind(text: str, problems: list[str]) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if colon and host and port.isascii() and port.isdigit() and int(port) < 2**16:
        return host.strip("[]"), int(port)
    problems.append(f"BACKEND_BIND: must be host:port, found {text!r}")
    return "", 0


def _tokens(file: str | None, problems: list[str]) -> TokenIssuer | None:
    if file is None:
        return None
    try:
        return TokenIssuer.from_file(Path(file))
    except SigningKeyUnusable as error:
        problems.append(f"DEMO_SIGNING_KEY_FILE: {error}")
        return None


def _gateways(text: str, problems: list[str]) -> tuple[str, ...]:
    addresses = tuple(_words(text))
    wrong = [address for address in addresses if not _is_websocket(address)]
    problems += [f"DEMO_GATEWAY_URLS: must be ws:// or wss://, found {one!r}" for one in wrong]
    if not addresses:
        problems.append("DEMO_GATEWAY_URLS: names no gateway")
    return addresses


def _is_websocket(address: str) -> bool:
    """Tell whether it is an address that is safe in a header, too."""
    if any(character in address for character in " ;,'\"\\"):
        return False
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.username is None


def _client(folder: str | None, problems: list[str]) -> Path | None:
    path = _CLIENT if folder is None else Path(folder)
    if (path / "index.js").is_file():
        return path
    if folder is not None:
        problems.append(f"DEMO_CLIENT_DIR: {path} has no index.js: name the client's folder")
    return None
