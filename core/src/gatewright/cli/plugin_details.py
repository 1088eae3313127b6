"""Everything that is known of one plugin, for people or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any, Final

from gatewright.cli.output import console, printable, say, table
from gatewright.cli.plugin_names import Named
from gatewright.config.options import DescribedOption, options_of
from gatewright.plugin.manager import LoadedPlugin, PluginManager
from gatewright.plugin.spec import section_of

__all__ = ["details", "print_details"]

_EDITABLE: Final = "editable"


def details(plugin: Named, manager: PluginManager) -> dict[str, Any]:
    """Return what a plugin is, where it came from and what it offers, as JSON knows values.

    Raises:
        PluginError: It cannot be used.
    """
    loaded = manager.load(*plugin)
    entry, factory = loaded.entry, loaded.factory
    location, editable = _installed(entry.distribution)
    return {
        "kind": entry.kind,
        "name": entry.name,
        "section": section_of(entry.kind),
        "summary": factory.summary,
        "distribution": entry.distribution,
        "version": entry.version,
        "location": location,
        _EDITABLE: editable,
        "module": entry.value,
        "hook_api": list(loaded.api),
        "hooks": list(loaded.hooks),
        "provides": sorted(factory.provides),
        "needs": sorted(factory.needs),
        "diagnoses": factory.diagnose is not None,
        "options": [asdict(option) for option in _options(loaded)],
    }


def print_details(found: dict[str, Any], *, as_json: bool) -> None:
    """Print them: a table of facts, and one of options."""
    if as_json:
        say(json.dumps(found, indent=2, ensure_ascii=False))
        return
    say(printable(f"{found['kind']}:{found['name']}: {found['summary']}"))
    console().print(table(["", ""], _facts(found)))
    say("")
    if not found["options"]:
        say("no options")
        return
    options = [DescribedOption(**option) for option in found["options"]]
    console().print(
        table(
            ["option", "type", "default", "meaning"],
            (
                (each.name, each.type.replace("`", ""), _default(each), each.meaning)
                for each in options
            ),
        )
    )


def _options(loaded: LoadedPlugin) -> list[DescribedOption]:
    return list(options_of(loaded.factory.settings))


def _facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    where = f"{found['location']}{', editable' if found[_EDITABLE] else ''}"
    return [
        ("installed from", f"{found['distribution']} {found['version']}"),
        ("location", where),
        ("module", found["module"]),
        ("hook API", ".".join(map(str, found["hook_api"]))),
        ("hooks", ", ".join(found["hooks"])),
        ("provides", ", ".join(found["provides"]) or "nothing beyond its kind"),
        ("needs", ", ".join(found["needs"]) or "nothing"),
        ("doctor", "offers a diagnosis" if found["diagnoses"] else "offers no diagnosis"),
    ]


def _default(option: DescribedOption) -> str:
    if option.default is None:
        return "required" if option.required else "none"
    return f"{option.default} ({option.size})" if option.size else option.default


def _installed(name: str) -> tuple[str, bool]:
    """Return where a distribution is, and whether it is installed from its sources."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return "unknown", False
    try:
        source = json.loads(found.read_text("direct_url.json") or "{}")
        editable = bool(source.get("dir_info", {}).get(_EDITABLE))
    except (ValueError, AttributeError):
        source, editable = {}, False
    if editable:
        return str(source.get("url", "")).removeprefix("file://"), True
    return str(found.locate_file("")), False
