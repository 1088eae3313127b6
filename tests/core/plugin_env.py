"""Whole plugins made on the spot, with the options that a test gives them."""

from pathlib import Path
from textwrap import dedent

from gatewright.config.load import load_config
from gatewright.config.result import Config
from gatewright.plugin.manager import PluginManager
from gatewright.testing import plugin_env

HEAD = """
from contextlib import asynccontextmanager
from pydantic import Field, PositiveFloat, SecretStr, model_validator, field_validator
from typing import Annotated, Literal
from gatewright import Factory, NoSettings, Settings, SinkSettings, TransportSettings, hookimpl

GATEWRIGHT_API = (1, 0)

@asynccontextmanager
async def open_backend(settings, context):
    yield object()

"""

BASES = {"transport": "TransportSettings", "events": "SinkSettings"}


class PluginEnv(plugin_env.PluginEnv):
    """A folder of plugins."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.shared: PluginManager | None = None

    def plugin(
        self,
        kind: str,
        name: str,
        options: str = "",
        *,
        distribution: str | None = None,
        version: str = "1.0",
        extra: str = "",
    ) -> None:
        """Write a whole working plugin whose settings have these ``options``."""
        module = f"made_{kind}_{name}"
        settings = f"class Made({BASES.get(kind, 'Settings')}):\n    '''Made.'''\n"
        settings += "".join(f"    {line}\n" for line in dedent(options).splitlines())
        hook = (
            f"\n@hookimpl\ndef gatewright_{kind}():\n"
            "    return Factory(settings=Made, open=open_backend, summary='made')\n"
        )
        self.module(module, HEAD + dedent(extra) + settings + hook)
        distribution = distribution or f"acme-{kind}-{name}".replace("_", "-")
        self.distribution(distribution, version, **{kind: {name: module}})

    def defaults(self) -> None:
        """Write what serves where a file names nothing, and an ``auth`` to name."""
        self.plugin("auth", "anonymous")
        self.plugin("presence", "memory")
        self.plugin("bus", "memory")
        self.plugin("rate_limit", "token_bucket", "per_second: float = 10\nburst: float = 20")
        self.plugin("dead_letters", "file", "path: str = 'var'")

    def manager(self, running: str | None = "1.4") -> PluginManager:
        return super().manager(running)

    def load(self, text: str, environ: dict[str, str] | None = None) -> Config:
        """Load a configuration that can only name what is in this folder."""
        plugins = self.shared or self.manager()
        return load_config(text=dedent(text), environ=environ or {}, plugins=plugins)
