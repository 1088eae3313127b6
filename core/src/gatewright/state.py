"""Where local state is kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["state_directory"]


def state_directory(environ: Mapping[str, str] | None = None) -> Path:
    """Return the directory for local state: ``$STATE_DIRECTORY``, else ``var`` where one stands.

    systemd may name several directories, separated by colons; the first counts.
    """
    environ = os.environ if environ is None else environ
    return Path(environ.get("STATE_DIRECTORY", "").split(":")[0] or "var")
