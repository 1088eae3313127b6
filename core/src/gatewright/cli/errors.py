"""What can be wrong with what was typed, or found where it pointed."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Final

from gatewright.errors import OperatorError
from gatewright.plugin.catalogue import CommandEntry
from gatewright.plugin.describe import describe
from gatewright.plugin.suggest import did_you_mean, listed, shown

__all__ = [
    "CommandFailed",
    "CommandNotInstalled",
    "CommandTaken",
    "NotPossible",
    "UnknownCommand",
    "WrongUse",
]

QUOTES: Final = "'\""


class WrongUse(OperatorError):
    """What was typed makes no sense."""


class NotPossible(OperatorError):
    """What was asked for is clear, and cannot be done."""

    exit_code: ClassVar[int] = 1


class UnknownCommand(WrongUse):
    """Nobody offers the command."""

    def __init__(self, name: str, known: Collection[str]) -> None:
        self.name, self.known = name, tuple(sorted(known))
        super().__init__(name, self.known)

    def __str__(self) -> str:
        hint = did_you_mean(self.name, self.known) or "; see gatewright --help"
        name = shown(self.name)  # a name that is not printable comes quoted
        return f"gatewright: no command named {name if name[0] in QUOTES else repr(name)}{hint}"


class CommandNotInstalled(WrongUse):
    """The command is one of this project's, and its distribution is not installed."""

    def __init__(self, name: str, distribution: str) -> None:
        self.name, self.distribution = name, distribution
        super().__init__(name, distribution)

    def __str__(self) -> str:
        return (
            f"gatewright {self.name}: comes with {self.distribution}, which is not installed here; "
            f"run: pip install {self.distribution}"
        )


class CommandTaken(WrongUse):
    """Several distributions offer the command."""

    def __init__(self, name: str, entries: Collection[CommandEntry]) -> None:
        self.name = name
        self.distributions = tuple(f"{entry.distribution} {entry.version}" for entry in entries)
        super().__init__(name, tuple(entries))

    def __str__(self) -> str:
        return (
            f"gatewright {self.name}: offered by {listed(self.distributions)}; "
            "uninstall all but one"
        )


class CommandFailed(WrongUse):
    """The command's entry point cannot be used."""

    def __init__(self, entry: CommandEntry, error: BaseException | str) -> None:
        self.entry, self.error = entry, error
        super().__init__(entry, error)

    def __str__(self) -> str:
        what = self.error if isinstance(self.error, str) else describe(self.error)
        origin = f"{self.entry.distribution} {self.entry.version}"
        return f"gatewright {self.entry.name} ({origin}) cannot be used: {what}; reinstall it"
