"""What an operator may type about a DSN; never with a password."""

from __future__ import annotations

import re
from collections.abc import Iterable
from shlex import quote

from gatewright_rabbitmq_kit.dsn import Dsn

__all__ = ["permit", "user_of", "vhost_of"]


def user_of(dsn: Dsn) -> str:
    """Return who logs in."""
    return dsn.url.user or "guest"


def vhost_of(dsn: Dsn) -> str:
    """Return the virtual host."""
    return dsn.url.path[1:] or "/"


def permit(dsn: Dsn, names: Iterable[str]) -> str:
    """Return what grants all three rights on ``names``."""
    pattern = "|".join(re.escape(name or "amq.default") for name in sorted(names))
    words = quote(f"^({pattern})$")
    user, vhost = quote(user_of(dsn)), quote(vhost_of(dsn))
    return (
        f"rabbitmqctl list_user_permissions {user}, and add to them: "
        f"rabbitmqctl set_permissions -p {vhost} {user} {words} {words} {words}"
    )
