"""What plugins are told of the core's own sections."""

from __future__ import annotations

from pathlib import Path

from gatewright.config.settings import CoreSettings
from gatewright.plugin.context import ServerInfo
from gatewright.wire.publication import PublicationLimits

__all__ = ["publication_limits", "server_info"]


def publication_limits(core: CoreSettings) -> PublicationLimits:
    """Return how large a publication may be."""
    return PublicationLimits(
        max_bytes=core.limits.publication_bytes, max_subjects=core.limits.publication_subjects
    )


def server_info(core: CoreSettings, state: Path, *, development: bool = False) -> ServerInfo:
    """Return the facts about the server, whose local state is in ``state``."""
    return ServerInfo(
        path=core.server.path,
        separate_internal=core.server.internal_bind is not None,
        development=development,
        state_directory=state,
    )
