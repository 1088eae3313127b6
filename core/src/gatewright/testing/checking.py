"""Looks at an installed plugin as a gateway would, and a little closer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from gatewright.plugin.factory import Factory
from gatewright.plugin.manager import PluginManager
from gatewright.plugin.spec import Kind
from gatewright.testing.opening import opened

__all__ = ["check_plugin"]

SECONDS: Final = 30.0


async def check_plugin(
    kind: Kind,
    name: str,
    options: Mapping[str, Any] | None = None,
    *,
    plugins: PluginManager | None = None,
) -> Factory[Any, Any]:
    """Check a plugin from its entry point on: found, loaded, described, opened, closed.

    Args:
        kind: Its kind.
        name: Its name in the YAML.
        options: Options to open it with, once to its end and once until it is cancelled;
            ``None``: it is not opened.
        plugins: Where it is looked for; among what is installed unless given.

    Returns:
        What it declares.

    Raises:
        PluginError: A gateway would refuse it: it is not installed, cannot be imported, is for
            another version, states no hook API, or its hook is wrong.
        AssertionError: It has options that are not described, or hangs when it is cancelled.
        StartError: It does not open.
    """
    factory = (plugins or PluginManager()).load(kind, name).factory
    fields = factory.settings.model_fields
    undescribed = [each for each, info in fields.items() if not info.description]
    assert not undescribed, f"{name}: options without a description: {', '.join(undescribed)}"
    if options is not None:
        async with opened(kind, factory, options):
            pass
        await _cancelled(kind, factory, options)
    return factory


async def _cancelled(kind: Kind, factory: Factory[Any, Any], options: Mapping[str, Any]) -> None:
    """Cancel it while it is open; see that this ends it, and that nothing of it goes on."""
    before = asyncio.all_tasks()
    is_open = asyncio.Event()

    async def hold() -> None:
        async with opened(kind, factory, options):
            is_open.set()
            await asyncio.get_running_loop().create_future()

    holding = asyncio.create_task(hold())
    waiting = asyncio.create_task(is_open.wait())
    await asyncio.wait({holding, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    holding.cancel()
    _, hanging = await asyncio.wait({holding, waiting}, timeout=SECONDS)
    assert not hanging, "it hangs when it is cancelled"
    assert holding.cancelled(), "it swallows being cancelled"
    left = [task for task in asyncio.all_tasks() - before if not task.done()]
    assert not left, f"it leaves tasks behind: {left}"
