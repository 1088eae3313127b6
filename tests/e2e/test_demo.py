"""``make demo``: gateway, backend and broker together, as a user starts them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from tests.support.gateway import http_client
from tests.support.markdown import ROOT, the_block

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

_OURS = ("GATEW", "WS_", "DEMO_", "BACKEND_", "SYMFONY_", "REDIS_", "RABBITMQ_", "JWT_")


class Demo:
    """A running ``python -m scripts.demo``, which is what ``make demo`` runs.

    Attributes:
        said: What it printed.
    """

    def __init__(self, process):
        self.process = process
        self.said = []

    async def read(self):
        async for line in self.process.stdout:
            self.said.append(line.decode().rstrip("\n"))

    async def until(self, words, seconds=90):
        async with asyncio.timeout(seconds):
            while not any(words in line for line in self.said):
                assert self.process.returncode is None, "\n".join(self.said)
                await asyncio.sleep(0.02)

    def after(self, words):
        """The rest of the line that begins with ``words``."""
        (line,) = [line for line in self.said if line.strip().startswith(words)]
        return line.strip().removeprefix(words).strip()

    async def ended(self, seconds=90):
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    @property
    def folder(self):
        return ROOT / "var" / "demo" / str(self.process.pid)

    def children(self):
        """The processes that it started, and those that these started."""
        return [pid for pid in processes() if self.process.pid in ancestors(pid)]


@asynccontextmanager
async def demo(*arguments, **environ):
    outer = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scripts.demo", *arguments),
        cwd=ROOT,
        env=outer | environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running = Demo(process)
    reading = asyncio.create_task(running.read())
    try:
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
        await running.ended()
        await reading


def processes():
    """The processes that run; not those that are over and that nobody has asked for."""
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in found if status(pid)[:1] not in ([], ["Z"])]


def status(pid):
    """Return a process's state, parent and so on; nothing where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def ancestors(pid):
    """Yield a process's parent, and the parents of that."""
    while pid > 1 and (known := status(pid)):
        pid = int(known[1])
        yield pid


async def gone(children):
    """Wait until none of them runs; those that were killed take a moment."""
    async with asyncio.timeout(10):
        while not set(children).isdisjoint(processes()):
            await asyncio.sleep(0.02)


async def test_make_runs_it():
    words = ["make", "-n", "demo", "BROKER=redis", "NODES=2", "ARGS=--check"]
    process = await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()

    assert "-m scripts.demo --broker redis --nodes 2 --check\n" in said.decode()


async def checked(*arguments, **environ):
    """Run the one-shot message flow, and be sure that nothing of it is left."""
    async with demo(*arguments, "--check", **environ) as running:
        code = await running.ended()

    assert code == 0, "\n".join(running.said)
    steps = the_block("docs/howto/demo.md", "steps").text.splitlines()
    assert [line for line in running.said if not line.startswith("port ")] == steps
    assert not running.folder.exists()


async def test_a_message_goes_each_way_without_a_broker():
    await checked()


async def test_a_message_goes_each_way_through_a_rabbitmq_of_its_own():
    await checked("--broker", "rabbitmq")


async def test_a_message_goes_each_way_through_the_redis_of_the_environment(redis):
    await checked("--broker", "redis", "--nodes", "2", REDIS_DSN=redis.dsn)


async def test_what_it_prints_can_be_typed_and_ctrl_c_ends_everything():
    async with demo("--broker", "redis", "--nodes", "2") as running:
        await running.until("Ctrl-C stops everything.")
        children = running.children()
        backend = running.after("backend")
        first = next(at for at, line in enumerate(running.said) if line.startswith("curl"))
        curls = [line for line in running.said[first:] if line.startswith("curl")]

        answers = [await typed(f"{line} -sS") for line in curls]
        async with http_client() as client:
            pages = [await client.get(url) for url in running.after("chat").split()]
        listen = next(line for line in running.said if line.startswith("gatewright listen"))
        listening = typed(f"{listen} --count 1")
        heard = asyncio.create_task(listening)
        async with http_client() as client, asyncio.timeout(30):
            while not (await client.get(f"{backend}/api/online?user_id=42")).json()["online"]:
                await asyncio.sleep(0.05)
        await typed(curls[0])

        assert answers[:2] == [
            '{"user_id":"42","sent":null}',
            '{"connections":[],"user_id":"42","online":false}',
        ]
        assert answers[2] == '{"error":"no message has come yet"}'
        assert await heard == '{"type":"event","payload":{"hello":"world"}}'
        assert [page.status_code for page in pages] == [200, 200]
        assert len(children) == 4  # a Redis, two gateways, a backend

        running.process.send_signal(signal.SIGINT)
        assert await running.ended() == 0

    await gone(children)
    assert not running.folder.exists()


async def typed(line):
    """Type a command into a shell; return what it printed."""
    binaries = Path(sys.executable).parent
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", line),
        cwd=ROOT,
        env=os.environ | {"PATH": f"{binaries}:{os.environ['PATH']}"},
        stdin=asyncio.subprocess.PIPE,  # kept open: `listen` reads it
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said = await process.stdout.read()
    await process.wait()
    return said.decode().strip()


async def test_ctrl_c_while_it_starts_leaves_nothing_behind():
    async with demo("--broker", "rabbitmq") as running:
        async with asyncio.timeout(30):
            while not (children := running.children()):
                await asyncio.sleep(0.01)
        running.process.send_signal(signal.SIGINT)
        assert await running.ended() == 0

    await gone(children)
    assert not running.folder.exists()


async def test_a_gateway_that_dies_ends_it_with_its_log():
    async with demo() as running:
        await running.until("Ctrl-C stops everything.")
        (gateway,) = [pid for pid in running.children() if b"serve" in command(pid)]
        os.kill(gateway, signal.SIGKILL)
        code = await running.ended()

    assert code == 1
    assert any("the gateway-1 ended; its log" in line for line in running.said)
    assert (running.folder / "gateway-1.log").exists()
    shutil.rmtree(running.folder)


def command(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes()


async def test_ports_in_use_give_way_to_others():
    with ExitStack() as held:
        with suppress(OSError):  # somebody else has it: that is as good
            held.enter_context(socket.create_server(("127.0.0.1", 8180)))
        async with demo("--check") as running:
            code = await running.ended()

    assert code == 0
    assert any(line.startswith("port 8180 is in use; taking ") for line in running.said)


async def test_a_server_that_is_not_installed_is_named():
    async with demo("--broker", "redis", PATH="/nowhere") as running:
        code = await running.ended()

    assert code == 3
    (line,) = running.said
    assert line.startswith("demo: redis-server is not installed: install it, on Debian and Ubuntu")
    assert line.endswith("or name a running one in REDIS_DSN")
    assert not running.folder.exists()


async def test_several_nodes_need_a_redis():
    async with demo("--nodes", "2") as running:
        code = await running.ended()

    assert (code, running.said[-1].endswith("BROKER=redis NODES=2")) == (2, True)
