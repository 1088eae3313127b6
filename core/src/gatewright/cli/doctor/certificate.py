"""The certificate of ``server.tls``: judged by a handshake with itself, in memory."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from gatewright.config.settings import CoreSettings, TlsSettings
from gatewright.plugin.diagnosis import Finding

__all__ = ["look_at_certificate"]

CHECK: Final = "certificate"
SOON_DAYS: Final = 14
DAY: Final = 86_400.0
PARTIAL_CHAIN: Final = ssl.VERIFY_X509_PARTIAL_CHAIN
"""A certificate that is trusted itself needs no authority above it."""


async def look_at_certificate(core: CoreSettings) -> AsyncIterator[Finding]:
    """See whether certificate and key can be read, belong together, and for how long."""
    tls = core.server.tls
    if tls is not None:
        yield _judged(tls)


def _judged(tls: TlsSettings) -> Finding:
    for path in (tls.certificate, tls.key):
        if trouble := _unreadable(path):
            return Finding.error(CHECK, f"{path}: {trouble}", fix=f"ls -l {path}")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        server.load_cert_chain(tls.certificate, tls.key)
    except ssl.SSLError as error:
        return _unusable(tls, error)
    try:
        ends = _end_of(server, tls.certificate)
    except ssl.SSLCertVerificationError as error:
        found = f"{tls.certificate}: {error.verify_message}"
        return Finding.error(CHECK, found, fix=_renew(tls))
    days = int((ends - time.time()) // DAY)
    found = f"{tls.certificate} ends in {days} days"
    if days < SOON_DAYS:
        return Finding.warning(CHECK, found, fix=_renew(tls))
    return Finding.ok(CHECK, found)


def _unreadable(path: Path) -> str:
    try:
        with path.open("rb"):
            return ""
    except OSError as error:
        return (error.strerror or "cannot be read").lower()


def _unusable(tls: TlsSettings, error: ssl.SSLError) -> Finding:
    if error.reason == "KEY_VALUES_MISMATCH":
        found = f"{tls.key} is not the key of {tls.certificate}"
        fix = (
            f"openssl pkey -in {tls.key} -pubout; openssl x509 -in {tls.certificate} -noout -pubkey"
        )
        return Finding.error(CHECK, found, fix=f"compare: {fix}")
    found = f"{tls.certificate} and {tls.key} hold no usable PEM"
    return Finding.error(CHECK, found, fix=f"openssl x509 -in {tls.certificate} -noout -subject")


def _renew(tls: TlsSettings) -> str:
    return f"renew {tls.certificate}, then restart the gateway"


def _end_of(server: ssl.SSLContext, certificate: Path) -> float:
    """Return when the certificate ends, as a client sees it that trusts it.

    Raises:
        ssl.SSLCertVerificationError: It is not valid now, or not meant for servers.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= PARTIAL_CHAIN
    client.load_verify_locations(certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (ours, theirs, ours):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    described = ours.getpeercert() or {}
    return float(ssl.cert_time_to_seconds(str(described["notAfter"])))
