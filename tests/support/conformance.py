"""Runs a suite against broken backends, and tells which rules each of them breaks."""

from __future__ import annotations

from collections import defaultdict

from gatewright.testing.conformance import rules_of

PLUGIN = "gatewright.testing.plugin"


def broken_rules(pytester, path):
    """Run the suites in a file; return the numbers of the rules that failed, by class."""
    arguments = ["-p", PLUGIN, "-p", "no:cacheprovider", "--import-mode=importlib"]
    result = pytester.inline_run(*arguments, f"--rootdir={path.parent}", str(path))
    failed = defaultdict(set)
    for report in result.getreports("pytest_runtest_logreport"):
        cls = report.nodeid.split("::")[1]
        if report.when == "call":
            failed[cls] |= set()
        if report.failed:
            (number,) = [value for key, value in report.user_properties if key == "gatewright_rule"]
            assert report.sections[-1][0] == f"rule {number}"
            failed[cls].add(number)
    return dict(failed)


def assert_each_breaks_its_rule(pytester, path, suite, *, besides=frozenset()):
    """Every rule of ``suite`` has a class ``Test<number>`` in the file, which breaks it alone.

    ``TestSound`` breaks none. ``besides`` are rules that hold for every kind and are broken in the
    file of another suite.
    """
    failed = broken_rules(pytester, path)
    assert failed.pop("TestSound") == set()
    expected = {f"Test{rule.number.replace('-', '')}": {rule.number} for rule in rules_of(suite)}
    for number in besides:
        del expected[f"Test{number.replace('-', '')}"]
    assert failed == expected
