"""The second tutorial, typed into terminals as it stands there.

Instead of being installed, the plugin is found by metadata that is written down, and imported from
its folder; installing new plugins is tested in ``tests/e2e/test_first_hour.py``.
"""

import textwrap
import tomllib

import pytest
from tests.support.markdown import the_block
from tests.support.terminal import desk

from gatewright.testing.ports import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

PAGE = "docs/tutorial/first-plugin.md"
PACKAGE = "src/gatewright_transport_acme"
ENTER = """\
. .venv/bin/activate
export PYTHONPATH=$PWD/gatewright-transport-acme/src PYTEST_ADDOPTS='-p no:cacheprovider'
"""
ACTIVATE = ". .venv/bin/activate\n"


def shown(marker):
    return the_block(PAGE, marker).text


def changed(source):
    """Return the backend after the edits that the page asks for."""
    init = source.index("    def __init__")
    run = source.index("    async def run")
    published = source.index("    async def _published")
    return "".join(
        [
            source[:init].replace(
                "import socket\n", "import socket\nfrom dataclasses import replace\n", 1
            ),
            textwrap.indent(shown("__init__"), "    "),
            "\n",
            source[run:published],
            textwrap.indent(shown("_published"), "    "),
        ]
    )


def declare(plugin):
    """Write the metadata that installing the plugin would leave."""
    project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    info = plugin / "src" / "gatewright_transport_acme-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    ((group, points),) = project["entry-points"].items()
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{lines}")


async def test_the_tutorial_works_as_it_is_written(tmp_path):
    port = str(free_port())
    plugin = tmp_path / "gatewright-transport-acme"
    async with desk(tmp_path) as here:
        author = await here.terminal()

        async def typed(marker, code=0):
            done = author.run(shown(f"terminal: {marker}"))
            await author.until(f"{done} {code}")
            return "".join(author.lines)

        author.run(ENTER)
        await typed("begin")
        declare(plugin)
        assert " passed" in await typed("test")
        assert "rule TRANSPORT-2 " in await typed("break", code=1)
        assert " passed" in await typed("mend")

        (plugin / PACKAGE / "settings.py").write_text(shown("settings.py").replace("9410", port))
        backend = plugin / PACKAGE / "backend.py"
        backend.write_text(changed(backend.read_text()))
        declaration = plugin / PACKAGE / "__init__.py"
        text = declaration.read_text()
        assert "yield AcmeTransport(listening, context)" in text
        declaration.write_text(
            text.replace("(listening, context)", "(listening, context, settings.prefix)")
        )
        assert " passed" in await typed("again")

        file = plugin / "gateway.yaml"
        file.write_text(here.mine(shown("plugin")))
        stopped = author.run(shown("terminal: serve"))
        await author.until("serving")
        client, sender = await here.terminal(), await here.terminal()
        left = client.run(ACTIVATE + shown("terminal: client"))
        await client.until("connected to")
        publish = shown("terminal: backend").replace("9410", port)
        done = sender.run(publish)
        await sender.until(f"{done} 0")
        assert sender.lines[0] == shown("answer")
        author.interrupt()
        await author.until(f"{stopped} 0")
        await client.until(left)

        file.write_text(file.read_text().replace('    prefix: "acme:"\n', ""))
        author.run("gatewright serve")
        await author.until("serving")
        client.run(shown("terminal: client"))
        await client.until("connected to")
        sender.run(publish)
        await client.until('{"type":"event","payload":"hi"}')
