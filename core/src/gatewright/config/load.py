"""Loads a configuration: a file, or a text, and the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Final

from gatewright.config.nodes import Mark, Option, Options, describe
from gatewright.config.plugins import Plugins
from gatewright.config.report import Report
from gatewright.config.resolve import Resolver
from gatewright.config.result import Config
from gatewright.config.settings import CoreSettings
from gatewright.config.source import parse, read
from gatewright.config.switches import Switches
from gatewright.config.validate import validate
from gatewright.plugin.manager import PluginManager
from gatewright.plugin.settings import Settings
from gatewright.plugin.spec import KINDS, section_of
from gatewright.plugin.suggest import did_you_mean

__all__ = ["DEFAULT_NAME", "load_config"]

DEFAULT_NAME: Final = "gatewright.yaml"

_KIND_SECTIONS: Final = {section_of(kind): kind for kind in KINDS}
_SECTIONS: Final = (*CoreSettings.model_fields, *_KIND_SECTIONS)


def load_config(
    path: FilePath | None = None,
    *,
    text: str | None = None,
    environ: Mapping[str, str] | None = None,
    name: str = DEFAULT_NAME,
    plugins: PluginManager | None = None,
) -> Config:
    """Read a configuration, import the plugins it names, and check all of it.

    Args:
        path: The file.
        text: The configuration itself, instead of ``path``.
        environ: Where variables are looked up; the process's environment unless given.
        name: What to call ``text`` in problems.
        plugins: Loads the plugins; one over everything installed unless given. It belongs to
            the gateway that is configured.

    Raises:
        ConfigError: With every problem there is, each with its place.
        ValueError: Neither ``path`` nor ``text`` is given, or both are.
    """
    if (path is None) is (text is None):
        message = "load_config takes either a path or a text"
        raise ValueError(message)
    report = Report(name if path is None else str(path))
    if text is None:
        text = read(FilePath(path or ""), report)
    root = parse(text, report)
    environ = os.environ if environ is None else environ
    resolver, switches = Resolver(environ, report), Switches.of(environ)
    sections = _sections(root, report)
    core = _core(sections, resolver)
    manager = plugins or PluginManager()
    if switches.trace:
        manager.trace(_tell)
    catalogue = Plugins(manager, resolver, switches)
    chosen = catalogue.select(sections)
    last_resort = catalogue.last_resort(chosen)
    report.raise_if_any()
    assert core is not None  # noqa: S101 - or there would have been a problem
    return Config(
        core=core,
        plugins=chosen,
        file=report.file,
        last_resort=last_resort,
        left_out=tuple(catalogue.left_out),
    )


def _tell(line: str) -> None:
    """Say what a hook did; there are no logs yet."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def _sections(root: Options, report: Report) -> dict[str, Option]:
    """Return the sections that exist, and report the others."""
    for name, option in root.entries.items():
        if name not in _SECTIONS:
            hint = did_you_mean(name, _SECTIONS)
            report.add(f"unknown section{hint}", (name,), option.mark)
    return {name: option for name, option in root.entries.items() if name in _SECTIONS}


def _core(sections: Mapping[str, Option], resolver: Resolver) -> CoreSettings | None:
    """Return the core's own sections, or ``None`` once it is reported what is wrong with them."""
    checked: dict[str, Settings] = {}
    for name, info in CoreSettings.model_fields.items():
        options = _options(name, sections.get(name), resolver)
        if options is None:
            continue
        model = info.annotation
        assert isinstance(model, type)  # noqa: S101 - all sections are plain models
        assert issubclass(model, Settings)  # noqa: S101
        mark = sections[name].mark if name in sections else None
        settings = validate(model, options, (name,), resolver.report, mark=mark)
        if settings is not None:
            checked[name] = settings
    if len(checked) < len(CoreSettings.model_fields):
        return None
    return CoreSettings.model_validate(checked)


def _options(name: str, option: Option | None, resolver: Resolver) -> Options | None:
    """Return what a section of the core says, with the environment put in."""
    before = len(resolver.report)
    if option is not None:
        option = resolver.option(option, (name,))
    if option is None:
        return None if len(resolver.report) > before else Options({}, Mark(1, 1))
    if isinstance(option.node, Options):
        return option.node
    if option.node.plain is None:
        return Options({}, option.mark)
    message = f"must be a mapping of options, found {describe(option.node)}"
    resolver.report.add(message, (name,), option.node.mark)
    return None
