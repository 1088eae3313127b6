"""The code blocks of the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    chain(
        ROOT.glob("*.md"),
        ROOT.glob("docs/**/*.md"),
        ROOT.glob("examples/**/*.md"),
        ROOT.glob("deploy/**/*.md"),
        ROOT.glob("clients/*/README.md"),
        ROOT.glob("plugins/*/README.md"),
        ROOT.glob("kits/*/README.md"),
        ROOT.glob("core/README.md"),
    )
)
_BLOCK = re.compile(
    r"(?:^<!-- (?P<marker>.*?) -->\n)?^(?P<indent> *)```(?P<language>\w*)\n"
    r"(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """One code block.

    Attributes:
        marker: What the comment right before it says, or ``""``.
        line: Where its text begins.
    """

    page: Path
    language: str
    text: str
    marker: str
    line: int

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path, *languages: str) -> list[Block]:
    """Return the blocks of a page, in order; of all languages where none is named."""
    text = page.read_text()
    found = [
        Block(
            page,
            match["language"],
            dedent(match["text"]),
            match["marker"] or "",
            text[: match.start("text")].count("\n") + 1,
        )
        for match in _BLOCK.finditer(text)
    ]
    return [block for block in found if not languages or block.language in languages]


def all_blocks(*languages: str) -> list[Block]:
    """Return the blocks of all pages."""
    return [block for page in PAGES for block in blocks_of(page, *languages)]


def the_block(page: str, marker: str) -> Block:
    """Return the one block of a page with a marker."""
    (block,) = [block for block in blocks_of(ROOT / page) if block.marker == marker]
    return block
