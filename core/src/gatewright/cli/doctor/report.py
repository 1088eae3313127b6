"""What was found, as a table for people or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from gatewright.cli.doctor.examining import Examined
from gatewright.cli.output import console, say, table
from gatewright.config.result import Config
from gatewright.plugin.spec import section_of

__all__ = ["Report"]

STYLES: Final = {"ok": "", "warning": "yellow", "error": "bold red"}


class Report:
    """All findings of one run.

    Attributes:
        errors: How many things do not work.
        warnings: How many may not for long.
        unexamined: The plugins in use that offer no diagnosis.
    """

    def __init__(self, file: str, findings: Sequence[Examined], config: Config) -> None:
        self._file = file
        self._findings = findings
        self.errors = sum(each.finding.status == "error" for each in findings)
        self.warnings = sum(each.finding.status == "warning" for each in findings)
        self.unexamined = [
            f"{section_of(kind)}.{selected.name}"
            for kind, chosen in config.plugins.items()
            for selected in chosen
            if selected.factory.diagnose is None
        ]

    def show(self, *, as_json: bool) -> None:
        """Print it."""
        if as_json:
            say(json.dumps(self._plain(), indent=2, ensure_ascii=False))
            return
        console().print(self._table())
        if self.unexamined:
            say(f"without a diagnosis of their own: {', '.join(self.unexamined)}")
        say(f"{self._file}: {self._sum()}")

    def _sum(self) -> str:
        if not self.errors and not self.warnings:
            return f"ok, {len(self._findings)} checks"
        return ", ".join(
            f"{count} {word}{'' if count == 1 else 's'}"
            for count, word in ((self.errors, "error"), (self.warnings, "warning"))
            if count
        )

    def _table(self) -> object:
        rows = [
            (
                each.finding.status,
                each.part,
                each.finding.check,
                each.finding.found + (f"\nfix: {each.finding.fix}" if each.finding.fix else ""),
            )
            for each in self._findings
        ]
        shown = table(["status", "part", "check", "found"], rows)
        for row, each in zip(shown.rows, self._findings, strict=True):
            row.style = STYLES[each.finding.status]
        return shown

    def _plain(self) -> dict[str, object]:
        return {
            "file": self._file,
            "ok": not self.errors,
            "errors": self.errors,
            "warnings": self.warnings,
            "findings": [{"part": each.part} | asdict(each.finding) for each in self._findings],
            "unexamined": self.unexamined,
        }
