"""A checked configuration as it is, to be looked at: defaults filled in, secrets masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, SecretBytes, SecretStr

from gatewright.config.result import Config, Selected
from gatewright.plugin.spec import section_of

__all__ = ["as_yaml", "displayed"]

MASK: Final = "**********"


def displayed(config: Config) -> dict[str, Any]:
    """Return every section with every option, as JSON knows values; no secret is among them.

    Of a secret that is an address, the scheme and the host remain.
    """
    sections: dict[str, Any] = {
        name: _plain(getattr(config.core, name)) for name in type(config.core).model_fields
    }
    for kind, chosen in config.plugins.items():
        sections[section_of(kind)] = {each.name: _plain(each.settings) for each in chosen}
    return sections


def as_yaml(config: Config) -> str:
    """Return the same as YAML, with a remark where a plugin was not named by the file."""
    lines = [f"# {line}\n" for line in config.left_out]
    sections = displayed(config)
    defaults = {section_of(each.kind): each for each in _by_default(config)}
    for name, section in sections.items():
        if name in defaults:
            lines.append(f"# {defaults[name].name}: chosen by default\n")
        lines.append(yaml.safe_dump({name: section}, sort_keys=False, allow_unicode=True))
    return "".join(lines)


def _by_default(config: Config) -> Iterator[Selected]:
    return (each for chosen in config.plugins.values() for each in chosen if each.by_default)


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever settings hold
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, SecretStr | SecretBytes):
        return _masked(value.get_secret_value())
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence | frozenset | set) and not isinstance(value, str | bytes):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, int | float | str) else str(value)


def _masked(secret: str | bytes) -> str:
    if not secret or isinstance(secret, bytes):
        return MASK if secret else ""
    try:
        parts = urlsplit(secret)
        host = parts.hostname and f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    except ValueError:
        return MASK
    return f"{parts.scheme}://{MASK}@{host}/{MASK}" if parts.scheme and host else MASK
