"""Write down the public API: every name with its signature or its fields, and every hook.

    python scripts/public_api.py [--check | --release]

``docs/public-api.txt`` says what there is, ``tests/core/api/released.txt`` what the last release
had. Without an option the first is renewed. With ``--check`` nothing is written: what differs from
it is told, and which changes since the release the changelog does not mention. ``--release``
renews both; that belongs to making a release.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gatewright.plugin import spec

ROOT = Path(__file__).resolve().parent.parent
CURRENT = ROOT / "docs" / "public-api.txt"
RELEASED = ROOT / "tests" / "core" / "api" / "released.txt"
CHANGELOG = ROOT / "CHANGELOG.md"
MODULES = ("gatewright", "gatewright.testing")
UNRELEASED = "before the first release"
TO_RENEW = "python scripts/public_api.py"

Api = Mapping[str, tuple[str, ...]]
"""Each entry's lines by its name: the first says what it is, the others its parts."""


def main() -> int:
    """Renew the files, or say what is wrong with them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="write nothing, say what is wrong")
    how.add_argument("--release", action="store_true", help="this is what is released now")
    options = parser.parse_args()
    if options.check:
        problems = all_problems()
        print(*problems, sep="\n", end="\n" if problems else "")
        return int(bool(problems))
    CURRENT.write_text(written(public_api(), "what there is"))
    if options.release:
        RELEASED.write_text(written(public_api(), f"gatewright {version('gatewright')}"))
    return 0


def all_problems() -> list[str]:
    """Return what is wrong with the two files and the changelog."""
    current, released = public_api(), read(RELEASED.read_text())
    return [
        *stale(read(CURRENT.read_text()), current),
        *unmentioned(released, current, CHANGELOG.read_text()),
        *unnumbered(released, current, of_release=released_as(RELEASED.read_text())),
    ]


# -- what is compared ------------------------------------------------------------------------------


def changes(before: Api, after: Api) -> Iterator[tuple[str, str]]:
    """Yield the name of each entry that differs, with lines that say how."""
    for name in sorted({*before, *after}):
        old, new = before.get(name, ()), after.get(name, ())
        if old != new:
            lines = [f"  - {line.strip()}" for line in old if line not in new]
            lines += [f"  + {line.strip()}" for line in new if line not in old]
            yield name, "\n".join(lines)


def stale(snapshot: Api, current: Api) -> list[str]:
    """Return how the snapshot is not what the code has."""
    return [
        f"{name} is not as docs/public-api.txt says:\n{how}\n"
        f"If that is meant: run {TO_RENEW}, and write a line that names it below "
        "[Unreleased] in CHANGELOG.md."
        for name, how in changes(snapshot, current)
    ]


def unmentioned(released: Api, current: Api, changelog: str) -> list[str]:
    """Return which changes since the release the changelog does not tell."""
    _, _, rest = changelog.partition("\n## [Unreleased]\n")
    section = rest.partition("\n## [")[0]
    return [
        f"{name} has changed since the last release, and nothing below [Unreleased] in "
        f"CHANGELOG.md names it:\n{how}"
        for name, how in changes(released, current)
        if not any(re.search(rf"\b{re.escape(word)}\b", section) for word in _named(name, released))
    ]


def _named(name: str, released: Api) -> Iterator[str]:
    """Yield what may stand for an entry in the changelog: its name, or that of a new module."""
    module, _, own = name.rpartition(".")
    yield own
    if module and not any(other.startswith(f"{module}.") for other in released):
        yield module


def unnumbered(released: Api, current: Api, *, of_release: str) -> list[str]:
    """Return that the hook API has changed under its old number; not before the first release."""
    number = released["HOOK_API"]
    changed = [name for name, _ in changes(released, current)]
    if not changed or of_release == UNRELEASED or number != current["HOOK_API"]:
        return []
    names = ", ".join(changed)
    problem = (
        f"{number[0]} is that of {of_release}, and {names} changed since: in plugin/spec.py raise "
        "its minor for what is added, its major for what breaks"
    )
    return [problem]


# -- the files -------------------------------------------------------------------------------------


def written(api: Api, what: str) -> str:
    """Return the text of a file."""
    head = f"# The public API: {what}. Written by {TO_RENEW}, do not edit.\n"
    return head + "".join("\n" + "\n".join(lines) + "\n" for lines in api.values())


def read(text: str) -> Api:
    """Return what a file holds."""
    blocks = [block.splitlines() for block in text.split("\n\n")[1:]]
    return {_name_of(lines[0]): tuple(lines) for lines in blocks}


def released_as(text: str) -> str:
    """Return which release a file is of."""
    found = re.match(r"# The public API: (.*?)\. Written by", text)
    return found[1] if found else UNRELEASED


def _name_of(line: str) -> str:
    found = re.match(r"(?:hook )?([\w.]+)", line)
    return found[1] if found else line


# -- the code --------------------------------------------------------------------------------------


def public_api() -> Api:
    """Return the API as the code has it."""
    api: dict[str, tuple[str, ...]] = {"HOOK_API": (f"HOOK_API = {spec.HOOK_API}",)}
    for kind in spec.KINDS:
        name = f"{spec.PROJECT}_{kind}"
        api[name] = (f"hook {name}{_signature(getattr(spec, name))}",)
    for module_name in MODULES:
        module = import_module(module_name)
        for name in getattr(module, "__all__", ()):
            if name not in api:
                full = f"{module_name}.{name}"
                api[full] = tuple(_described(full, getattr(module, name)))
    return api


def _described(name: str, value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever is public
    if inspect.isclass(value):
        yield f"{name}: {_kind(value)}"
        yield from (f"    {line}" for line in _members(value))
    elif inspect.isfunction(value):
        yield f"{name}{_signature(value)}"
    elif type(value).__module__ in {"typing", "types", "collections.abc"}:
        yield f"{name} = {_shown(value)}"
    else:
        yield f"{name}: {type(value).__name__}"


def _kind(of: type[Any]) -> str:
    what = "class"
    if issubclass(of, BaseException):
        what = "exception"
    elif issubclass(of, BaseModel):
        what = "settings"
    elif dataclasses.is_dataclass(of):
        what = "dataclass"
    elif getattr(of, "_is_protocol", False):
        what = "protocol"
    bases = [base.__name__ for base in of.__bases__ if base.__module__.startswith("gatewright")]
    return f"{what}({', '.join(bases)})" if bases else what


def _members(of: type[Any]) -> Iterable[str]:
    """Return the lines of a class: what it inherits from us included, each name once."""
    found: dict[str, str] = {}
    for base in reversed(of.__mro__):
        if base.__module__.startswith("gatewright"):
            found |= _fields(base)
            found |= _methods(base)
    return found.values()


def _fields(of: type[Any]) -> dict[str, str]:
    annotations = inspect.get_annotations(of)
    return {
        name: f"{name}: {_unannotated(_text(annotation))}{_default(of, name)}"
        for name, annotation in annotations.items()
        if not name.startswith("_")
    } | {
        name: f"{name} = {value!r}"
        for name, value in vars(of).items()
        if isinstance(value, str | int) and not name.startswith("_") and name not in annotations
    }


def _default(of: type[Any], name: str) -> str:
    if issubclass(of, BaseModel):
        option = of.model_fields[name]
        return "" if option.is_required() else f" = {_shown(option.default)}"
    field = getattr(of, "__dataclass_fields__", {}).get(name)
    if field is None:
        return f" = {_shown(vars(of)[name])}" if name in vars(of) else ""
    if field.default_factory is not dataclasses.MISSING:
        return f" = {field.default_factory.__name__}()"
    return "" if field.default is dataclasses.MISSING else f" = {_shown(field.default)}"


def _methods(of: type[Any]) -> dict[str, str]:
    generated = issubclass(of, BaseModel) or dataclasses.is_dataclass(of)
    generated = generated or getattr(of, "_is_protocol", False)
    found = {}
    for name, value in vars(of).items():
        function = getattr(value, "__func__", value)
        wanted = not name.startswith("_") or name == "__call__"
        wanted = wanted or (name == "__init__" and not generated)
        if wanted and isinstance(value, property):
            found[name] = f"{name} -> {_text(value.fget.__annotations__.get('return'))}"
        elif wanted and inspect.isfunction(function):
            prefix = "async " if inspect.iscoroutinefunction(function) else ""
            found[name] = f"{prefix}{name}{_signature(function)}"
    return found


class _Verbatim:
    """An annotation that is shown as it is written."""

    def __init__(self, annotation: object) -> None:
        self._text = _text(annotation)

    def __repr__(self) -> str:
        return self._text


def _signature(function: Any) -> str:  # noqa: ANN401 - any callable
    signature = inspect.signature(function)
    parameters = [
        each
        if each.annotation is each.empty
        else each.replace(annotation=_Verbatim(each.annotation))
        for each in signature.parameters.values()
    ]
    result = _Verbatim(signature.return_annotation)
    return str(signature.replace(parameters=parameters, return_annotation=result))


def _unannotated(annotation: str) -> str:
    """Return a pydantic field's type and bounds, without its description."""
    tree = ast.parse(annotation, mode="eval").body
    if not (isinstance(tree, ast.Subscript) and ast.unparse(tree.value) == "Annotated"):
        return annotation
    if not isinstance(tree.slice, ast.Tuple):
        return annotation
    kind, *details = tree.slice.elts
    bounds = [
        ast.unparse(keyword)
        for detail in details
        if isinstance(detail, ast.Call)
        for keyword in detail.keywords
        if keyword.arg != "description"
    ]
    return f"{ast.unparse(kind)} ({', '.join(bounds)})" if bounds else ast.unparse(kind)


def _text(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else _shown(annotation)


def _shown(value: object) -> str:
    """Return a value's ``repr`` without modules and addresses."""
    text = re.sub(r"<function (\w+) at 0x\w+>", r"\1", repr(value))
    return re.sub(r"\b(?:typing|collections\.abc|gatewright(?:\.\w+)+)\.(?=\w)", "", text)


if __name__ == "__main__":
    sys.exit(main())
