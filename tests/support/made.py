"""Plugins written to a folder that a gateway process finds on its path, without installing them."""

from __future__ import annotations

import asyncio
import os
import sys
from textwrap import dedent

HEAD = """
import asyncio, os, time
from contextlib import asynccontextmanager
from gatewright import *
from gatewright import Factory, NoSettings, hookimpl

GATEWRIGHT_API = (1, 0)

"""


class MadePlugins:
    """A folder of made-up distributions."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    @property
    def environ(self):
        """What lets a process find them."""
        return {"PYTHONPATH": str(self.folder)}

    def module(self, name, source):
        """Write a module, exactly as given."""
        (self.folder / f"{name}.py").write_text(dedent(source), encoding="utf-8")

    def distribution(self, name, kind, module):
        """Write the metadata of a distribution whose one entry point bears its name."""
        info = self.folder / f"acme_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[gatewright.{kind}]\n{name} = {module}\n")

    def plugin(self, kind, name, backend, opening="yield Backend()", settings="NoSettings"):
        """Write a whole plugin.

        Args:
            kind: Its kind.
            name: Its name.
            backend: Source with a class ``Backend``.
            opening: The body of its ``open``.
            settings: The name of its settings' class.
        """
        hook = f"""
@asynccontextmanager
async def _open(settings, context):
    {opening}

@hookimpl
def gatewright_{kind}():
    return Factory(settings={settings}, open=_open, summary="made")
"""
        source = HEAD + dedent(backend) + hook
        (self.folder / f"made_{name}.py").write_text(source, encoding="utf-8")
        self.distribution(name, kind, f"made_{name}")


async def ended(directory, text, made=None, *, command="serve"):
    """Run a gateway that cannot start; return its exit code and what it printed."""
    path = directory / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    arguments = ["serve", "-c"] if command == "serve" else ["config", "check", "-c"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gatewright",
        *arguments,
        str(path),
        cwd=directory,
        env={
            **os.environ,
            "STATE_DIRECTORY": str(directory / "state"),
            "COLUMNS": "400",
            **(made.environ if made else {}),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(30):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output.decode()
