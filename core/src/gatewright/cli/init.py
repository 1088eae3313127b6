"""``gatewright init``: a file to start from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from gatewright.cli.errors import WrongUse
from gatewright.cli.options import DEFAULT_CONFIG
from gatewright.cli.output import note, say
from gatewright.cli.plugin_names import Named, named
from gatewright.config.plugins import ONE_OF
from gatewright.plugin.catalogue import Catalogue
from gatewright.plugin.suggest import listed

__all__ = ["init"]

COMMAND: Final = "gatewright init"
_WITHOUT: Final[Sequence[Named]] = (("auth", "jwt"), ("auth", "anonymous"))
"""How clients are authenticated where nobody says how: the first that is installed."""


class _NotOverwritten(WrongUse):
    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__(file)

    def __str__(self) -> str:
        return f"{COMMAND}: {self.file} is there already; --force overwrites it"


class _TakesOne(WrongUse):
    def __init__(self, kind: str, names: Sequence[str]) -> None:
        self.kind, self.names = kind, tuple(names)
        super().__init__(kind, self.names)

    def __str__(self) -> str:
        return f"{COMMAND}: {self.kind} takes one, found {listed(self.names)}; leave out one"


def init(
    plugins: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PLUGIN]...", help="KIND:NAME or NAME.", show_default=False),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where it is written.")
    ] = DEFAULT_CONFIG,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Write a file to start from, for some plugins: what they need, and every option explained.

    What must be given is an environment variable; the rest stands there as it is by default. For
    example: **gatewright init auth:jwt transport:redis_stream events:webhook**
    """
    from gatewright.config.starting import starting
    from gatewright.plugin.manager import PluginManager

    manager = PluginManager()
    chosen = _chosen(plugins or (), manager.catalogue)
    begun = starting([manager.load(*plugin) for plugin in chosen])
    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(begun.text)
    except FileExistsError:
        raise _NotOverwritten(output) from None
    say(str(output))
    if begun.variables:
        note(f"to be set: {', '.join(begun.variables)}")
    note(f"next: gatewright config check -c {output}")


def _chosen(texts: Sequence[str], catalogue: Catalogue) -> list[Named]:
    chosen = list(dict.fromkeys(named(text, catalogue, COMMAND) for text in texts))
    kinds = Counter(kind for kind, _ in chosen)
    for kind in ONE_OF:
        if kinds[kind] > 1:
            raise _TakesOne(kind, [name for of, name in chosen if of == kind])
    if not kinds["auth"]:
        chosen.insert(0, next(auth for auth in _WITHOUT if catalogue.named(*auth)))
        note(
            f"{':'.join(chosen[0])} is taken, because a gateway needs one; name another to have it"
        )
    return chosen
