import logging
import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import structlog

from gatewright.cli import main


@dataclass(frozen=True)
class Result:
    """What a command printed, and the exit code."""

    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """Run in an empty folder, without the developer's environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("GATEWRIGHT_CONFIG", "STATE_DIRECTORY", "GATEWRIGHT_TOKEN", "GATEWRIGHT_WS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(autouse=True)
def _logging_as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def gatewright(capfd) -> Run:
    """Run a command as the terminal would."""

    def run(*arguments: str) -> Result:
        capfd.readouterr()
        code = main([*arguments])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def keyboard():
    """Both ends of a pipe that stands for what is typed."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as typed:
        yield reading, typed
    os.close(reading)
