"""``redis-cli`` for the server that a DSN names, as it can be typed; never with a password."""

from __future__ import annotations

from shlex import quote
from typing import Final

from gatewright_redis_kit.dsn import Dsn

__all__ = ["Terminal"]

DEFAULT_USER: Final = "default"
_TLS: Final = {
    "ssl_ca_certs": "--cacert",
    "ssl_certfile": "--cert",
    "ssl_keyfile": "--key",
}


class Terminal:
    """Writes commands for an operator.

    Attributes:
        user: Who logs in.
    """

    def __init__(self, dsn: Dsn) -> None:
        self.user = str(dsn.options.get("username", DEFAULT_USER))
        self._server = _address(dsn) + _security(dsn)
        self._login = ["--user", self.user, "--askpass"] if "password" in dsn.options else []
        self._database = ["-n", str(dsn.db)] if dsn.db else []

    def line(self, *command: str) -> str:
        """Return a command line that does as the plugin does."""
        words = (*self._server, *self._login, *self._database, *command)
        return " ".join(["redis-cli", *map(quote, words)])

    def admin(self, *command: str) -> str:
        """Return one for what only administrators may do, who log in as themselves."""
        login = self._login if self.user == DEFAULT_USER else []
        return " ".join(["redis-cli", *map(quote, (*self._server, *login, *command))])


def _address(dsn: Dsn) -> list[str]:
    if dsn.path:
        return ["-s", dsn.path]
    host, port = dsn.hosts[0]
    return ["-h", host, "-p", str(port), *(["-c"] if dsn.kind == "cluster" else [])]


def _security(dsn: Dsn) -> list[str]:
    if not dsn.options.get("ssl"):
        return []
    files = [
        word
        for name, option in _TLS.items()
        if name in dsn.options
        for word in (option, str(dsn.options[name]))
    ]
    return ["--tls", *files]
