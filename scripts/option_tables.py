"""Write the option tables of the documentation from the models of the settings.

    python scripts/option_tables.py [--check]

A table stands between ``<!-- options: module:Model -->`` and ``<!-- /options -->``. With
``beyond module:Base`` after the model, options that are as in the base are left out. With
``--check`` nothing is written, and pages that are out of date are named.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parent.parent
TABLE = re.compile(
    r"<!-- options: (?P<model>\S+)(?: beyond (?P<base>\S+))? -->\n.*?<!-- /options -->", re.DOTALL
)
KIB, MIB = 1024, 1024 * 1024
NOUNS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
}
BOUNDS = (
    ("exclusiveMinimum", "above {}"),
    ("minimum", "at least {}"),
    ("exclusiveMaximum", "below {}"),
    ("maximum", "at most {}"),
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
    properties = model.model_json_schema().get("properties", {})
    lines = ["| option | type | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if base is None or not _as_in(base, name, field):
            cells = (f"`{name}`", noun(properties[name]), shown(field), field.description or "")
            lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines)


def noun(schema: Mapping[str, Any]) -> str:
    """Return what kind of value a JSON Schema asks for."""
    if (several := schema.get("anyOf")) is not None:
        return " or ".join(noun(one) for one in several if one.get("type") != "null")
    if "enum" in schema:
        return f"one of {_choices(schema)}"
    if "$ref" in schema:
        return "mapping"
    if schema.get("type") == "array":
        items = schema["items"]
        return f"list of {_choices(items) if 'enum' in items else noun(items)}"
    if schema.get("format") == "path":
        return "path"
    return ", ".join([NOUNS[schema["type"]], *_bounds(schema)])


def shown(field: FieldInfo) -> str:
    """Return a default as it would be written in the file."""
    if field.is_required():
        return "required"
    if field.default is None:
        return "none"
    if field.default_factory is not None:
        return "see right"
    return f"`{_written(field.default)}`{_size(field.default)}"


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


def _as_in(base: type[BaseModel], name: str, field: FieldInfo) -> bool:
    other = base.model_fields.get(name)
    return other is not None and other.default == field.default


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    for key, words in BOUNDS:
        if key in schema:
            yield words.format(f"{schema[key]:g}")


def _choices(schema: Mapping[str, Any]) -> str:
    return ", ".join(f"`{choice}`" for choice in schema["enum"])


def _written(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple():
            return f"[{', '.join(map(str, value))}]"
        case _:
            return str(value)


def _size(value: object) -> str:
    """Say in larger units what is a whole number of them."""
    if not isinstance(value, int) or value < KIB or value % KIB:
        return ""
    return f" ({value // MIB} MiB)" if value % MIB == 0 else f" ({value // KIB} KiB)"


def _cell(text: str) -> str:
    """Escape what Markdown would take for markup."""
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
