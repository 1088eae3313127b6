"""Write the reference pages from the code.

    python scripts/reference_pages.py [--check]

They are ``docs/reference/*.md``: the commands from their help, the hooks, protocols and public
names from their docstrings, the metrics from the registry. With ``--check`` nothing is written,
and each page that is out of date is named.
"""

import argparse
import ast
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from importlib import import_module
from inspect import cleandoc, getsource
from pathlib import Path

import typer

import gatewright
from gatewright.cli.application import build
from gatewright.metrics import Metrics
from gatewright.plugin import protocols, spec
from gatewright.plugin.catalogue import Catalogue, CommandEntry

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
TO_RENEW = "python scripts/reference_pages.py"
WIDTH = 100
GROUPS = {
    "Values": ("gatewright.model", "gatewright.wire.publication"),
    "Factories and their context": (
        "gatewright.plugin.factory",
        "gatewright.plugin.context",
        "gatewright.plugin.diagnosis",
        "gatewright.plugin.spec",
    ),
    "Settings": ("gatewright.plugin.settings",),
    "Errors and warnings": ("gatewright.errors", "gatewright.plugin.deprecation"),
    "Names, bodies, folders, clocks": (
        "gatewright.wire.names",
        "gatewright.wire.event",
        "gatewright.state",
        "gatewright.clock",
    ),
}
SECTION = re.compile(
    r"^(Args|Attributes|Raises|Returns):\n((?:(?: {4}.*)?(?:\n|\Z))+)", re.MULTILINE
)
ENTRY = re.compile(r"^(?P<name>[\w.]+): (?P<text>.+(?:\n {4}.+)*)", re.MULTILINE)
TITLES = {"Args": "Arguments", "Attributes": "Fields"}

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign


def main() -> int:
    """Bring the pages up to date, or name those that are not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say what is stale")
    check = parser.parse_args().check
    stale = {name: text for name, text in pages().items() if _present(name) != text}
    for name, text in stale.items():
        if check:
            print(f"docs/reference/{name}: out of date; run: {TO_RENEW}")
        else:
            FOLDER.mkdir(parents=True, exist_ok=True)
            (FOLDER / name).write_text(text)
    return int(check and bool(stale))


def pages() -> dict[str, str]:
    """Return the text of every page by the name of its file."""
    return {
        "api.md": _page(api()),
        "commands.md": _page(commands()),
        "hooks.md": _page(hooks()),
        "metrics.md": _page(metrics()),
    }


def commands() -> Iterator[str]:
    """Yield the help of every command, those of this repository's plugins included."""
    yield "# Commands"
    yield (
        "What `--help` says. When to use which is in [operations](../operations.md), what the exit "
        "codes mean in [configuration](../configuration.md#problems-and-exit-codes)."
    )
    yield from _helps(_group(Catalogue()), "gatewright")
    for entry in Catalogue.installed().commands:
        if entry.distribution.startswith("gatewright-"):
            command = _group(Catalogue(commands=(entry,)), entry).commands[entry.name]
            yield from _helps(command, f"gatewright {entry.name}", entry.distribution)


def hooks() -> Iterator[str]:
    """Yield the hook of each kind with the protocol of its backends, then the other protocols."""
    yield "# Hooks and protocols"
    yield (
        "Each hook is called once, at start, and hands over a `Factory`; what runs for each "
        "message are methods of the backend that the factory opens. How to write one is in "
        "[plugins](../plugins.md), what may change in which version in [hook API](../hook-api.md)."
    )
    told = set()
    for kind in spec.KINDS:
        hook = f"gatewright_{kind}"
        yield f"## {spec.section_of(kind)}"
        yield from _function(_definitions(spec.__name__)[hook], spec.__name__)
        protocol = "Extension" if kind == "extension" else _protocol_of(hook)
        told.add(protocol)
        yield from _entry(protocol, protocols.__name__)
    yield "## Handed over, and optional"
    for name in protocols.__all__:
        if name not in told:
            yield from _entry(name, protocols.__name__)


def api() -> Iterator[str]:
    """Yield the public names that `hooks` does not tell of."""
    yield "# Public names"
    yield (
        "What a plugin may import from `gatewright`, beside the protocols in [hooks](hooks.md). "
        "All signatures in one list are in [public-api.txt](../public-api.txt)."
    )
    for title, modules in GROUPS.items():
        yield f"## {title}"
        for module in modules:
            for name in _definitions(module):
                if name in gatewright.__all__:
                    yield from _entry(name, module)


def metrics() -> Iterator[str]:
    """Yield the table of the core's metrics, as Prometheus sees them."""
    yield "# Metrics"
    yield (
        "The core's, by the names under which they are scraped, with the text that `/metrics` "
        "gives them. What the labels hold, and what is worth an alarm, is in "
        "[operations](../operations.md#metrics); plugins tell of theirs in their READMEs."
    )
    lines = ["| name | type | labels | help |", "|---|---|---|---|"]
    for family in Metrics().registry.collect():
        total = "_total" if family.type == "counter" else ""
        labels = ", ".join(f"`{name}`" for name in _labels(family.name))
        lines.append(
            f"| `{family.name}{total}` | {family.type} | {labels} | {family.documentation} |"
        )
    yield "\n".join(lines)


def _labels(metric: str) -> tuple[str, ...]:
    found = [each for each in vars(Metrics()).values() if getattr(each, "_name", "") == metric]
    (labels,) = (tuple(each._labelnames) for each in found)  # noqa: SLF001 - it has no public name
    return labels


def _page(parts: Iterable[str]) -> str:
    note = "<!-- written by scripts/reference_pages.py -->"
    return "\n\n".join([note, *filter(None, (part.strip() for part in parts))]) + "\n"


def _present(name: str) -> str | None:
    file = FOLDER / name
    return file.read_text() if file.exists() else None


def _group(catalogue: Catalogue, called: CommandEntry | None = None) -> typer.core.TyperGroup:
    command = typer.main.get_command(build(catalogue, called))
    if not isinstance(command, typer.core.TyperGroup):
        message = "the command line has no commands"
        raise TypeError(message)
    return command


def _helps(command: object, path: str, distribution: str = "gatewright") -> Iterator[str]:
    """Yield the help of a command and of those below it."""
    if not isinstance(command, typer.core.TyperCommand | typer.core.TyperGroup):
        raise TypeError(path)
    command.rich_markup_mode = None  # plain text, without boxes
    context = typer.Context(
        command, info_name=path, help_option_names=["-h", "--help"], terminal_width=WIDTH
    )
    yield f"## {path}"
    if distribution != "gatewright":
        yield f"From [{distribution}]({_readme(distribution)})."
    yield f"```text\n{command.get_help(context).replace('**', '')}\n```"
    for name, below in getattr(command, "commands", {}).items():
        yield from _helps(below, f"{path} {name}", distribution)


def _readme(distribution: str) -> str:
    folder = distribution.removeprefix("gatewright-").replace("-", "_")
    return f"../../plugins/{folder}/README.md"


def _entry(name: str, module: str) -> Iterator[str]:
    """Yield heading, text and code of one public name."""
    found = _definitions(module)[name]
    yield f"### {name}"
    if isinstance(found, ast.ClassDef):
        yield from _class(found, module)
    elif isinstance(found, ast.Assign | ast.AnnAssign):
        yield _code(_source(module, found))
        yield _text(_docstring_after(module, found))
    else:
        yield from _function(found, module)


def _class(found: ast.ClassDef, module: str) -> Iterator[str]:
    yield _text(ast.get_docstring(found) or "")
    fields = [_source(module, each) for each in found.body if isinstance(each, ast.AnnAssign)]
    public = [line for line in fields if not line.lstrip().startswith("_")]
    head = f"class {found.name}({', '.join(map(ast.unparse, found.bases))}):".replace("():", ":")
    if public:
        yield _code("\n".join([head, *(textwrap.indent(line, "    ") for line in public)]))
    for each in found.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and _is_public(each.name):
            yield from _function(each, module)


def _is_public(method: str) -> bool:
    return not method.startswith("_") or method in {"__call__", "__init__"}


def _function(found: Definition, module: str) -> Iterator[str]:
    """Yield a function's signature and what its docstring says."""
    if not isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
        raise TypeError(module)
    marks = [each for each in found.decorator_list if ast.unparse(each) != "hookspec"]
    first = min([found.lineno, *(each.lineno for each in marks)])
    lines = _lines(module)[first - 1 : found.body[0].lineno - 1]
    signature = textwrap.dedent("\n".join(lines)).partition("  #")[0].rstrip()
    yield _code(f"{signature} ...")
    yield _text(ast.get_docstring(found) or "")


def _protocol_of(hook: str) -> str:
    found = _definitions(spec.__name__)[hook]
    if not isinstance(found, ast.FunctionDef) or found.returns is None:
        raise TypeError(hook)
    return ast.unparse(found.returns).removesuffix("]").rpartition(" ")[2]


def _definitions(module: str) -> dict[str, Definition]:
    """Return what a module defines, by name, in its order."""
    found: dict[str, Definition] = {}
    for node in ast.parse("\n".join(_lines(module))).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            found[ast.unparse(target)] = node
    return found


def _lines(module: str) -> list[str]:
    return getsource(import_module(module)).splitlines()


def _source(module: str, node: ast.stmt) -> str:
    return textwrap.dedent("\n".join(_lines(module)[node.lineno - 1 : node.end_lineno]))


def _docstring_after(module: str, node: ast.stmt) -> str:
    """Return the text that stands below an assignment, or nothing."""
    body = ast.parse("\n".join(_lines(module))).body
    (place,) = (index for index, each in enumerate(body) if each.lineno == node.lineno)
    match body[place + 1 : place + 2]:
        case [ast.Expr(value=ast.Constant(value=str(text)))]:
            return cleandoc(text)
    return ""


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _text(docstring: str) -> str:
    """Return a docstring as Markdown: its sections as lists."""
    text = re.sub(r"\.\. versionadded:: (.+)", r"Since \1.", docstring).replace("``", "`")
    return SECTION.sub(_listed, text)


def _listed(found: re.Match[str]) -> str:
    title, body = TITLES.get(found[1], found[1]), textwrap.dedent(found[2])
    entries = [f"- `{each['name']}`: {each['text']}" for each in ENTRY.finditer(body)]
    listed = "\n".join(re.sub(r"\n {4}", "\n  ", each) for each in entries)
    return f"{title}:\n\n{listed or body.strip()}\n\n"


if __name__ == "__main__":
    sys.exit(main())
