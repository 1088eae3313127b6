"""The TLS context that a DSN asks for, made before anything depends on it."""

from __future__ import annotations

import ssl

from gatewright import StartError
from gatewright_rabbitmq_kit.dsn import Dsn

__all__ = ["UnusableCertificates", "tls_context"]


class UnusableCertificates(StartError):
    """A certificate file named in a DSN cannot be used.

    Attributes:
        path: The file.
        problem: Why not.
    """

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(path, problem)

    def __str__(self) -> str:
        return f"certificate file {self.path} cannot be used: {self.problem}"


def tls_context(dsn: Dsn) -> ssl.SSLContext | None:
    """Read the files that the DSN names; ``None`` where it is not ``amqps``.

    Raises:
        UnusableCertificates: One cannot be read, or holds no certificate or key.
    """
    if not dsn.tls:
        return None
    query = dsn.url.query
    authorities = query.get("cafile") or None
    try:
        context = ssl.create_default_context(cafile=authorities, capath=query.get("capath") or None)
    except OSError as error:
        raise _unusable(authorities or "", error) from None
    own = query.get("certfile")
    if own:
        try:
            context.load_cert_chain(own, query.get("keyfile") or None)
        except OSError as error:
            raise _unusable(own, error) from None
    if query.get("no_verify_ssl", "0") != "0":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _unusable(path: str, error: OSError) -> UnusableCertificates:
    if isinstance(error, ssl.SSLError):
        return UnusableCertificates(path, "it holds no usable PEM")
    return UnusableCertificates(path, (error.strerror or "unreadable").lower())
