"""The socket drivers as a gateway's configuration wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewright.server.drivers.asgi import AsgiDriver
from gatewright.server.drivers.choice import Drivers
from gatewright.server.drivers.direct import DirectDriver
from gatewright.server.drivers.direct_socket import Terms
from gatewright.server.keepalive import Keepalive
from gatewright.wire.deflate import Deflate

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from gatewright.config.settings import CoreSettings
    from gatewright.metrics import Metrics
    from gatewright.wheel import TimerWheel

__all__ = ["drivers_for"]


def drivers_for(
    core: CoreSettings,
    *,
    wheel: TimerWheel,
    settle: Callable[[], None],
    release: Callable[[str], None],
    metrics: Metrics,
    log: FilteringBoundLogger,
) -> Drivers:
    """Return both drivers, and the choice between them.

    Args:
        core: The core's settings.
        wheel: Times keepalive.
        settle: Writes what was published and is not written yet.
        release: Called with the place of each socket that is over.
        metrics: Counts sockets, and slow consumers that were closed.
        log: Hears when the direct driver is out of use.
    """
    limits, keepalive, deflate = core.limits, core.keepalive, core.server.permessage_deflate
    watch = Keepalive(wheel, interval=keepalive.interval_seconds, timeout=keepalive.timeout_seconds)
    on_slow = metrics.slow_closes.inc
    terms = Terms(
        message_bytes=limits.message_bytes,
        send_buffer_bytes=limits.send_buffer_bytes,
        keepalive=watch,
        settle=settle,
        on_slow=on_slow,
        release=release,
    )
    return Drivers(
        core.server.socket_driver,
        asgi=AsgiDriver(limits.send_buffer_bytes, watch, on_slow, release),
        direct=DirectDriver(
            terms, None if deflate is None else Deflate(deflate.level, deflate.min_bytes)
        ),
        opened=metrics.sockets,
        log=log,
    )
