"""Which plugins a configuration uses, found without importing any of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from gatewright.config.enabled import Enabled
from gatewright.config.nodes import Options
from gatewright.config.plugins import DEFAULTS
from gatewright.config.report import Report
from gatewright.config.source import parse, read
from gatewright.plugin.spec import KINDS, Kind, section_of

__all__ = ["NO_FILE", "State", "Usage", "read_usage"]

State = Literal["in use", "installed", "disabled"]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of the file that names a plugin."""

    place: str
    enabled: bool | None


@dataclass(frozen=True, slots=True)
class Usage:
    """What one configuration says about plugins.

    Attributes:
        file: The file as it was named, or ``None`` where there is none.
        entries: What it holds, by kind and plugin.
    """

    file: str | None = None
    entries: Mapping[tuple[Kind, str], list[_Entry]] = field(default_factory=dict)

    def of(self, kind: Kind, plugin: str) -> tuple[State, str]:
        """Return whether a plugin is in use, and why."""
        if self.file is None:
            return "installed", ""
        entries = self.entries.get((kind, plugin), [])
        used = [entry.place for entry in entries if entry.enabled]
        if used:
            return "in use", ", ".join(used)
        if entries:
            why = "enabled cannot be told" if entries[0].enabled is None else "enabled is false"
            return "disabled", f"{why}, {entries[0].place}"
        if DEFAULTS.get(kind) == plugin and not self._names_another(kind):
            return "in use", f"by default, {self.file} names no other"
        return "installed", f"not named in {self.file}"

    def _names_another(self, kind: Kind) -> bool:
        return any(
            entry.enabled
            for (of_kind, _), entries in self.entries.items()
            if of_kind == kind
            for entry in entries
        )


NO_FILE: Final = Usage()


def read_usage(file: Path, environ: Mapping[str, str]) -> Usage:
    """Read which plugins a file names and whether they are enabled.

    Raises:
        ConfigError: It cannot be read, or it is no YAML.
    """
    report = Report(str(file))
    root = parse(read(file, report), report)
    enabled = Enabled(environ, report)
    entries: dict[tuple[Kind, str], list[_Entry]] = defaultdict(list)
    for kind in KINDS:
        section = root.entries.get(section_of(kind))
        if section is None or not isinstance(section.node, Options):
            continue
        for key, option in section.node.entries.items():
            node = option.node
            options = node if isinstance(node, Options) else Options({}, option.mark)
            place = f"{file}:{option.mark.line}"
            on = enabled.of(options, (section_of(kind), key))
            entries[kind, key.partition("/")[0]].append(_Entry(place, on))
    return Usage(str(file), entries)
