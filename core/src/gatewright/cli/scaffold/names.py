"""What a new plugin is called, in each place where it has a name."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from typing import Final

from gatewright.cli.errors import WrongUse
from gatewright.plugin.spec import Kind

__all__ = ["BadName", "Names"]

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class BadName(WrongUse):
    """A name that a plugin cannot have."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)

    def __str__(self) -> str:
        return (
            f"gatewright plugins new: {self.name!r} cannot be a plugin's name; "
            "lower-case letters and digits, words joined by '_', such as redis_stream"
        )


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one new plugin.

    Attributes:
        name: The word in the YAML.
        kind: Its kind.
    """

    name: str
    kind: Kind

    @classmethod
    def checked(cls, name: str, kind: Kind) -> Names:
        """Return the names that follow from ``name``.

        Raises:
            BadName: It is no word for a YAML key and a Python package.
        """
        if _NAME.fullmatch(name) is None or keyword.iskeyword(name):
            raise BadName(name)
        return cls(name, kind)

    @property
    def distribution(self) -> str:
        """What ``pip`` knows it by."""
        return f"gatewright-{self.kind}-{self.name}".replace("_", "-")

    @property
    def package(self) -> str:
        """What is imported."""
        return f"gatewright_{self.kind}_{self.name}"

    @property
    def classes(self) -> str:
        """How the names of its classes begin."""
        return "".join(word.capitalize() for word in self.name.split("_"))
