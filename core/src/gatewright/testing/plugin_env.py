"""Plugins made on the spot: modules and metadata in a folder, without installing anything."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent

from gatewright.plugin.catalogue import Catalogue
from gatewright.plugin.manager import PluginManager
from gatewright.plugin.spec import PROJECT

__all__ = ["PluginEnv"]


class PluginEnv:
    """A folder of distributions, importable until `close`.

    Attributes:
        folder: Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sys.path.insert(0, str(folder))

    def close(self) -> None:
        """Forget the folder, and the modules that were imported from it."""
        sys.path.remove(str(self.folder))
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(str(self.folder)):
                del sys.modules[name]

    def module(self, name: str, source: str) -> None:
        """Write a module, its indentation taken off."""
        (self.folder / f"{name}.py").write_text(dedent(source), encoding="utf-8")

    def distribution(
        self,
        name: str,
        version: str = "1.0",
        *,
        requires: Sequence[str] = (),
        metadata: bool = True,
        **groups: Mapping[str, str],
    ) -> None:
        """Write the metadata of a distribution.

        Args:
            name: What ``pip`` would know it by.
            version: Its version.
            requires: What it depends on.
            metadata: Whether there is any beside its entry points.
            groups: Entry points by kind: ``transport={"acme": "module"}``.
        """
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        if metadata:
            lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
            lines += [f"Requires-Dist: {requirement}" for requirement in requires]
            (info / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
        points = "".join(
            f"[{PROJECT}.{group}]\n" + "".join(f"{key} = {value}\n" for key, value in of.items())
            for group, of in groups.items()
        )
        (info / "entry_points.txt").write_text(points, encoding="utf-8")

    def catalogue(self) -> Catalogue:
        """Return what is in the folder, and nothing else."""
        return Catalogue.installed([str(self.folder)])

    def manager(self, running: str | None = None) -> PluginManager:
        """Return what loads plugins of the folder, for this or another version of the core."""
        return PluginManager(self.catalogue(), running=running)
