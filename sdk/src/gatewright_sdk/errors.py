"""What can go wrong, as one small family of exceptions.

No text of these holds an API key, a webhook secret, or the password of an address.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "ConfigurationError",
    "GatewrightError",
    "InvalidEvent",
    "InvalidPublication",
    "MissingExtra",
    "Refused",
    "Unavailable",
    "needing",
]


class GatewrightError(Exception):
    """The base of everything that this package raises on purpose."""


class ConfigurationError(GatewrightError, ValueError):
    """A setting is missing or wrong; names the setting, what was found, and what is expected."""


class MissingExtra(ConfigurationError, ImportError):
    """A part needs a library that is not installed."""

    def __init__(self, part: str, extra: str) -> None:
        super().__init__(f"{part} needs a library: pip install 'gatewright-sdk[{extra}]'")


@contextmanager
def needing(part: str, extra: str) -> Iterator[None]:
    """Import a part's library within: where it is not installed, that is told.

    Raises:
        MissingExtra: It is not.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(part, extra) from error


class Unavailable(GatewrightError):
    """The gateway or broker did not answer, or asked for patience: the same call may work later.

    Attributes:
        retry_after: How many seconds it asked to wait; None where it did not say.
        published: Of several publications, how many were accepted, from the first. The rest may
            have been accepted too, where no answer came.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, published: int = 0
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.published = published


class Refused(GatewrightError):
    """The gateway or broker will not take this call as it is: repeating it changes nothing."""


class InvalidPublication(GatewrightError, ValueError):
    """A publication cannot be written as JSON; says what is wrong with it."""


class InvalidEvent(GatewrightError, ValueError):
    """What arrived is no event of a gateway; says what is wrong with it."""
