"""The browser client's own tests in Node: its parts, and faults that no gateway can be given."""

import re
import subprocess

from tests.support.javascript import NODE
from tests.support.markdown import ROOT


def test_nodes_own_tests_pass():
    done = subprocess.run(
        [NODE, "--test", "--test-reporter", "tap", "test/*.test.js"],
        cwd=ROOT / "clients" / "js",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    count = {name: int(n) for name, n in re.findall(r"^# (\w+) (\d+)$", done.stdout, re.MULTILINE)}
    assert count["pass"] == count["tests"] > 50
    assert done.stderr == ""
