"""What ``gatewright doctor`` looks at for this transport: its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from gatewright import DiagnosisContext, Finding
from gatewright_transport_http.settings import HttpSettings

__all__ = ["diagnose"]

SHORTEST: Final = 16
WELL_KNOWN: Final = ("changeme", "password", "secret", "test", "tour", "example", "default")


async def diagnose(settings: HttpSettings, context: DiagnosisContext) -> AsyncIterator[Finding]:
    """Look at who may publish and who may ask."""
    yield _keys(settings, context)
    yield _presence(settings, context)


def _keys(settings: HttpSettings, context: DiagnosisContext) -> Finding:
    keys = [key.get_secret_value() for key in settings.api_keys]
    fix = f"openssl rand -hex 32, in {context.key}.api_keys"
    if not keys:
        found = "none: whoever reaches the port may publish and disconnect"
        return Finding.warning("keys", found, fix=fix)
    known = [number for number, key in enumerate(keys, 1) if key.lower().startswith(WELL_KNOWN)]
    if known:
        found = f"key {_listed(known)} of {len(keys)} is one that anybody would try"
        return Finding.warning("keys", found, fix=fix)
    short = [number for number, key in enumerate(keys, 1) if len(key) < SHORTEST]
    if short:
        found = f"key {_listed(short)} of {len(keys)} is shorter than {SHORTEST} characters"
        return Finding.warning("keys", found, fix=fix)
    return Finding.ok("keys", f"{len(keys)}, of {SHORTEST} characters or more")


def _presence(settings: HttpSettings, context: DiagnosisContext) -> Finding:
    required = settings.presence_requires_key
    if not settings.api_keys or required is False:
        needs_key = False
    else:
        needs_key = bool(required) or not context.server.separate_internal
    if needs_key:
        return Finding.ok("presence", "asking who is connected needs a key")
    if context.server.separate_internal:
        found = "asking who is connected needs no key, on the internal bind"
        return Finding.ok("presence", found)
    found = "asking who is connected needs no key, where clients connect"
    fix = f"list {context.key}.api_keys and set presence_requires_key: true"
    return Finding.warning("presence", found, fix=fix)


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
