"""What type checkers say: nothing of good plugins and backends, the right thing of wrong ones."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.core.plugin_env import PluginEnv

from gatewright.plugin.spec import KINDS

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
GOOD = sorted(path.name for path in FOLDER.glob("good_*.py"))
WRONG = sorted(path.name for path in FOLDER.glob("wrong_*.py"))
CHECKERS = ["mypy", "pyright"]

pytestmark = pytest.mark.timeout(300)  # without its cache, mypy reads every library first


def run_mypy() -> set[tuple[str, int, str]]:
    """Return what ``mypy --strict`` finds in this folder: the file, the line and the code."""
    files = [f"tests/typing/{name}" for name in (*GOOD, *WRONG)]
    output = told("mypy", "--strict", "--no-error-summary", "--hide-error-context", *files)
    found = re.findall(r"^tests/typing/(\S+):(\d+): error: .*\[([\w-]+)\]$", output, re.MULTILINE)
    assert len(found) == output.count(": error: "), output
    return {(file, int(line), code) for file, line, code in found}


def run_pyright() -> set[tuple[str, int, str]]:
    """Return what pyright finds, without the unknown types that follow from another error."""
    config = FOLDER / "pyrightconfig.json"
    output = told(
        "pyright", "--outputjson", "--pythonpath", sys.executable, "--project", str(config)
    )
    report = json.loads(output)
    assert report["summary"]["filesAnalyzed"] == len(GOOD) + len(WRONG)
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1, each["rule"])
        for each in report["generalDiagnostics"]
        if not each["rule"].startswith("reportUnknown")
    }


def told(module: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def found() -> dict[str, set[tuple[str, int, str]]]:
    return {"mypy": run_mypy(), "pyright": run_pyright()}


def expected(file: str, checker: str) -> set[tuple[str, int, str]]:
    """Return what the ``# wrong:`` comments of a file say that a checker must find."""
    return {
        (file, number, code)
        for number, line in enumerate((FOLDER / file).read_text().splitlines(), start=1)
        if "# wrong:" in line
        for name, code in re.findall(r"(\w+)\[([\w-]+)\]", line.partition("# wrong:")[2])
        if name == checker
    }


@pytest.mark.parametrize("file", GOOD)
@pytest.mark.parametrize("checker", CHECKERS)
def test_good_code_is_accepted(found, checker, file) -> None:
    assert {each for each in found[checker] if each[0] == file} == set()


@pytest.mark.parametrize("file", WRONG)
@pytest.mark.parametrize("checker", CHECKERS)
def test_each_wrong_line_is_found_and_no_other(found, checker, file) -> None:
    wanted = expected(file, checker)

    assert wanted
    assert {each for each in found[checker] if each[0] == file} == wanted


def test_the_good_plugins_are_plugins(tmp_path) -> None:
    env = PluginEnv(tmp_path)
    env.module("good_plugins", (FOLDER / "good_plugins.py").read_text())
    env.distribution("good", **{kind: {"good": "good_plugins"} for kind in KINDS})
    try:
        manager = env.manager()
        assert all(manager.load(kind, "good").factory.summary for kind in KINDS)
    finally:
        env.close()
