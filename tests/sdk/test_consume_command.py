"""``gatewright-consume`` as a process: what it hears, how it ends, and what it says."""

import asyncio
import os
import signal
import sysconfig
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from tests.support.consuming import body_of

pytestmark = pytest.mark.anyio

COMMAND = Path(sysconfig.get_path("scripts")) / "gatewright-consume"
APP = """
import asyncio, os, sys

from gatewright_sdk.events import Events
from gatewright_sdk.model import Event

events = Events()
nothing = 5


class holder:
    events = events


@events.on(Event)
async def hear(event):
    print("heard", event.delivery.seq, flush=True)
    if os.environ.get("WAIT"):
        await asyncio.sleep(float(os.environ["WAIT"]))
    print("handled", event.delivery.seq, flush=True)
"""
KEPT = ("PATH", "HOME", "LANG")


@asynccontextmanager
async def command(folder, *words, **environ):
    (folder / "myapp").mkdir(exist_ok=True)
    (folder / "myapp/ws.py").write_text(APP)
    (folder / "myapp/broken.py").write_text("import no_such_library")
    process = await asyncio.create_subprocess_exec(
        str(COMMAND),
        *words,
        cwd=folder,
        env={**{name: os.environ[name] for name in KEPT if name in os.environ}, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process):
    """Return how it ended, and what it said."""
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def core(redis):
    return {"WS_MODE": "core", "WS_REDIS_DSN": redis.dsn}


async def heard(process, word, seq=1):
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == f"{word} {seq}\n".encode()


@pytest.fixture
async def pending(redis):
    """A redis in whose stream an event waits for the group."""
    async with Redis.from_url(redis.dsn) as client:
        await client.xgroup_create("ws.events", "backend", "0", mkstream=True)
        await client.xadd("ws.events", {"data": body_of("c1"), "seq": 1})
        yield lambda: client.xpending("ws.events", "backend")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_hears_and_finishes_what_is_under_way(tmp_path, redis, pending, number):
    async with command(tmp_path, "myapp.ws:events", **core(redis), WAIT="0.3") as process:
        await heard(process, "heard")
        process.send_signal(number)
        code, out, err = await ended(process)

    assert (code, out) == (0, "handled 1\n")
    assert "stopping" in err
    assert (await pending())["pending"] == 0


async def test_a_second_signal_ends_it_at_once(tmp_path, redis, pending):
    async with command(tmp_path, "myapp.ws:holder.events", **core(redis), WAIT="60") as process:
        await heard(process, "heard")
        process.terminate()
        async with asyncio.timeout(30):
            while b"stopping" not in await process.stderr.readline():
                pass
        process.terminate()
        code, out, _ = await ended(process)

    assert (code, out) == (130, "")
    assert (await pending())["pending"] == 1


@pytest.mark.parametrize(
    ("words", "environ", "said"),
    [
        (["myapp.ws"], {}, "'myapp.ws' must be module:attribute"),
        (["myapp.other:events"], {}, "there is no module 'myapp.other'"),
        (["myapp.ws:other"], {}, "module 'myapp.ws' has no attribute 'other'"),
        (["myapp.ws:nothing"], {}, "must be an Events, found int"),
        (["myapp.ws:events"], {"WS_MODE": "both"}, "WS_MODE"),
        (["myapp.ws:events"], {"WS_REDIS_DSN": "http://:hunter2@x"}, "WS_REDIS_DSN"),
        (["myapp.ws:events"], {"WS_EVENTS_TYPE": "none"}, "must be redis_stream or rabbitmq"),
        (["myapp.ws:events"], {"WS_EVENTS_TYPE": "webhook", "WS_WEBHOOK_SECRET": "s"}, "webhook"),
        (["--log-level", "LOUD", "myapp.ws:events"], {}, "LOUD"),
        ([], {}, "MODULE:ATTRIBUTE"),
    ],
)
async def test_what_is_wrong_is_said_in_a_line_without_a_traceback(tmp_path, words, environ, said):
    async with command(tmp_path, *words, **{"WS_MODE": "core"} | environ) as process:
        code, _, err = await ended(process)

    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert "hunter2" not in err


async def test_a_module_that_fails_by_itself_is_shown_with_its_traceback(tmp_path):
    async with command(tmp_path, "myapp.broken:events", WS_MODE="core") as process:
        code, _, err = await ended(process)

    assert code == 1
    assert "Traceback" in err
    assert "no_such_library" in err


async def test_what_redis_refuses_is_said_in_a_line(tmp_path, redis):
    async with Redis.from_url(redis.dsn) as client:
        await client.set("ws.events", "a text")
    async with command(tmp_path, "myapp.ws:events", **core(redis)) as process:
        code, _, err = await ended(process)

    assert code == 1
    assert "refuses: WRONGTYPE" in err
    assert "Traceback" not in err


async def test_the_help_names_the_environment_and_the_codes(tmp_path):
    async with command(tmp_path, "--help") as process:
        code, out, _ = await ended(process)

    assert code == 0
    assert "WS_EVENTS_TYPE" in out
    assert "exit codes: 0 stopped" in out
