"""The example backend in a process of its own, and what tests ask of it."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.gateway import http_client
from tests.support.markdown import ROOT

SOURCE = ROOT / "examples" / "backend" / "src"
_OURS = ("WS_", "DEMO_", "BACKEND_", "SYMFONY_")


@dataclass
class DemoBackend:
    """A running ``python -m demo_backend``.

    Attributes:
        url: Its address.
        said: What it printed and logged.
    """

    process: asyncio.subprocess.Process
    url: str = ""
    said: list = field(default_factory=list)

    async def get(self, path, **options):
        async with http_client() as client:
            return await client.get(self.url + path, **options)

    async def post(self, path, **options):
        async with http_client() as client:
            return await client.post(self.url + path, **options)

    async def until(self, path, holds, seconds=20.0):
        """Ask until ``holds(answer)``; return the answer's JSON."""
        answer = None
        try:
            async with asyncio.timeout(seconds), http_client() as client:
                while True:
                    answer = await client.get(self.url + path)
                    if holds(answer):
                        return answer.json()
                    await asyncio.sleep(0.03)
        except TimeoutError:
            shown = "nothing" if answer is None else f"{answer.status_code} {answer.text}"
            message = f"{path} answered at last {shown}; the backend said:\n{''.join(self.said)}"
            raise AssertionError(message) from None

    async def read(self):
        async for line in self.process.stdout:
            self.said.append(line.decode())
            if line.startswith(b"demo backend: http"):
                self.url = line.split()[-1].decode()


def environment(**environ):
    """Return this process's environment with these settings of the backend alone."""
    outer = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    return {**outer, "PYTHONPATH": str(SOURCE), **environ}


async def launch(environ):
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "demo_backend"),
        env=environment(**environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@asynccontextmanager
async def demo_backend(**environ):
    """Run the backend with these settings until the end; it must end well."""
    running = DemoBackend(await launch({"BACKEND_BIND": "127.0.0.1:0", **environ}))
    reading = asyncio.create_task(running.read())
    try:
        async with asyncio.timeout(30):
            while not running.url and not reading.done():
                await asyncio.sleep(0.01)
        assert running.url, "the backend ended:\n" + "".join(running.said)
        await running.until("/api/ping", lambda answer: answer.status_code == 200)
        yield running
        running.process.terminate()
        async with asyncio.timeout(20):
            code = await running.process.wait()
        assert code == 0, "".join(running.said)
    finally:
        if running.process.returncode is None:
            running.process.kill()
        await running.process.wait()
        await reading


async def ended(**environ):
    """Run a backend that cannot start; return its exit code and what it said."""
    process = await launch(environ)
    try:
        async with asyncio.timeout(30):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()
