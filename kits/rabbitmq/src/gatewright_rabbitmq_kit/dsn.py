"""DSNs of a RabbitMQ, checked without ever repeating them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, SecretStr
from pydantic_core import PydanticCustomError
from yarl import URL

__all__ = ["AmqpDsn", "AmqpName", "BadDsn", "Dsn", "parse_dsn"]

_PORTS: Final = {"amqp": 5672, "amqps": 5671}
_LAST_PORT: Final = 65535
_FORM: Final = "amqp://user:password@host:5672/vhost"
_HEARTBEAT_SECONDS: Final = 10
_LONGEST_NAME: Final = 255
_NOT_A_DSN: Final = "amqp_dsn"
_NOT_A_NAME: Final = "amqp_name"


class BadDsn(ValueError):
    """A text is no DSN of a RabbitMQ; says why, and never what was given: it holds a password."""


@dataclass(frozen=True, slots=True)
class Dsn:
    """A DSN, ready for the client.

    Attributes:
        url: With port, virtual host and heartbeat. Holds the password: never to be shown.
        shown: The address without secrets, ``rabbitmq:5672/vhost``.
    """

    url: URL = field(repr=False)
    shown: str

    @property
    def tls(self) -> bool:
        """Whether it is ``amqps``."""
        return self.url.scheme == "amqps"


def parse_dsn(text: str) -> Dsn:
    """Check a DSN and fill in what it leaves out.

    With and without a last slash, the virtual host is ``/``. The heartbeat is 10 seconds unless
    the DSN says otherwise.

    Raises:
        BadDsn: It is none.
    """
    text = text.strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        message = f"must be an AMQP DSN like {_FORM} with a port from 1 to {_LAST_PORT}"
        raise BadDsn(message) from None
    if parts.scheme not in _PORTS:
        message = f"must be an AMQP DSN: {_FORM}, or amqps://"
        raise BadDsn(message)
    if parts.fragment:
        message = "must not hold '#'; write it as %23 in a password"
        raise BadDsn(message)
    if not host:
        message = f"names no host; write {_FORM}"
        raise BadDsn(message)
    if port == 0:
        message = f"has a port that is no number from 1 to {_LAST_PORT}"
        raise BadDsn(message)
    url = _url(text).with_port(port or _PORTS[parts.scheme])
    if not url.raw_path:
        url = url.with_path("/")
    if url.user is None:
        url = url.with_user("guest").with_password("guest")
    url = url.with_query(_options(parts.query))
    return Dsn(url, f"{_bracketed(host)}:{url.port}/{url.path[1:].removeprefix('/')}")


def _url(text: str) -> URL:
    try:
        return URL(text)
    except ValueError:
        message = f"must be an AMQP DSN like {_FORM}"
        raise BadDsn(message) from None


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query))
    beat = options.setdefault("heartbeat", str(_HEARTBEAT_SECONDS))
    if not (beat.isascii() and beat.isdigit()):
        message = "has an unusable value for heartbeat; it takes seconds"
        raise BadDsn(message)
    return options


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _usable(value: SecretStr) -> SecretStr:
    try:
        parse_dsn(value.get_secret_value())
    except BadDsn as error:
        raise PydanticCustomError(_NOT_A_DSN, "{what}", {"what": str(error)}) from None
    return value


def _fits(value: str) -> str:
    if not 1 <= len(value.encode()) <= _LONGEST_NAME:
        message = "must be 1 to 255 bytes long"
        raise PydanticCustomError(_NOT_A_NAME, message)
    return value


AmqpDsn = Annotated[SecretStr, AfterValidator(_usable)]
"""A secret setting that holds the DSN of a RabbitMQ."""

AmqpName = Annotated[str, AfterValidator(_fits)]
"""A setting that holds the name of an exchange or queue, or a routing key."""
