"""Write the rules of the conformance suites into the documentation.

    python scripts/conformance_page.py [--check]

They stand in ``docs/conformance.md`` between ``<!-- rules -->`` and ``<!-- /rules -->``. With
``--check`` nothing is written, and the page is named if it is out of date.
"""

import argparse
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from gatewright.plugin.spec import KINDS, section_of
from gatewright.testing import conformance
from gatewright.testing.conformance import Case, Conformance, Rule, rules_of

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "conformance.md"
RULES = re.compile(r"<!-- rules -->\n.*<!-- /rules -->", re.DOTALL)
ATTRIBUTE = re.compile(r"^    (?P<name>\w+): (?P<text>.+(?:\n {8}.+)*)", re.MULTILINE)


def main() -> int:
    """Bring the page up to date, or say that it is not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say what is stale")
    check = parser.parse_args().check
    text = PAGE.read_text()
    stale = renewed(text) != text
    if stale and check:
        print(f"{PAGE.relative_to(ROOT)}: out of date; run: python scripts/conformance_page.py")
    elif stale:
        PAGE.write_text(renewed(text))
    return int(check and stale)


def renewed(text: str) -> str:
    """Return the page with its rules written anew."""
    rules = "\n\n".join(["<!-- rules -->", *sections(), "<!-- /rules -->"])
    return RULES.sub(lambda _found: rules, text)


def suites() -> list[type[Conformance[Any]]]:
    """Return the suites in the order of the kinds."""
    named = [getattr(conformance, name) for name in conformance.__all__]
    found = [each for each in named if inspect.isclass(each) and issubclass(each, Conformance)]
    return sorted(
        (suite for suite in found if suite is not Conformance),
        key=lambda suite: KINDS.index(suite.kind),
    )


def sections() -> Iterator[str]:
    """Yield what the page says of all kinds together, and of each."""
    everywhere = rules_of(Conformance)
    yield _section("Every kind", "", Case, everywhere)
    for suite in suites():
        own = [rule for rule in rules_of(suite) if rule not in everywhere]
        head = f"The suite is `{suite.__name__}`. {_summary(suite)}"
        yield _section(f"`{section_of(suite.kind)}`", head, _case_of(suite), own)


def _section(title: str, head: str, case: type[Case], rules: Sequence[Rule]) -> str:
    parts = [f"### {title}", head, _fields(case), _table(rules)]
    return "\n\n".join(part for part in parts if part)


def _case_of(suite: type[Conformance[Any]]) -> type[Case]:
    """Return what a suite's fixture ``case`` returns."""
    (base,) = (base for base in _bases(suite) if get_args(base))
    (case,) = get_args(base)
    if not (isinstance(case, type) and issubclass(case, Case)):
        message = f"{suite.__name__} has no case"
        raise TypeError(message)
    return case


def _bases(suite: type) -> Sequence[object]:
    return suite.__orig_bases__  # type: ignore[attr-defined,no-any-return]


def _fields(case: type[Case]) -> str:
    """Return the list of a case's own fields, as its docstring has them."""
    _, _, below = inspect.cleandoc(case.__doc__ or "").partition("Attributes:\n")
    fields = [f"- `{name}`: {_flat(text)}" for name, text in ATTRIBUTE.findall(below)]
    return f"`{case.__name__}`:\n\n" + "\n".join(fields) if fields else ""


def _table(rules: Sequence[Rule]) -> str:
    lines = ["| rule | |", "|---|---|"]
    for rule in rules:
        only = f" For factories that provide `{rule.capability}`." if rule.capability else ""
        lines.append(f"| {rule.number} | {_cell(rule.text)}{only} |")
    return "\n".join(lines)


def _summary(suite: type) -> str:
    """Return what a suite's docstring says before its attributes, on one line."""
    return _flat(inspect.cleandoc(suite.__doc__ or "").partition("\nAttributes:\n")[0])


def _flat(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def _cell(text: str) -> str:
    """Escape what Markdown would take for markup."""
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
