"""The page about browsers and the client's README: their code runs, their tables are true."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from contextlib import asynccontextmanager

import pytest
from tests.support.gateway import API_KEY, gateway
from tests.support.javascript import NODE, chromium
from tests.support.markdown import ROOT, blocks_of, the_block
from tests.support.receiver import receiver
from tests.support.tokens import public_pem, token

PAGE = "docs/howto/browser.md"
PACKAGE = ROOT / "clients" / "js"
README = (PACKAGE / "README.md").read_text()
THEN = {
    "stays away": "stop",
    "comes back": "retry",
    "comes back as its hint says": "retry",
    "comes back after a minute or more": "later",
    "comes back with another token, once": "token",
}
SECTIONS = "auth: {jwt: {public_key_file: public.pem}}\n"

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(60)]


def evaluated(script):
    """Run a script in Node, beside the package; what it prints, parsed."""
    command = [NODE, "--input-type=module", "--eval", script]
    return json.loads(subprocess.run(command, cwd=PACKAGE, capture_output=True, check=True).stdout)


def rows(text):
    """The cells of every table row."""
    found = re.findall(r"^\| (.+) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in re.split(r" ?\| ", row)] for row in found]


def names(cells):
    return [cell.strip("`") for cell in cells if re.fullmatch(r"`\w+`", cell)]


def test_the_codes_are_those_of_the_client_and_of_the_gateway():
    client = evaluated(
        """import { afterClose, closeCodes } from "./src/index.js";
        console.log(JSON.stringify([...closeCodes, [4403, afterClose(4403)]]));"""
    )
    page = [
        [int(code), THEN[then]]
        for code, _, then in (row for row in rows((ROOT / PAGE).read_text()) if len(row) == 3)
        if code.isdigit()
    ]
    assert page == client

    closes = (ROOT / "docs" / "close-codes.md").read_text()
    assert {int(code) for code in re.findall(r"^\| (\d{4}) ", closes, re.MULTILINE)} <= {
        code for code, _ in page
    }


def test_the_readme_has_every_option_and_what_is_told():
    told = evaluated(
        """import { Client } from "./src/index.js";
        import { settled } from "./src/options.js";
        const text = (call) => { try { call(); } catch (error) { return error.message; } };
        const { backoff, ...settings } = settled({});
        console.log(JSON.stringify({
          options: text(() => settled({ wrong: 1 })),
          names: text(() => new Client("ws://host").on("wrong", () => {})),
          settings, backoff,
        }));"""
    )
    options = {row[0].strip("`"): row[1] for row in rows(README.partition("## Client")[0])}
    known = told["options"].rpartition("there are ")[2].split(", ")
    assert set(known) == options.keys() - {"option", "---"}
    for name, value in told["settings"].items():
        if isinstance(value, int) and not isinstance(value, bool) and name in options:
            assert options[name] == str(value), name
    bounds = ", ".join(f"{name}: {value}" for name, value in told["backoff"].items())
    assert f"`{{{bounds}}}`" in README

    table = rows(README.partition("| told |")[2].partition("## Publishing")[0])
    assert names(row[0] for row in table) == told["names"].rpartition("there are ")[2].split(", ")


def test_every_block_is_right_javascript(tmp_path):
    blocks = blocks_of(ROOT / PAGE, "js") + blocks_of(PACKAGE / "README.md", "js")

    assert len(blocks) == 6
    for number, block in enumerate(blocks):
        file = tmp_path / f"{number}.mjs"
        file.write_text(block.text)
        subprocess.run([NODE, "--check", file], check=True)


@asynccontextmanager
async def serving(folder, backend):
    (folder / "public.pem").write_bytes(public_pem())
    sections = f"{SECTIONS}events: {{webhook: {{url: '{backend.url}'}}}}"
    async with gateway(folder, sections) as running:
        yield running


def messages(taken):
    return [one.event["message"] for one in taken if one.type == "message_received"]


@pytest.mark.anyio
async def test_the_page_gets_a_fresh_token_and_shows_what_comes(tmp_path):
    script = the_block(PAGE, "page.js").text
    async with receiver() as backend, serving(tmp_path, backend) as running, chromium() as browser:
        page = (await browser()).page
        given = {"token": token(expires_in=-10), "token?fresh=1": token()}

        async def answer(route):
            await route.fulfill(body=given[route.request.url.rpartition("/")[2]])

        async def module(route):
            name = route.request.url.rpartition("/")[2]
            await route.fulfill(path=PACKAGE / "src" / name, content_type="text/javascript")

        await page.route(re.compile("/token(\\?|$)"), answer)
        await page.route("**/gatewright/*", module)
        await page.evaluate("shown = []; show = showState = (what) => shown.push(what); 0")
        await page.add_script_tag(
            type="module", content=script.replace("wss://gateway.example.com/ws", running.url)
        )
        taken = await backend.until(messages)
        await running.publish({"n": 1})
        await page.wait_for_function("shown.length === 4")

        assert messages(taken) == [{"say": "hello"}]
        assert await page.evaluate("shown") == [
            "waiting",
            "connecting",
            "open",
            {"n": 1},
        ]


async def started(folder, marker, **environ):
    """Run a block of the page in Node, with the package installed."""
    installed = folder / "node_modules" / "gatewright-client"
    shutil.copytree(PACKAGE / "src", installed / "src")
    shutil.copy(PACKAGE / "package.json", installed)
    (folder / "block.mjs").write_text(the_block(PAGE, marker).text)
    return await asyncio.create_subprocess_exec(
        NODE, "block.mjs", cwd=folder, env=os.environ | environ,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.anyio
async def test_a_program_reads_until_it_has_what_it_wants(tmp_path):
    async with receiver() as backend, serving(tmp_path, backend) as running:
        program = await started(
            tmp_path / "user", "node.js", GATEWAY_URL=running.url, GATEWAY_TOKEN=token()
        )
        await backend.until(lambda taken: messages(taken) == [{"ready": True}])
        for payload in ({"n": 1}, {"last": True}, {"too": "late"}):
            await running.publish(payload)
        output, complaints = await program.communicate()

    assert output.decode().splitlines() == ['{"n":1}', '{"last":true}']
    assert (program.returncode, complaints) == (0, b"")


@pytest.mark.anyio
async def test_a_backend_publishes(tmp_path):
    async with gateway(tmp_path) as running, running.socket("42") as client:
        program = await started(
            tmp_path / "user", "publish.js", GATEWAY_HTTP=running.http, GATEWAY_API_KEY=API_KEY
        )
        output, complaints = await program.communicate()

        assert json.loads(await client.recv())["payload"] == {"order": 17}
    assert (output, complaints) == (b"1\n", b"")
