"""What ``gatewright dev`` runs on: credentials made on first start, and a configuration."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from gatewright.cli.errors import NotPossible
from gatewright.config.load import load_config
from gatewright.config.result import Config
from gatewright.errors import StartError
from gatewright.plugin.factory import Development
from gatewright.plugin.manager import PluginManager

__all__ = [
    "Authentication",
    "DevelopmentSetup",
    "NoKey",
    "StateUnusable",
    "api_key",
    "authentication",
    "existing_authentication",
    "set_up",
]

NAME: Final = "gatewright dev"
KEY_FILE: Final = "dev-api-key"

SIGNING_KEY: Final = Path("keys", "dev_private.pem")
"""Where the preferred plugin keeps its key, below the state directory."""

_PREFERRED: Final = "jwt"
_FALLBACK: Final = "anonymous"


class StateUnusable(StartError):
    """The state directory cannot be used."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.path, self.error = path, error
        super().__init__(path, error)

    def __str__(self) -> str:
        why = self.error.strerror or type(self.error).__name__
        return f"{self.path}: {why}; name another folder with --state-dir"


class NoKey(NotPossible):
    """No gateway was started for development here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(path)

    def __str__(self) -> str:
        return (
            f"{self.path}: no such key; start 'gatewright dev' once, which makes it, "
            "or name its folder with --state-dir"
        )


@dataclass(frozen=True, slots=True)
class Authentication:
    """How clients are told apart in development.

    Attributes:
        plugin: The plugin that does it.
        development: Its options, and how to make a token.
        key: The file with the key that signs tokens, or ``None`` without one.
    """

    plugin: str
    development: Development
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class DevelopmentSetup:
    """Everything ``gatewright dev`` needs to serve.

    Attributes:
        config: The whole configuration.
        authentication: Who makes tokens.
        state: The folder with the credentials.
        api_key: The key for publishing, or ``None`` without the HTTP transport.
    """

    config: Config
    authentication: Authentication
    state: Path
    api_key: str | None


def authentication(plugins: PluginManager, state: Path) -> Authentication:
    """Set up credentials below ``state``: tokens where they can be had, else plain names.

    Raises:
        OperatorError: The plugin or the folder cannot be used.
    """
    has_tokens = bool(plugins.catalogue.named("auth", _PREFERRED))
    name = _PREFERRED if has_tokens else _FALLBACK
    develop = plugins.load("auth", name).factory.develop
    if develop is None:
        return Authentication(name, Development({}, str))
    try:
        return Authentication(name, develop(state), state / SIGNING_KEY if has_tokens else None)
    except OSError as error:
        raise StateUnusable(state, error) from error


def existing_authentication(plugins: PluginManager, state: Path) -> Authentication:
    """Return what `authentication` set up below ``state`` earlier; makes no key.

    Raises:
        NoKey: It was not set up there.
        OperatorError: The plugin or the folder cannot be used.
    """
    key = state / SIGNING_KEY
    if plugins.catalogue.named("auth", _PREFERRED) and not key.exists():
        raise NoKey(key)
    return authentication(plugins, state)


def api_key(state: Path) -> str:
    """Return the key for publishing, made on first use; several may ask for it at once.

    Raises:
        StateUnusable: It can be neither read nor written.
    """
    file = state / KEY_FILE
    try:
        if not file.exists():
            _write_once(file, f"{secrets.token_urlsafe(24)}\n")
        return file.read_text().strip()
    except OSError as error:
        raise StateUnusable(file, error) from error


def set_up(bind: str, state: Path) -> DevelopmentSetup:
    """Make what is missing below ``state``, and the configuration that uses it.

    Raises:
        OperatorError: A plugin, the folder or the address cannot be used.
    """
    plugins = PluginManager()
    who = authentication(plugins, state)
    key = api_key(state) if plugins.catalogue.named("transport", "http") else None
    options = _verbatim(_options(bind, who, key))
    text = yaml.safe_dump(options, sort_keys=False, allow_unicode=True)
    config = load_config(text=text, environ={}, name=NAME, plugins=plugins)
    return DevelopmentSetup(config, who, state, key)


def _options(bind: str, who: Authentication, key: str | None) -> dict[str, Any]:
    transports = {} if key is None else {"http": {"api_keys": [key]}}
    host = bind.rpartition(":")[0].strip("[]")
    return {
        "server": {"bind": bind, "drain_seconds": 1, "flush_seconds": 1},
        "auth": {who.plugin: dict(who.development.options)},
        "transports": transports,
        "events": {"console": {}},
        "extensions": {"dev_console": {"hosts": [host] if host else []}},
    }


def _verbatim(value: Any) -> Any:  # noqa: ANN401 - a tree of YAML values
    """Return ``value`` with every text that reads like a variable marked as none."""
    if isinstance(value, Mapping):
        return {key: _verbatim(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_verbatim(item) for item in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def _write_once(file: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all; the first writer wins."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(text)
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        Path(draft).unlink()
