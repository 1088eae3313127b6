"""Why there was no answer, in words that hold no URL and no secret."""

from __future__ import annotations

import errno
import os
import ssl
from typing import Final

import aiohttp
import httpx

__all__ = ["DeniedAddress", "NoAnswer", "TimedOut", "describe"]


class NoAnswer(Exception):
    """The receiver gave no complete answer to a request.

    Attributes:
        error: Why, such as ``connect refused``; safe for logs and dead letters.
    """

    def __init__(self, error: str) -> None:
        self.error = error
        super().__init__(error)


class TimedOut(NoAnswer):
    """The answer was not complete in time.

    Attributes:
        seconds: How long that is.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"timed out after {seconds:g} s")


class DeniedAddress(PermissionError):
    """The receiver's name resolved to an address in a denied network."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, "address in a denied network")


def describe(error: BaseException) -> str:
    """Say in a few words what went wrong, going by what lies below httpx's own exceptions."""
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    if isinstance(cause, aiohttp.ClientConnectorError):
        return _connecting(cause)
    for kinds, words in _WORDS:
        if isinstance(cause, kinds):
            return words
    if isinstance(cause, OSError) and cause.errno in _RESET:
        return "connection reset"
    return f"request failed: {_of_system(cause)}"


_WORDS: Final[tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...]] = (
    (aiohttp.ServerDisconnectedError, "connection closed without an answer"),
    ((aiohttp.ClientPayloadError, httpx.ReadError), "answer cut short"),
    (aiohttp.ClientResponseError, "answer is not HTTP"),
)

_RESET: Final = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})


def _connecting(error: aiohttp.ClientConnectorError) -> str:
    below = error.os_error
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"certificate not accepted: {_of_verification(error.certificate_error)}"
        case aiohttp.ClientSSLError():
            return f"TLS failed: {_of_tls(below)}"
        case aiohttp.ClientConnectorDNSError():
            return "host not found"
    if below.errno == errno.ECONNREFUSED:
        return "connect refused"
    return f"connect failed: {_of_system(below)}"


def _of_verification(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    return type(error).__name__


def _of_tls(error: OSError) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    return reason.replace("_", " ").lower() if reason else "handshake ended early"


def _of_system(error: BaseException) -> str:
    if isinstance(error, DeniedAddress):
        return str(error.strerror)
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return type(error).__name__
