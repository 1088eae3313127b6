"""Whether sockets can be carried as the file says."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gatewright.config.settings import CoreSettings
from gatewright.plugin.diagnosis import Finding
from gatewright.server.drivers.choice import NotUsable
from gatewright.server.drivers.self_test import try_direct

__all__ = ["look_at_driver"]


async def look_at_driver(core: CoreSettings) -> AsyncIterator[Finding]:
    """Try the direct driver as the gateway will at its start."""
    setting = core.server.socket_driver
    if setting == "asgi":
        yield Finding.ok("socket driver", "asgi, as the file says")
        return
    try:
        await try_direct()
    except NotUsable as error:
        fix = "pip install --force-reinstall gatewright"
        if setting == "direct":
            yield Finding.error("socket driver", f"direct cannot be used: {error}", fix=fix)
        else:
            found = f"plain ASGI will carry the sockets: {error}"
            yield Finding.warning("socket driver", found, fix=fix)
    else:
        yield Finding.ok("socket driver", "direct, echoed a message to itself")
