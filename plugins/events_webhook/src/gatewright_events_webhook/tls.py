"""How the receiver's certificate is checked."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx

from gatewright import StartError

__all__ = ["UnusableAuthorities", "tls_context"]


class UnusableAuthorities(StartError):
    """The file named by ``ca_file`` cannot be used.

    Attributes:
        path: The file.
        problem: Why not.
    """

    def __init__(self, path: Path, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(path, problem)

    def __str__(self) -> str:
        return f"ca_file {self.path} cannot be used: {self.problem}"


def tls_context(*, verify: bool, ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that trusts ``ca_file`` alone, else the public authorities.

    Environment variables such as ``SSL_CERT_FILE`` have no say.

    Raises:
        UnusableAuthorities: ``ca_file`` cannot be read or holds no certificate.
    """
    if not verify or ca_file is None:
        return httpx.create_ssl_context(verify=verify, trust_env=False)
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise UnusableAuthorities(ca_file, "it holds no PEM certificate") from None
    except OSError as error:
        raise UnusableAuthorities(ca_file, (error.strerror or "unreadable").lower()) from None
