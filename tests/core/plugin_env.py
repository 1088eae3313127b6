"""Plugins made on the spot: modules and metadata in a folder, without installing anything."""

import sys
from pathlib import Path
from textwrap import dedent

from gatewright.config.load import load_config
from gatewright.config.result import Config
from gatewright.plugin.catalogue import Catalogue
from gatewright.plugin.manager import PluginManager

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


class PluginEnv:
    """A folder of distributions. On ``sys.path`` while a test runs, and forgotten afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shared: PluginManager | None = None
        sys.path.insert(0, str(folder))

    def close(self) -> None:
        sys.path.remove(str(self.folder))
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(str(self.folder)):
                del sys.modules[name]

    def distribution(
        self,
        name: str,
        version: str = "1.0",
        *,
        requires: tuple[str, ...] = (),
        metadata: bool = True,
        **groups: dict[str, str],
    ) -> None:
        """Write the metadata of a distribution; ``transport={"x": "module"}`` is an entry point."""
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        if metadata:
            lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
            lines += [f"Requires-Dist: {requirement}" for requirement in requires]
            (info / "METADATA").write_text("\n".join(lines) + "\n")
        points = "".join(
            f"[gatewright.{group}]\n" + "".join(f"{key} = {value}\n" for key, value in of.items())
            for group, of in groups.items()
        )
        (info / "entry_points.txt").write_text(points)

    def module(self, name: str, source: str) -> None:
        """Write a module, exactly as given."""
        (self.folder / f"{name}.py").write_text(dedent(source))

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

    def catalogue(self) -> Catalogue:
        return Catalogue.installed([str(self.folder)])

    def manager(self, running: str = "1.4") -> PluginManager:
        return PluginManager(self.catalogue(), running=running)

    def load(self, text: str, environ: dict[str, str] | None = None) -> Config:
        """Load a configuration that can only name what is in this folder."""
        plugins = self.shared or self.manager()
        return load_config(text=dedent(text), environ=environ or {}, plugins=plugins)
