"""A plugin is checked from its entry point on."""

from __future__ import annotations

import pytest

from gatewright import PluginError
from gatewright.testing.checking import check_plugin
from gatewright.testing.plugin_env import PluginEnv

pytestmark = pytest.mark.anyio

GOOD = """
import asyncio
from contextlib import asynccontextmanager
from gatewright import Factory, NoSettings, Settings, hookimpl

GATEWRIGHT_API = (1, 0)

class Made(Settings):
    size: int = 1

class Backend:
    async def publish(self, message, *, count):
        raise NotImplementedError

    async def run(self, deliver):
        raise NotImplementedError

@asynccontextmanager
async def opening(settings, context):
    yield Backend()

@hookimpl
def gatewright_bus():
    return Factory(settings=NoSettings, open=opening, summary="made")
"""
LEFT = (
    "    yield Backend()",
    ("    global left\n    left = asyncio.create_task(asyncio.sleep(3600))\n    yield Backend()\n"),
)


@pytest.fixture
def made(tmp_path):
    """Write the plugin, one place changed, and return what finds it."""
    env = PluginEnv(tmp_path)

    def write(before="", after=""):
        assert before in GOOD
        env.module("acme_bus", GOOD.replace(before, after) if before else GOOD)
        env.distribution("acme-bus", requires=("gatewright>=0.1",), bus={"acme": "acme_bus"})
        return env.manager()

    yield write
    env.close()


async def test_a_good_plugin_is_returned(made):
    factory = await check_plugin("bus", "acme", {}, plugins=made())
    assert factory.summary == "made"


async def test_an_installed_plugin_is_found():
    assert (await check_plugin("bus", "memory", {})).summary


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("GATEWRIGHT_API = (1, 0)", "", "states no hook API"),
        ("GATEWRIGHT_API = (1, 0)", "GATEWRIGHT_API = (9, 0)", "built for hook API 9.0"),
        ("def gatewright_bus", "async def gatewright_bus", "is 'async def'"),
        ("import asyncio", "import no_such_module", "cannot be imported"),
    ],
)
async def test_what_a_gateway_refuses_is_refused(made, before, after, text):
    with pytest.raises(PluginError, match=text):
        await check_plugin("bus", "acme", plugins=made(before, after))


async def test_an_option_without_a_description_is_found(made):
    with pytest.raises(AssertionError, match="options without a description: size"):
        await check_plugin("bus", "acme", plugins=made("=NoSettings", "=Made"))


async def test_a_task_that_is_left_behind_is_found(made):
    with pytest.raises(AssertionError, match="it leaves tasks behind"):
        await check_plugin("bus", "acme", {}, plugins=made(*LEFT))
