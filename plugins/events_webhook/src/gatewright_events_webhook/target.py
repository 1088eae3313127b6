"""Where the webhook is: a URL taken apart into what is sent, what is shown and what is hidden."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Final, Self

import httpx
import yarl

__all__ = ["BadTarget", "Target"]

_UNREADABLE: Final = "it cannot be read"
_OTHER_SCHEME: Final = "it begins with another scheme, or with none"
_NO_HOST: Final = "it has no host"


class BadTarget(ValueError):
    """The URL cannot be posted to. Never repeats it, because it may hold a password.

    Attributes:
        problem: What is wrong with it.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)

    def __str__(self) -> str:
        return f"must be an http or https URL: {self.problem}"


@dataclass(frozen=True, slots=True)
class Target:
    """A receiver of webhooks.

    Attributes:
        url: What is requested, without user name and password; its query may be secret.
        shown: Scheme, host and port: what logs and health may show.
        authorization: The ``Authorization`` header made of the URL's user name and password, or
            ``None`` where it has none.
    """

    url: httpx.URL = field(repr=False)
    shown: str
    authorization: str | None = field(default=None, repr=False)

    @property
    def is_https(self) -> bool:
        """Whether requests are encrypted."""
        return self.url.scheme == "https"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take the URL apart.

        Raises:
            BadTarget: It is not absolute, has another scheme or no host, or cannot be read.
        """
        try:
            url = httpx.URL(text.strip())
            yarl.URL(str(url))  # aiohttp reads it once more, and is stricter about ports
        except (httpx.InvalidURL, ValueError):
            raise BadTarget(_UNREADABLE) from None
        if url.scheme not in {"http", "https"}:
            raise BadTarget(_OTHER_SCHEME)
        if not url.host:
            raise BadTarget(_NO_HOST)
        if not _is_usable_host(url):
            raise BadTarget(_UNREADABLE)
        bare = url.copy_with(userinfo=b"", fragment=None)
        return cls(bare, f"{bare.scheme}://{bare.netloc.decode()}", _basic(url))


def _is_usable_host(url: httpx.URL) -> bool:
    if b"%" in url.netloc:  # httpx escapes what a host cannot hold, such as a space
        return False
    if url.host.replace(".", "").isdigit():  # aiohttp takes numbers only as a full address
        try:
            IPv4Address(url.host)
        except ValueError:
            return False
    return True


def _basic(url: httpx.URL) -> str | None:
    if not url.userinfo:
        return None
    return "Basic " + b64encode(f"{url.username}:{url.password}".encode()).decode()
