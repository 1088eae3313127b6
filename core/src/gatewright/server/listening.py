"""A gateway's binds, and what is served on each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gatewright.server.binding import Bound, bind
from gatewright.server.hypercorn.runner import Listener, hypercorn_config

if TYPE_CHECKING:
    from gatewright.config.settings import CoreSettings, ServerSettings
    from gatewright.server.gateway import Gateway

__all__ = ["bind_all", "listeners"]


def bind_all(server: ServerSettings) -> Iterator[Bound]:
    """Bind ``bind``, then ``internal_bind`` where there is one; each is the caller's to close.

    Raises:
        CannotBind: An address is taken, not ours, or not allowed.
    """
    yield bind("server.bind", server.bind)
    if server.internal_bind is not None:
        yield bind("server.internal_bind", server.internal_bind)


def listeners(gateway: Gateway, core: CoreSettings, bounds: Sequence[Bound]) -> list[Listener]:
    """Return what is served on the sockets of `bind_all`; the internal bind stays plain.

    Raises:
        StartError: The certificate or the key cannot be used.
    """
    limits, tls = core.limits, core.server.tls
    found = [Listener(bounds[0], gateway.public, hypercorn_config(limits, tls))]
    if gateway.internal is not None:
        found.append(Listener(bounds[1], gateway.internal, hypercorn_config(limits)))
    return found
