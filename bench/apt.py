"""Installs a system package that a peer needs, where that may be done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["install"]

_POLICY: Final = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program whether a service may be started; 101 is no."""

_OPTIONS: Final = ["-q", "-o", "DPkg::Lock::Timeout=300"]


def install(*packages: str) -> bool:
    """Install packages with apt-get, starting no service; return whether that was done.

    Nothing is done without apt-get, or by anybody but root.
    """
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    print(f"installing {' '.join(packages)} …", file=sys.stderr, flush=True)
    with _no_services():
        return _apt("update") and _apt("install", "-y", "--no-install-recommends", *packages)


def _apt(*words: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", *_OPTIONS, *words]
    return (
        subprocess.run(command, capture_output=True, check=False, env=environment).returncode == 0
    )


@contextmanager
def _no_services() -> Iterator[None]:
    if _POLICY.exists():  # whoever put it there has decided
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
