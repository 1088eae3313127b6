"""What the core needs of the machine and of itself."""

from __future__ import annotations

import os
import platform
import resource
import shutil
from collections.abc import AsyncIterator
from importlib import metadata
from pathlib import Path
from typing import Final

from gatewright.config.settings import CoreSettings
from gatewright.plugin.diagnosis import Finding
from gatewright.server.caps import SPARE_DESCRIPTORS, room_for_sockets
from gatewright.state import state_directory

__all__ = [
    "look_at_keepalive",
    "look_at_node_id",
    "look_at_open_files",
    "look_at_python",
    "look_at_state_directory",
]

FEW_CLIENTS: Final = 4096
PROXY_SECONDS: Final = 60.0
LITTLE_SPACE: Final = 100 * 1024 * 1024
MIB: Final = 1024 * 1024


async def look_at_python(_core: CoreSettings) -> AsyncIterator[Finding]:
    """Tell the interpreter and the event loop that will serve."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    try:
        found = f"{python} with uvloop {metadata.version('uvloop')}"
    except metadata.PackageNotFoundError:
        found = f"{python} without uvloop, which serves more with the same CPU"
        yield Finding.warning("python", found, fix="pip install 'gatewright[uvloop]'")
    else:
        yield Finding.ok("python", found)


async def look_at_open_files(core: CoreSettings) -> AsyncIterator[Finding]:
    """Compare the limit of open files with the connections that are wanted.

    The gateway raises the soft limit to the hard one itself, so the hard one counts.
    """
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = core.limits.connections
    if hard == resource.RLIM_INFINITY:
        yield Finding.ok("open files", "no limit")
        return
    room = room_for_sockets(hard)
    found = f"the hard limit of this shell is {hard}: room for {room} connections"
    if wanted is not None and wanted > room:
        needed = wanted + SPARE_DESCRIPTORS
        found += f", and limits.connections is {wanted}"
        yield Finding.error("open files", found, fix=_raise_files(needed))
    elif wanted is None and room < FEW_CLIENTS:
        yield Finding.warning("open files", found, fix=_raise_files(65_536))
    else:
        yield Finding.ok("open files", found)


async def look_at_keepalive(core: CoreSettings) -> AsyncIterator[Finding]:
    """Compare the pings with what proxies wait for a silent connection by default."""
    interval = core.keepalive.interval_seconds
    fix = "set keepalive.interval_seconds: 25"
    if not interval:
        found = "no pings: clients that went away silently are never noticed"
        yield Finding.warning("keepalive", found, fix=fix)
    elif interval >= PROXY_SECONDS:
        found = (
            f"a ping every {interval:g} s; nginx and AWS load balancers end connections "
            f"silent for {PROXY_SECONDS:g} s"
        )
        yield Finding.warning("keepalive", found, fix=fix)
    else:
        yield Finding.ok("keepalive", f"a ping every {interval:g} s")


async def look_at_node_id(core: CoreSettings) -> AsyncIterator[Finding]:
    """Tell where this node's name comes from."""
    named = core.server.node_id
    yield Finding.ok(
        "node id", f"{named}, from the file" if named else "made of the host's name at each start"
    )


async def look_at_state_directory(_core: CoreSettings) -> AsyncIterator[Finding]:
    """See whether local state can be written, and whether there is room for it."""
    directory = state_directory().absolute()
    place = _existing(directory)
    if not os.access(place, os.W_OK | os.X_OK):
        found = f"{directory} cannot be written by {_user()}"
        fix = f"sudo install -d -o {_user()} {directory}"
        yield Finding.error("state directory", found, fix=fix)
        return
    free = shutil.disk_usage(place).free
    found = f"{directory}{'' if place == directory else ', to be made'}, {free // MIB} MiB free"
    if free < LITTLE_SPACE:
        fix = f"df -h {place} and make room: dead letters are kept there"
        yield Finding.warning("state directory", found, fix=fix)
    else:
        yield Finding.ok("state directory", found)


def _existing(path: Path) -> Path:
    """Return the part of a path that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _raise_files(number: int) -> str:
    return f"LimitNOFILE={number} in the systemd unit, or: ulimit -n {number}"


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
