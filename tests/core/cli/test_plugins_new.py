"""``gatewright plugins new``: what is rendered is formatted, typed, tested and found."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gatewright.cli.application import main
from gatewright.cli.scaffold.names import Names
from gatewright.cli.scaffold.rendering import rendered
from gatewright.plugin.spec import KINDS


def run(*command, cwd, **environ):
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def all_kinds(tmp_path_factory):
    """A distribution of each kind, with a short name and with a long one, side by side."""
    folder = tmp_path_factory.mktemp("rendered")
    for kind in KINDS:
        for name in ("x", "redis_stream"):
            place = str(folder / f"{kind}-{name}")
            assert main(["plugins", "new", name, "--kind", kind, "-o", place]) == 0
    return folder


def test_all_that_is_rendered_is_formatted(all_kinds):
    code, output = run("ruff", "format", "--diff", "--isolated", "--no-cache", ".", cwd=all_kinds)
    assert code == 0, output


def test_all_that_is_rendered_is_typed(all_kinds):
    sources = sorted(str(path) for path in all_kinds.glob("*/src"))
    code, output = run("mypy", "--strict", "--config-file=", *sources, cwd=all_kinds)
    assert code == 0, output
    assert f"no issues found in {3 * len(sources)} source files" in output


def test_no_name_of_the_templates_is_left():
    for kind in KINDS:
        for place, text in rendered(Names.checked("x", kind), "Does it.").items():
            assert "acme" not in f"{place} {text}".lower()


@pytest.mark.parametrize("name", ["", "Acme", "1st", "a-b", "a__b", "_a", "class", "a b", "ü"])
def test_a_name_that_no_plugin_can_have_is_refused(tmp_path, capsys, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["plugins", "new", name, "--kind", "rate_limit"]) == 2
    assert f"{name!r} cannot be a plugin's name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_is_there_is_overwritten(tmp_path, capsys):
    (tmp_path / "mine").write_text("precious")
    assert main(["plugins", "new", "x", "--kind", "rate_limit", "-o", str(tmp_path)]) == 2
    assert "is there and not empty; name another with -o" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_summary_cannot_break_out_of_its_place(tmp_path, capsys):
    summary = 'says "hi"\n\\N and more'
    options = ["--kind", "rate_limit", "-o", str(tmp_path / "new"), "--summary", summary]
    assert main(["plugins", "new", "x", *options]) == 0
    text = (tmp_path / "new/src/gatewright_rate_limit_x/__init__.py").read_text()
    assert "says 'hi' N and more" in text
    compile(text, "x", "exec")


def test_it_goes_where_its_distribution_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["plugins", "new", "redis_stream", "-k", "rate_limit"]) == 0
    assert (tmp_path / "gatewright-rate-limit-redis-stream" / "pyproject.toml").is_file()


def test_names_follow_from_one_word():
    names = Names.checked("redis_stream", "dead_letters")
    assert names.distribution == "gatewright-dead-letters-redis-stream"
    assert names.package == "gatewright_dead_letters_redis_stream"
    assert names.classes == "RedisStream"


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_of_the_templates_is_left(kind):
    for place, text in rendered(Names.checked("x", kind), "Does it.").items():
        for word in (
            "PACKAGE",
            "SUMMARY",
            "SECTION",
            "OPTIONS",
            "REQUIRE",
            "CORE_VERSION",
            "kind_",
            "Acme",
        ):
            assert word not in f"{place} {text}"
