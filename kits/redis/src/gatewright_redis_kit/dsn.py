"""DSNs of every kind of Redis, taken apart without ever repeating them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

__all__ = ["BadDsn", "Dsn", "parse_dsn"]

Kind = Literal["single", "sentinel", "cluster"]

_REDIS_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_LAST_PORT: Final = 65535
_KINDS: Final[Mapping[str, tuple[Kind, bool]]] = {
    "redis": ("single", False),
    "rediss": ("single", True),
    "unix": ("single", False),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}
_FORMS: Final = (
    "redis://, rediss://, unix://, redis+sentinel://host,host/service or redis+cluster://host,host"
)


class BadDsn(ValueError):
    """A text is no DSN of a Redis; says why, and never what was given: it may hold a password."""


@dataclass(frozen=True, slots=True)
class Dsn:
    """A DSN's parts.

    Attributes:
        kind: One server, a service found through sentinels, or a cluster.
        hosts: Servers, sentinels or some of the cluster's nodes; none for a socket path.
        path: A Unix socket, or ``""``.
        service: What the sentinels call the service, or ``""``.
        db: The database.
        options: Arguments for the client: credentials, TLS.
        sentinel_options: Arguments for the clients that ask sentinels.
    """

    kind: Kind
    hosts: tuple[tuple[str, int], ...]
    path: str = ""
    service: str = ""
    db: int = 0
    options: Mapping[str, object] = field(default_factory=dict, repr=False)
    sentinel_options: Mapping[str, object] = field(default_factory=dict, repr=False)

    @property
    def shown(self) -> str:
        """The address without secrets."""
        if self.path:
            return f"{self.path} db {self.db}" if self.db else self.path
        hosts = ",".join(f"{_bracketed(host)}:{port}" for host, port in self.hosts)
        if self.kind == "cluster":
            return hosts
        return f"{hosts}/{self.service}/{self.db}" if self.service else f"{hosts}/{self.db}"


def parse_dsn(text: str) -> Dsn:
    """Take a DSN apart.

    Raises:
        BadDsn: It is none.
    """
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        msg = f"must be a Redis DSN: {_FORMS}"
        raise BadDsn(msg) from None
    if parts.scheme not in _KINDS:
        msg = f"must be a Redis DSN: {_FORMS}"
        raise BadDsn(msg)
    if parts.fragment:
        msg = "must not hold '#'; write it as %23 in a password"
        raise BadDsn(msg)
    kind, tls = _KINDS[parts.scheme]
    options = _options(parts.query, tls=tls)
    credentials, hosts = _authority(parts)
    sentinel_options = {
        name: options.pop(f"sentinel_{name}")
        for name in ("username", "password")
        if f"sentinel_{name}" in options
    }
    options |= credentials
    db = options.pop("db", None)
    if parts.scheme == "unix":
        return _socket(parts, db, options)
    port = _SENTINEL_PORT if kind == "sentinel" else _REDIS_PORT
    service, path_db = _path(parts.path, kind)
    return Dsn(
        kind,
        _hosts(hosts, port, several=kind != "single"),
        service=service,
        db=path_db if db is None else _database(db),
        options=options,
        sentinel_options=sentinel_options,
    )


def _authority(parts: SplitResult) -> tuple[dict[str, object], str]:
    user, _, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    found: dict[str, object] = {}
    if name:
        found["username"] = unquote(name)
    if password:
        found["password"] = unquote(password)
    if name and not password:
        msg = "has a user name without a password; a password alone is written ':password@'"
        raise BadDsn(msg)
    return found, hosts


def _hosts(text: str, default_port: int, *, several: bool) -> tuple[tuple[str, int], ...]:
    parts = [part for part in text.split(",") if part]
    if not several and len(parts) > 1:
        msg = "names several hosts; that takes redis+sentinel:// or redis+cluster://"
        raise BadDsn(msg)
    if not parts and several:
        msg = "names no host"
        raise BadDsn(msg)
    return tuple(_host(part, default_port) for part in parts or ["localhost"])


def _host(text: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        msg = f"has a port that is no number from 1 to {_LAST_PORT}, or a host that is none"
        raise BadDsn(msg) from None
    if port == 0:
        msg = f"has a port that is no number from 1 to {_LAST_PORT}"
        raise BadDsn(msg)
    return unquote(host or "localhost"), port or default_port


def _path(path: str, kind: Kind) -> tuple[str, int]:
    parts = [unquote(part) for part in path.split("/") if part]
    service = ""
    if kind == "sentinel":
        if not parts:
            msg = "names no service; write redis+sentinel://host,host/service"
            raise BadDsn(msg)
        service = parts.pop(0)
    if len(parts) > 1:
        msg = "has too many parts after the host; only the number of a database may stand there"
        raise BadDsn(msg)
    db = _database(parts[0]) if parts else 0
    if kind == "cluster" and db:
        msg = "names a database; a cluster only has number 0"
        raise BadDsn(msg)
    return service, db


def _socket(parts: SplitResult, db: object, options: Mapping[str, object]) -> Dsn:
    path = unquote(parts.path)
    if not path.strip("/"):
        msg = "names no socket; write unix:///path/to/socket?db=0"
        raise BadDsn(msg)
    return Dsn("single", (), path=path, db=0 if db is None else _database(db), options=options)


def _database(value: object) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        msg = "names a database that is no number"
        raise BadDsn(msg)
    return int(text)


def _options(query: str, *, tls: bool) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _OPTIONS:  # not repeated: with a '?' in a password, it is half of that
            msg = f"has an unknown option after '?'; known are {', '.join(_OPTIONS)}"
            raise BadDsn(msg)
        if name.startswith("ssl_") and not tls:
            msg = f"has {name}, which takes rediss://, rediss+sentinel:// or rediss+cluster://"
            raise BadDsn(msg)
        try:
            found[name] = _OPTIONS[name](value)
        except ValueError:
            msg = f"has an unusable value for {name}"
            raise BadDsn(msg) from None
    if tls:
        found["ssl"] = True
    return found


def _flag(value: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    try:
        return words[value.lower()]
    except KeyError:
        raise ValueError from None


def _requirement(value: str) -> str:
    if value not in {"required", "optional", "none"}:
        raise ValueError
    return value


_OPTIONS: Final[Mapping[str, Callable[[str], object]]] = {
    "client_name": str,
    "db": int,
    "password": str,
    "sentinel_password": str,
    "sentinel_username": str,
    "ssl_ca_certs": str,
    "ssl_cert_reqs": _requirement,
    "ssl_certfile": str,
    "ssl_check_hostname": _flag,
    "ssl_keyfile": str,
    "username": str,
}


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
