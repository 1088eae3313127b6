"""What ``gatewright doctor`` looks at for this authentication: the keys, and the issuer's clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx

from gatewright import DiagnosisContext, Finding
from gatewright_auth_jwt.jwks_endpoint import HEADERS, TIMEOUT_SECONDS, FetchFailed, JwksEndpoint
from gatewright_auth_jwt.key_text import key_set_from_text, secret_weakness
from gatewright_auth_jwt.keys import KeySet, UnusableKey
from gatewright_auth_jwt.settings import JwtSettings

__all__ = ["diagnose"]

KEYS: Final = "keys"
SKEW_SECONDS: Final = 2.0
SLOW_SECONDS: Final = TIMEOUT_SECONDS / 2
OPEN_TO_ALL: Final = 0o004


async def diagnose(settings: JwtSettings, context: DiagnosisContext) -> AsyncIterator[Finding]:
    """Look at what tokens would be checked with."""
    if settings.jwks_url is not None:
        async for finding in _fetched(settings, settings.jwks_url, context):
            yield finding
        return
    path = settings.public_key_file
    if path is not None and (settings.public_key is None or path.exists()):
        yield _in_file(path, settings, context)
        if _is_secret(settings) and path.exists() and path.stat().st_mode & OPEN_TO_ALL:
            found = f"everybody on this machine may read the secret in {path}"
            yield Finding.warning("key file", found, fix=f"chmod o-r {path}")
        return
    text = settings.public_key.get_secret_value() if settings.public_key else ""
    yield _in_text(text, "public_key", f"{context.key}.public_key", settings)


async def _fetched(
    settings: JwtSettings, url: str, context: DiagnosisContext
) -> AsyncIterator[Finding]:
    endpoint = JwksEndpoint(url, settings.algorithms)
    began = context.clock.monotonic()
    try:
        keys = await endpoint.fetch()
    except FetchFailed as failure:
        found = f"{endpoint.host}: {failure}"
        yield Finding.error("key set", found, fix=_fetch_fix(failure.why, endpoint, context))
        return
    took = context.clock.monotonic() - began
    if took > SLOW_SECONDS:
        found = f"{endpoint.host} took {took:.1f} s; after {TIMEOUT_SECONDS:g} s it is given up"
        yield Finding.warning(
            "key set", found, fix=f"curl -sS -o /dev/null -w '%{{time_total}}' {url}"
        )
    else:
        yield Finding.ok("key set", f"{endpoint.host} answered in {took * 1000:.0f} ms")
    yield _usable(keys, settings, context)
    offset = await _ahead(url, context)
    if offset is not None:
        yield _clock(offset, endpoint.host, settings)


def _fetch_fix(why: str, endpoint: JwksEndpoint, context: DiagnosisContext) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in why:
        return "export SSL_CERT_FILE=/path/of/its/authority.pem, for the gateway too"
    if why.startswith("the answer has no usable key"):
        return f"name the algorithms of its keys in {context.key}.algorithms"
    if why.startswith("status"):
        return f"mend the path in {context.key}.jwks_url"
    return f"curl -v {endpoint.host}, or another {context.key}.jwks_url"


def _usable(keys: KeySet, settings: JwtSettings, context: DiagnosisContext) -> Finding:
    found = f"{len(keys.bound)} usable, for {', '.join(keys.algorithms)}"
    missing = [name for name in settings.algorithms if name not in keys.algorithms]
    if missing:
        found += f"; none for {', '.join(missing)}"
        fix = f"take {', '.join(missing)} out of {context.key}.algorithms, or publish such a key"
        return Finding.warning(KEYS, found, fix=fix)
    return Finding.ok(KEYS, found)


async def _ahead(url: str, context: DiagnosisContext) -> float | None:
    """Return how many seconds the issuer's ``Date`` is ahead; ``None``: it tells none."""
    try:
        async with (
            httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_SECONDS, headers=HEADERS) as client,
            client.stream("GET", url) as response,
        ):
            now = context.clock.time()
            return parsedate_to_datetime(response.headers["date"]).timestamp() - now
    except (httpx.HTTPError, KeyError, ValueError):
        return None


def _clock(offset: float, host: str, settings: JwtSettings) -> Finding:
    if abs(offset) <= max(SKEW_SECONDS, settings.leeway):
        return Finding.ok("clock", f"the clock of {host} agrees with this machine's")
    side = "ahead of" if offset > 0 else "behind"
    found = f"the clock of {host} is {abs(offset):.0f} s {side} this machine's"
    return Finding.warning("clock", found, fix="timedatectl set-ntp true, on both machines")


def _in_file(path: Path, settings: JwtSettings, context: DiagnosisContext) -> Finding:
    try:
        text = path.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        found = f"{path} cannot be read: {(error.strerror or '').lower()}"
        return Finding.error("key file", found, fix=f"ls -l {path}")
    except UnicodeDecodeError:
        return Finding.error("key file", f"{path} is not text", fix=f"file {path}")
    return _in_text(text, str(path), f"{context.key}.algorithms", settings)


def _in_text(text: str, name: str, option: str, settings: JwtSettings) -> Finding:
    try:
        keys = key_set_from_text(text, settings.algorithms)
    except UnusableKey as error:
        return Finding.error(
            KEYS, f"{name} {error}", fix=f"put a public key there that fits, or mend {option}"
        )
    weakness = secret_weakness(text, settings.algorithms)
    if weakness:
        fix = "openssl rand -base64 64, here and where tokens are signed"
        return Finding.warning(KEYS, f"{name}: {weakness}", fix=fix)
    return Finding.ok(KEYS, f"{name} serves {', '.join(keys.algorithms)}")


def _is_secret(settings: JwtSettings) -> bool:
    return settings.algorithms[0].startswith("HS")
