"""What type checkers say of backends: nothing of a good one, the right thing of a wrong one."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "typing"
ROOT = FOLDER.parents[2]
GOOD, WRONG = "good_backend.py", "wrong_backend.py"

pytestmark = pytest.mark.timeout(300)  # without its cache, mypy reads every library first


def run_mypy():
    """Return what ``mypy --strict`` finds: the file, the line and the code."""
    files = [f"tests/sdk/typing/{name}" for name in (GOOD, WRONG)]
    output = told("mypy", "--strict", "--no-error-summary", "--hide-error-context", *files)
    found = re.findall(
        r"^tests/sdk/typing/(\S+):(\d+): error: .*\[([\w-]+)\]$", output, re.MULTILINE
    )
    assert len(found) == output.count(": error: "), output
    return {(file, int(line), code) for file, line, code in found}


def run_pyright():
    """Return what pyright finds, without the unknown types that follow from another error."""
    config = str(FOLDER / "pyrightconfig.json")
    output = told("pyright", "--outputjson", "--pythonpath", sys.executable, "--project", config)
    report = json.loads(output)
    assert report["summary"]["filesAnalyzed"] == 2
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1, each["rule"])
        for each in report["generalDiagnostics"]
        if not each["rule"].startswith("reportUnknown")
    }


def told(module, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def expected(checker):
    """Return what the ``# wrong:`` comments say that a checker must find."""
    return {
        (WRONG, number, code)
        for number, line in enumerate((FOLDER / WRONG).read_text().splitlines(), start=1)
        if "# wrong:" in line
        for name, code in re.findall(r"(\w+)\[([\w-]+)\]", line.partition("# wrong:")[2])
        if name == checker
    }


@pytest.mark.parametrize(("checker", "run"), [("mypy", run_mypy), ("pyright", run_pyright)])
def test_each_wrong_line_is_found_and_no_other(checker, run):
    assert expected(checker)
    assert run() == expected(checker)
