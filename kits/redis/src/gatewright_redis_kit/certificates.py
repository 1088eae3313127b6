"""Certificate files that a DSN names, read before anything depends on them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from gatewright import StartError

__all__ = ["UnusableCertificates", "check_certificates"]


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


def check_certificates(options: Mapping[str, object]) -> None:
    """Read the files that ``options`` name, as the client will.

    Raises:
        UnusableCertificates: One cannot be read, or holds no certificate or key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authorities = options.get("ssl_ca_certs")
    if authorities:
        with _Naming(str(authorities)):
            context.load_verify_locations(cafile=str(authorities))
    own = options.get("ssl_certfile")
    if own:
        key = options.get("ssl_keyfile")
        with _Naming(str(own)):
            context.load_cert_chain(str(own), str(key) if key else None)


class _Naming:
    """Turns whatever reading a file raises into an error that names it."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, ssl.SSLError):
            raise UnusableCertificates(self._path, "it holds no usable PEM") from None
        if isinstance(error, OSError):
            problem = (error.strerror or "unreadable").lower()
            raise UnusableCertificates(self._path, problem) from None
