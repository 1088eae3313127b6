"""The wheels of this checkout, built once for all of a run, and environments to install them in."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from scripts.environment import create, python_of
from scripts.release.building import Built, shared
from scripts.release.distributions import distributions
from tests.support.markdown import ROOT


@cache
def built() -> dict[str, Built]:
    """What is released, by the folder of the distribution, such as ``plugins/auth_jwt``."""
    return shared(distributions(ROOT), ROOT / "build" / "wheels")


@dataclass
class Environment:
    """A virtual environment of its own, and a folder to work in."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Environment:
        """Make an empty one below ``folder``."""
        create(folder / "venv")
        return cls(folder)

    @property
    def python(self) -> str:
        return python_of(self.folder / "venv")

    @staticmethod
    def inherited() -> dict[str, str]:
        """The variables of this process, without any by which a checkout could be found.

        What is imported there is compiled once, too: pip was told to leave that alone.
        """
        left_out = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
        return {key: each for key, each in os.environ.items() if key not in left_out}

    def run(self, *command: str, cwd: Path | None = None, code: int = 0) -> str:
        """Run a module's command; return what it said."""
        done = subprocess.run(
            [self.python, "-m", *command],
            cwd=cwd or self.folder,
            env={**self.inherited(), "NO_COLOR": "1", "COLUMNS": "160"},
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        return said

    def evaluate(self, source: str) -> str:
        """Run Python; return what it printed."""
        command = [self.python, "-c", source]
        environ = self.inherited()
        return subprocess.check_output(command, text=True, cwd=self.folder, env=environ).strip()

    def install(self, *arguments: str) -> None:
        self.run("pip", "install", "-qq", "--no-compile", *arguments)
