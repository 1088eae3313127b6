"""A nats-server on a free loopback port."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager

from gatewright.testing.ports import free_port


def program():
    found = shutil.which("nats-server", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    assert found, "nats-server is not installed; run: make system-packages"
    return found


class NatsServer:
    """One that can be stopped and started again on its port."""

    def __init__(self, token=None):
        self.port = free_port()
        self.token = token
        self.process = None

    @property
    def address(self):
        return f"nats://127.0.0.1:{self.port}"

    async def start(self):
        options = ["--addr", "127.0.0.1", "--port", str(self.port)]
        options += ["--auth", self.token] if self.token else []
        self.process = await asyncio.create_subprocess_exec(
            program(),
            *options,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    assert self.process.returncode is None, "nats-server ended"
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    return

    async def stop(self):
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def nats_server(**options):
    server = NatsServer(**options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
