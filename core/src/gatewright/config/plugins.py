"""Chooses plugins: which entries are in use, what they are, and what their options say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gatewright.config.enabled import KEY, Enabled
from gatewright.config.nodes import Mark, Option, Options, Path, Scalar, describe
from gatewright.config.resolve import Resolver
from gatewright.config.result import Selected
from gatewright.config.switches import DISABLE, SAFE_MODE, Switches
from gatewright.config.validate import check_spelling, validate
from gatewright.errors import PluginError
from gatewright.plugin.errors import FaultyPlugin, NameTaken, PluginNotInstalled
from gatewright.plugin.manager import LoadedPlugin, PluginManager
from gatewright.plugin.spec import KINDS, PROJECT, Kind, section_of
from gatewright.plugin.suggest import listed, shown

__all__ = ["DEFAULTS", "ONE_OF", "Plugins"]

ONE_OF: Final[frozenset[Kind]] = frozenset(
    {"auth", "presence", "bus", "rate_limit", "dead_letters"}
)
"""The kinds of which a gateway has exactly one."""

DEFAULTS: Final[Mapping[Kind, str]] = {
    "presence": "memory",
    "bus": "memory",
    "rate_limit": "token_bucket",
    "dead_letters": "file",
}
"""What serves where the file names no plugin of a kind."""

_NAME: Final = re.compile(r"([^/]+)(?:/([A-Za-z0-9._-]+))?")
_NO_AUTH: Final = (
    "names no enabled plugin, and there is no default; write one, such as "
    "'jwt: {public_key_file: public.pem}', or 'anonymous:' where anybody may connect"
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a section, before its options are looked at."""

    kind: Kind
    key: str
    plugin: str
    mark: Mark
    options: Options

    @property
    def path(self) -> Path:
        return (section_of(self.kind), self.key)


class Plugins:
    """Chooses the plugins of one configuration.

    Attributes:
        left_out: Extensions that the environment switched off, each with why, and what it names in
            vain.
    """

    def __init__(self, manager: PluginManager, resolver: Resolver, switches: Switches) -> None:
        self.left_out: list[str] = []
        self._manager = manager
        self._switches = switches
        self._named: set[str] = set()
        self._resolver = resolver
        self._report = resolver.report
        self._enabled = Enabled(resolver.environ, resolver.report)

    def select(self, sections: Mapping[str, Option]) -> dict[Kind, tuple[Selected, ...]]:
        """Return what is in use, by kind, and report every problem on the way."""
        chosen = {kind: self._kind(kind, sections.get(section_of(kind))) for kind in KINDS}
        self.left_out += [
            f"{DISABLE} names {name!r}, which is no plugin of this file"
            for name in sorted(self._switches.disabled - self._named)
        ]
        return chosen

    def _kind(self, kind: Kind, section: Option | None) -> tuple[Selected, ...]:
        before = len(self._report)
        entries = [] if section is None else self._entries(kind, section)
        chosen: list[_Entry] = []
        for entry in entries:
            match self._enabled.of(entry.options, entry.path):
                case True if self._let_in(entry):
                    chosen.append(entry)
                case False:
                    self._check_disabled(entry)
                case _:
                    pass
        if kind in ONE_OF:
            self._check_one(kind, chosen, section, known=len(self._report) == before)
        selected = [self._selected(entry) for entry in chosen]
        if not chosen and kind in DEFAULTS:
            selected.append(self._default(kind))
        return tuple(one for one in selected if one is not None)

    def _entries(self, kind: Kind, section: Option) -> list[_Entry]:
        node = section.node
        if isinstance(node, Scalar):
            resolved = self._resolver.option(section, (section_of(kind),))
            if resolved is None or resolved.node.plain is None:
                return []
        if not isinstance(node, Options):
            message = f"must be a mapping of plugins, found {describe(node)}"
            self._report.add(message, (section_of(kind),), node.mark)
            return []
        entries = [self._entry(kind, key, option) for key, option in node.entries.items()]
        return [entry for entry in entries if entry is not None]

    def _entry(self, kind: Kind, key: str, option: Option) -> _Entry | None:
        path = (section_of(kind), key)
        name = _NAME.fullmatch(key)
        if name is None:
            message = (
                "must be a plugin's name, or name/label with a label of letters, digits, . _ -"
            )
            self._report.add(message, path, option.mark)
            return None
        node = option.node
        if isinstance(node, Scalar):
            resolved = self._resolver.option(option, path)
            if resolved is None:
                return None
            if resolved.node.plain is None:
                node = Options({}, option.mark)
        if not isinstance(node, Options):
            message = f"must be a mapping of options, found {describe(node)}"
            self._report.add(message, path, node.mark)
            return None
        return _Entry(kind, key, name[1], option.mark, node)

    def _let_in(self, entry: _Entry) -> bool:
        """Whether the environment lets a plugin be used; what is no extension must be."""
        switches = self._switches
        self._named |= {entry.key, entry.plugin}
        if switches.disabled & {entry.key, entry.plugin}:
            variable, why = DISABLE, "is named here and in %s; remove one"
        elif switches.safe_mode and not self._is_built_in(entry):
            variable, why = SAFE_MODE, "is not built in, as %s asks; remove one"
        else:
            return True
        if entry.kind == "extension":
            self.left_out.append(f"extensions.{entry.key} is left out by {variable}")
        else:
            self._report.add(why % variable, entry.path, entry.mark)
        return False

    def _is_built_in(self, entry: _Entry) -> bool:
        offered = self._manager.catalogue.named(entry.kind, entry.plugin)
        return not offered or any(each.distribution == PROJECT for each in offered)

    def _check_one(
        self, kind: Kind, chosen: list[_Entry], section: Option | None, *, known: bool
    ) -> None:
        path = (section_of(kind),)
        if len(chosen) > 1:
            rest = "one" if len(chosen) == 2 else "all but one"  # noqa: PLR2004
            found = listed(shown(entry.key) for entry in chosen)
            self._report.add(f"takes one, found {found}; disable {rest}", path, chosen[1].mark)
        elif not chosen and kind not in DEFAULTS and known:
            self._report.add(_NO_AUTH, path, None if section is None else section.mark)

    def _check_disabled(self, entry: _Entry) -> None:
        """Check the spelling of what is not in use; it need be neither installed nor sound."""
        try:
            loaded = self._manager.load(entry.kind, entry.plugin)
        except (PluginNotInstalled, NameTaken, FaultyPlugin):
            return
        except PluginError as error:
            self._report.add(str(error), entry.path, entry.mark)
            return
        options = _without_enabled(entry.options)
        check_spelling(loaded.factory.settings, options, entry.path, self._report, reserved=(KEY,))

    def _selected(self, entry: _Entry) -> Selected | None:
        loaded = self._load(entry.kind, entry.plugin, entry.path, entry.mark)
        options = self._resolver.options(_without_enabled(entry.options), entry.path)
        if loaded is None:
            return None
        settings = validate(
            loaded.factory.settings,
            options,
            entry.path,
            self._report,
            mark=entry.mark,
            reserved=(KEY,),
        )
        if settings is None:
            return None
        return Selected(
            entry.kind, entry.key, entry.plugin, _distribution(loaded), loaded.factory, settings
        )

    def last_resort(self, chosen: Mapping[Kind, tuple[Selected, ...]]) -> Selected | None:
        """Return the local file that stands behind another dead letter store, by its defaults."""
        stores = chosen["dead_letters"]
        if not stores or stores[0].plugin == DEFAULTS["dead_letters"]:
            return None
        return self._default("dead_letters")

    def _default(self, kind: Kind) -> Selected | None:
        name, path = DEFAULTS[kind], (section_of(kind), DEFAULTS[kind])
        loaded = self._load(kind, name, path, None)
        if loaded is None:
            return None
        model = loaded.factory.settings
        settings = validate(model, Options({}, Mark(1, 1)), path, self._report)
        if settings is None:
            return None
        return Selected(
            kind, name, name, _distribution(loaded), loaded.factory, settings, by_default=True
        )

    def _load(self, kind: Kind, name: str, path: Path, mark: Mark | None) -> LoadedPlugin | None:
        try:
            return self._manager.load(kind, name)
        except PluginError as error:
            self._report.add(str(error), path, mark)
            return None


def _without_enabled(options: Options) -> Options:
    entries = {key: option for key, option in options.entries.items() if key != KEY}
    return Options(entries, options.mark, options.emptied, options.broken - {KEY})


def _distribution(loaded: LoadedPlugin) -> str:
    return f"{loaded.entry.distribution} {loaded.entry.version}"
