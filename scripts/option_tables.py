"""Write the option tables of the documentation from the models of the settings.

    python scripts/option_tables.py [--check]

A table stands between ``<!-- options: module:Model -->`` and ``<!-- /options -->``. With
``beyond module:Base`` after the model, options that are as in the base are left out. With
``--check`` nothing is written, and pages that are out of date are named.
"""

import argparse
import re
import sys
from importlib import import_module
from pathlib import Path

from pydantic import BaseModel

from gatewright.config.options import COMPUTED, DescribedOption, options_of

ROOT = Path(__file__).resolve().parent.parent
TABLE = re.compile(
    r"<!-- options: (?P<model>\S+)(?: beyond (?P<base>\S+))? -->\n.*?<!-- /options -->", re.DOTALL
)


def main() -> int:
    """Bring every page up to date, or say which are not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, name stale pages")
    check = parser.parse_args().check
    stale = [page for page in pages() if renewed(page.read_text()) != page.read_text()]
    for page in stale:
        if check:
            print(f"{page.relative_to(ROOT)}: out of date; run: python scripts/option_tables.py")
        else:
            page.write_text(renewed(page.read_text()))
    return int(check and bool(stale))


def pages() -> list[Path]:
    """The pages that may hold tables."""
    return sorted((ROOT / "docs").rglob("*.md"))


def renewed(text: str) -> str:
    """Return a page with every table written anew."""
    return TABLE.sub(_renewed_table, text)


def table(model: type[BaseModel], base: type[BaseModel] | None = None) -> str:
    """Return the table of a model's options, without those that are as in ``base``."""
    lines = ["| option | type | default | meaning |", "|---|---|---|---|"]
    for option in options_of(model, base):
        cells = (f"`{option.name}`", option.type, _default(option), option.meaning)
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines)


def _default(option: DescribedOption) -> str:
    if option.default is None:
        return "required" if option.required else "none"
    if option.default == COMPUTED:
        return COMPUTED
    return f"`{option.default}`" + (f" ({option.size})" if option.size else "")


def _renewed_table(found: re.Match[str]) -> str:
    head = found[0].partition("\n")[0]
    base = None if found["base"] is None else _model(found["base"])
    return f"{head}\n\n{table(_model(found['model']), base)}\n\n<!-- /options -->"


def _model(place: str) -> type[BaseModel]:
    module, _, name = place.partition(":")
    found = getattr(import_module(module), name)
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        message = f"{place} is no model"
        raise TypeError(message)
    return found


def _cell(text: str) -> str:
    """Escape what Markdown would take for markup."""
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
