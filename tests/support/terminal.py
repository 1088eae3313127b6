"""A shell that commands of the documentation are typed into, as they are printed there."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
_OURS = ("GATEW", "JWT_", "STATE_DIRECTORY")


@dataclass
class Terminal:
    """A bash; what its commands print is in ``lines``, standard error too."""

    process: asyncio.subprocess.Process
    lines: list = field(default_factory=list)
    blocks: int = 0

    def run(self, block: str) -> str:
        """Type a whole block; return what `until` sees once its last command has ended.

        What was printed before is forgotten.
        """
        self.blocks += 1
        self.lines.clear()
        done = f"block {self.blocks} ended with"
        # Bash reads up to the brace before it runs anything: the rest of what is typed is the
        # running command's.
        self.type(f"{{\n{block}\necho {done} $?\n}}\n")
        return done

    def type(self, text: str) -> None:
        self.process.stdin.write(text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    async def until(self, text: str, seconds: float = 60.0) -> str:
        """Wait for a line with ``text`` in it, and return the first."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for line in self.lines:
                        if text in line:
                            return line
                    await asyncio.sleep(0.02)
        except TimeoutError:
            shown = "".join(self.lines)
            message = f"no line has {text!r}:\n{shown}"
            raise AssertionError(message) from None

    async def _read(self) -> None:
        async for line in self.process.stdout:
            self.lines.append(line.decode())


@dataclass
class Desk:
    """A copy of the examples to work in, with ports of its own, and terminals.

    Attributes:
        ports: Which port stands for which of those in the documentation.
    """

    folder: Path
    ports: dict
    opened: list = field(default_factory=list)

    def mine(self, text: str) -> str:
        """Return a text of the documentation with this desk's ports."""
        documented = "|".join(map(str, self.ports))
        return re.sub(rf"\b({documented})\b", lambda port: str(self.ports[int(port[0])]), text)

    async def terminal(self) -> Terminal:
        """Open a terminal."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
        environ["GATEWRIGHT_URL"] = self.mine("http://127.0.0.1:8180")
        environ["GATEWRIGHT_WS_URL"] = self.mine("ws://127.0.0.1:8180/ws")
        process = await asyncio.create_subprocess_exec(
            "bash",
            "--norc",
            cwd=self.folder,
            env=environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=2**20,
        )
        terminal = Terminal(process)
        self.opened.append((terminal, asyncio.create_task(terminal._read())))
        return terminal


@asynccontextmanager
async def desk(folder: Path):
    """Work in ``folder``; everything that still runs at the end is killed."""
    here = Desk(folder, free_ports(8180, 8181, 9000))
    shutil.copytree(EXAMPLES, folder / "examples")
    for file in (folder / "examples").rglob("*"):
        if file.suffix in {".yaml", ".py"}:
            file.write_text(here.mine(file.read_text()))
    activate = folder / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f'PATH="{Path(sys.executable).parent}:$PATH"\n')
    try:
        yield here
    finally:
        for terminal, reading in here.opened:
            with suppress(ProcessLookupError):
                os.killpg(terminal.process.pid, signal.SIGKILL)
            await terminal.process.wait()
            await reading


def free_ports(*documented: int) -> dict:
    """Find a free port for each."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in documented]
    try:
        return {port: sock.getsockname()[1] for port, sock in zip(documented, sockets, strict=True)}
    finally:
        for sock in sockets:
            sock.close()
