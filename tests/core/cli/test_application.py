import re
import subprocess
import sys

import pytest
import typer

from gatewright import StartError
from gatewright.cli import application

OWN = ("dev", "serve", "config", "plugins", "listen", "dlq", "version")


def stand_in(monkeypatch, raises):
    """Replace a command by one that raises."""

    def serve() -> None:
        raise raises

    monkeypatch.setitem(application._OWN, "serve", serve)


def test_without_a_command_the_help_is_shown(gatewright):
    bare = gatewright()

    assert bare.out.rstrip() == gatewright("--help").out.rstrip()
    assert (bare.code, bare.err) == (0, "")
    for name in OWN:
        assert re.search(rf"^\W*{name} ", bare.out, re.MULTILINE), name


@pytest.mark.parametrize(
    "command",
    [*([name] for name in OWN), ["config", "check"], ["plugins", "list"], ["dlq", "list"],
     ["dlq", "show"], ["dlq", "redrive"], ["dlq", "drop"]],
)  # fmt: skip
def test_every_command_explains_itself_and_its_options(gatewright, command):
    shown = gatewright(*command, "--help")

    assert (shown.code, shown.err) == (0, "")
    assert f"Usage: gatewright {' '.join(command)}" in shown.out
    options = re.findall(r"^\W*(--[a-z-]+)(.*)$", shown.out, re.MULTILINE)
    assert options
    for name, text in options:
        assert re.search(r"[A-Z][a-z]+ ", text), f"{name} is not described"


@pytest.mark.parametrize("arguments", [["--version"], ["version"]])
def test_the_version_is_that_of_the_distribution(gatewright, arguments):
    shown = gatewright(*arguments)

    assert re.fullmatch(r"gatewright \d+\.\d+\.\d+\S* \(CPython 3\.\d+\.\d+\S*\)\n", shown.out)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["serv"], "gatewright: no command named 'serv'; did you mean 'serve'?"),
        (["tokn"], "gatewright: no command named 'tokn'; did you mean 'token'?"),
        (["wibble"], "gatewright: no command named 'wibble'; see gatewright --help"),
        (["a\x1b[31m"], "gatewright: no command named 'a\\x1b[31m'; see gatewright --help"),
        ([""], "gatewright: no command named ''; see gatewright --help"),
        (
            ["serve", "--port"],
            "gatewright serve: no such option: --port; see gatewright serve --help",
        ),
        (
            ["dlq", "x"],
            "gatewright dlq: no such command 'x'; see gatewright dlq --help",
        ),
        (
            ["dlq", "show"],
            "gatewright dlq show: missing argument 'key'; see gatewright dlq show --help",
        ),
    ],
)
def test_what_makes_no_sense_is_one_line_and_exit_code_2(gatewright, arguments, text):
    refused = gatewright(*arguments)

    assert (refused.code, refused.out) == (2, "")
    assert refused.err == f"{text}\n"


def test_an_operators_mistake_is_its_text_and_its_exit_code(gatewright, monkeypatch):
    stand_in(monkeypatch, StartError("no disk"))

    failed = gatewright("serve")

    assert (failed.code, failed.err) == (3, "no disk\n")


def test_a_bug_is_one_line_that_says_how_to_see_more(gatewright, monkeypatch):
    stand_in(monkeypatch, ZeroDivisionError("oops\nand more"))

    failed = gatewright("serve")

    assert failed.code == 1
    assert failed.err == "gatewright: ZeroDivisionError: oops\\nand more; --debug shows where\n"


@pytest.mark.parametrize("arguments", [["--debug", "serve"], ["serve", "--debug"]])
@pytest.mark.parametrize("error", [StartError("no disk"), ZeroDivisionError("oops")])
def test_debug_shows_the_traceback_before_the_line(gatewright, monkeypatch, arguments, error):
    stand_in(monkeypatch, error)

    failed = gatewright(*arguments)

    assert failed.err.startswith("Traceback (most recent call last):")
    assert str(error) in failed.err.splitlines()[-1]


def test_debug_behind_a_double_dash_is_an_argument():
    assert application._without_debug(["x", "--", "--debug"]) == (["x", "--", "--debug"], False)
    assert application._without_debug(["--debug", "--", "--debug"]) == (["--", "--debug"], True)


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (typer.Abort(), 1)])
def test_an_interruption_says_nothing(gatewright, monkeypatch, error, code):
    stand_in(monkeypatch, error)

    stopped = gatewright("serve")

    assert (stopped.code, stopped.out, stopped.err) == (code, "", "")


@pytest.mark.parametrize("code", [0, 3])
def test_a_commands_exit_code_is_the_processs(gatewright, monkeypatch, code):
    stand_in(monkeypatch, typer.Exit(code))

    assert gatewright("serve").code == code


def test_python_dash_m_is_the_same_program():
    command = [sys.executable, "-m", "gatewright", "serve", "-c", "nowhere.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "nowhere.yaml: no such file\n"


def test_help_imports_neither_server_nor_plugins():
    code = (
        "import sys\nfrom gatewright.cli import main\nmain(['--help'])\n"
        "heavy = {'hypercorn', 'starlette', 'websockets', 'uvloop', 'httpx', 'jwt',"
        " 'gatewright.server', 'gatewright_auth_jwt', 'gatewright_transport_http'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_an_interruption_while_importing_says_nothing_either():
    code = (
        "import sys\nfrom gatewright.cli import main\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'gatewright.cli.application': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "sys.exit(main(['serve']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
