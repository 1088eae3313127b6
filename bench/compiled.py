"""Programs in C, compiled on first use."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["CannotCompile", "compiled", "compiler"]


class CannotCompile(Exception):
    """The compiler refused a program, and said why."""


def compiler() -> str | None:
    """Return the path of the C compiler; None without one."""
    return shutil.which("cc")


def compiled(name: str, folder: Path, cc: str) -> Path:
    """Return the program made of all C files in ``folder``.

    It is kept in a folder of this user until its sources change.

    Raises:
        CannotCompile: The compiler refused it.
    """
    sources = sorted(folder.glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gatewright-bench"
    program = cache / f"{name}-{digest[:16]}"
    if program.exists():
        return program
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache, delete=False) as target:
        built = Path(target.name)
    done = subprocess.run(
        [cc, "-O2", "-o", built, *(source for source in sources if source.suffix == ".c")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        built.unlink()
        msg = f"cannot compile {name}: {done.stderr.strip()}"
        raise CannotCompile(msg)
    return built.replace(program)
