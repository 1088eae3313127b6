"""Taking sockets over from hypercorn: what is left behind, and what happens where it cannot be."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from contextlib import asynccontextmanager

import pytest
import structlog
import uvloop
from tests.support.served import serve_recorders
from websockets.asyncio.client import connect

from gatewright.errors import StartError
from gatewright.metrics import Metrics
from gatewright.server.drivers import self_test
from gatewright.server.drivers.choice import Drivers, NotUsable
from gatewright.wire.frames import Frame

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


def run(loop_factory, coroutine):
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(coroutine)


@pytest.mark.parametrize("loop", LOOPS)
def test_the_self_test_passes_with_the_hypercorn_that_is_installed(loop):
    run(loop, self_test.try_direct())


def test_a_hypercorn_that_nobody_knows_is_not_tried(monkeypatch):
    monkeypatch.setattr(self_test, "version", lambda _name: "0.19.2")
    with pytest.raises(NotUsable, match=r"hypercorn 0\.19\.2 is not known, only 0\.18"):
        run(None, self_test.try_direct())


def test_a_hypercorn_that_has_changed_inside_fails_the_self_test(monkeypatch):
    monkeypatch.setattr("gatewright.server.drivers.direct.takeover_of", lambda _send: None)
    with pytest.raises(NotUsable, match="its self-test failed with"):
        run(None, self_test.try_direct())


def drivers(setting):
    return Drivers(
        setting,
        asgi=None,
        direct=object(),
        opened=Metrics().sockets,
        log=structlog.get_logger(),
    )


async def fails():
    message = "it is Tuesday"
    raise NotUsable(message)


async def works():
    pass


def test_auto_falls_back_and_says_why():
    made = drivers("auto")
    run(None, made.try_out(fails))
    health = made.health()
    assert (health.ready, health.facts) == (True, {"driver": "asgi"})
    assert health.detail == "fell back to asgi: it is Tuesday"


def test_direct_is_a_demand():
    with pytest.raises(StartError, match="direct cannot be used: it is Tuesday; auto falls back"):
        run(None, drivers("direct").try_out(fails))


@pytest.mark.parametrize(("setting", "name"), [("auto", "direct"), ("asgi", "asgi")])
def test_what_works_is_used(setting, name):
    made = drivers(setting)
    run(None, made.try_out(works))
    assert (made.name, made.health().detail) == (name, "")


@pytest.mark.parametrize("loop", LOOPS)
def test_nothing_of_hypercorn_is_left_and_the_socket_lives_on(loop):
    async def check():
        async with serve_recorders(driver="direct") as served, connect(served.url) as client:
            session = await served.session()
            async with asyncio.timeout(5):
                while any(map(is_hypercorns, asyncio.all_tasks())):
                    await asyncio.sleep(0.01)
            gc.collect()  # a writer's destructor would close the transport
            await client.send("still here")
            assert await client.recv() == "still here"
            session.socket.write(Frame(b"both ways"))
            assert await client.recv() == "both ways"
            await client.close(4001, "bye")
            await session.is_closed.wait()
            assert session.ended == (4001, "bye")
            assert served.released == ["here"]

    run(loop, check())


def is_hypercorns(task):
    return "_server_callback" in repr(task) or "TCPServer" in repr(task)


@asynccontextmanager
async def echo(*arguments):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gatewright.testing.echo", "--bind", "127.0.0.1:0", *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        said = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        yield process, said
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.anyio
@pytest.mark.parametrize("driver", ["direct", "asgi"])
async def test_the_echo_returns_what_comes_on_any_path(driver):
    async with echo("--driver", driver, "--max-bytes", "70000") as (process, said):
        assert f"with the {driver} driver" in said
        url = said.split()[2]
        async with connect(url + "any/path", subprotocols=["a", "b"]) as client:
            assert client.subprotocol == "a"
            for message in ("text", "", "ü" * 35_000, b"", b"\x00\xff" * 100):
                await client.send(message)
                assert await client.recv() == message
            await client.ping()
            await client.send(b"x" * 70_001)
            await client.wait_closed()
            assert client.close_code == 1009
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
