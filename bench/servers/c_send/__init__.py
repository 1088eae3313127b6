"""One ``send()`` for each connection, in C: the floor under servers that do not coalesce."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bench.compiled import compiled, compiler
from bench.recipe import Recipe
from gatewright.testing.ports import free_port

__all__ = ["missing", "recipe"]

SOURCES: Final = Path(__file__).parent


def missing() -> str | None:
    """Return what has to be installed to compile it; None where it is there."""
    return None if compiler() else "needs a C compiler: apt-get install gcc libc6-dev"


def recipe(_folder: Path) -> Recipe:
    """Return the server, compiled if that was not done before.

    Raises:
        CannotCompile: The compiler refused it.
    """
    port = free_port()
    program = compiled("c-send", SOURCES, compiler() or "cc")
    return Recipe([str(program), str(port)], port, port)
