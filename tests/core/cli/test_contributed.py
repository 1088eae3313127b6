import sys

import pytest

from gatewright.cli import contributed
from gatewright.plugin.catalogue import Catalogue

GREET = """
    import typer

    def greet(name: str, loud: bool = False) -> None:
        '''Say hello.'''
        typer.echo(f"hello {name}{'!' if loud else ''}")

    group = typer.Typer(help="Two of them.")

    @group.command()
    def one() -> None:
        '''The first.'''
        typer.echo("one")

    @group.command()
    def two() -> None:
        '''The second.'''

    nothing = 7
"""


@pytest.fixture
def greeter(plugin_env):
    plugin_env.module("greeter", GREET)
    points = {"greet": "greeter:greet", "both": "greeter:group", "odd": "greeter:nothing",
              "gone": "greeter:away", "lost": "no_such_module:x"}  # fmt: skip
    plugin_env.distribution("acme-greeter", "1.2", command=points)
    return plugin_env


def test_help_lists_them_from_metadata_alone(gatewright, greeter):
    shown = gatewright("--help")

    assert "greet" in shown.out
    assert "From acme-greeter 1.2." in shown.out
    assert "greeter" not in sys.modules


def test_the_one_that_is_called_is_imported_and_run(gatewright, greeter):
    assert gatewright("greet", "Zoë", "--loud").out == "hello Zoë!\n"
    assert "Say hello." in gatewright("greet", "--help").out


def test_a_group_brings_its_commands(gatewright, greeter):
    assert gatewright("both", "one").out == "one\n"
    assert "The second." in gatewright("both", "--help").out


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("odd", "greeter:nothing is neither a function nor a typer.Typer"),
        ("gone", "AttributeError: module 'greeter' has no attribute 'away'"),
        ("lost", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_one_that_cannot_be_used_is_named_with_its_distribution(gatewright, greeter, name, why):
    failed = gatewright(name)

    assert failed.code == 2
    text = f"gatewright {name} (acme-greeter 1.2) cannot be used: {why}; reinstall it\n"
    assert failed.err == text


def test_a_broken_one_harms_no_other(gatewright, greeter):
    assert gatewright("greet", "you").code == 0
    assert gatewright("version").code == 0


def test_one_that_two_distributions_offer_is_refused(gatewright, greeter):
    greeter.distribution("other-greeter", "0.1", command={"greet": "greeter:greet"})

    refused = gatewright("greet", "you")

    text = (
        "gatewright greet: offered by acme-greeter 1.2 and other-greeter 0.1; uninstall all but one"
    )
    assert (refused.code, refused.err) == (2, f"{text}\n")


def test_our_own_commands_cannot_be_taken(gatewright, greeter):
    greeter.distribution("thief", command={"version": "greeter:greet"})

    assert gatewright("version").out.startswith("gatewright ")


@pytest.mark.parametrize(
    ("name", "distribution"),
    [("token", "gatewright-auth-jwt"), ("keys", "gatewright-auth-jwt"),
     ("publish", "gatewright-transport-http"), ("connections", "gatewright-transport-http")],
)  # fmt: skip
def test_a_published_command_that_is_not_installed_names_its_package(name, distribution):
    with pytest.raises(contributed.CommandNotInstalled) as refused:
        contributed.find(name, {"serve"}, Catalogue())

    assert str(refused.value) == (
        f"gatewright {name}: comes with {distribution}, which is not installed here; "
        f"run: pip install {distribution}"
    )
    assert refused.value.exit_code == 2
