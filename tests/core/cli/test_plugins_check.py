"""`gatewright plugins check`: each plugin in a process of its own, whatever the others do."""

import json
from importlib.metadata import version

import pytest

API = "GATEWRIGHT_API = (1, 0)\n"
HANGS = "import threading\nthreading.Event().wait()"


def problems(gatewright, *names):
    """Check plugins and return what is wrong, by name."""
    checked = gatewright("plugins", "check", "--json", *names)
    found = {each["name"]: each["problems"] for each in json.loads(checked.out)}
    assert checked.err == ""
    assert checked.code == any(found.values())
    return found


def test_all_that_is_installed_here_is_sound(gatewright):
    found = problems(gatewright)

    assert {"jwt", "webhook", "redis_stream", "token_bucket", "dev_console"} <= set(found)
    assert not any(found.values())


def test_one_that_ends_the_process_or_raises_does_not_stop_the_others(gatewright, plugin_env):
    plugin_env.module("leaves", "import os\nos._exit(7)")
    plugin_env.module("raises", "import nowhere_to_be_found")
    plugin_env.distribution("acme", transport={"leaves": "leaves", "raises": "raises"})
    plugin_env.plugin("transport", "sound")

    found = problems(gatewright, "leaves", "raises", "sound")

    assert found == {
        "leaves": ["plugin 'leaves' (acme 1.0) cannot be imported: it ended the process (7)"],
        "raises": [
            (
                "plugin 'raises' (acme 1.0) cannot be imported: ModuleNotFoundError: No module "
                "named 'nowhere_to_be_found'; reinstall it"
            )
        ],
        "sound": [],
    }


def test_one_that_hangs_is_given_up(gatewright, plugin_env):
    plugin_env.module("hangs", HANGS)
    plugin_env.distribution("acme", transport={"hangs": "hangs"})

    assert problems(gatewright, "--seconds", "3", "hangs") == {
        "hangs": ["plugin 'hangs' (acme 1.0) cannot be imported: not done after 3 s"]
    }


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "plugin 'odd' (acme 1.0) states no hook API"),
        ("GATEWRIGHT_API = (9, 0)", "was built for hook API 9.0"),
        (
            f"{API}from gatewright import hookimpl\n@hookimpl\ndef gatewright_transports(): ...",
            "implements 'gatewright_transports', which is no hook",
        ),
        (
            f"{API}from gatewright import hookimpl\n@hookimpl\nasync def gatewright_bus(): ...",
            "gatewright_bus is 'async def'",
        ),
    ],
)
def test_what_the_loader_refuses_is_found(gatewright, plugin_env, source, told):
    plugin_env.module("odd", source)
    plugin_env.distribution("acme", bus={"odd": "odd"})

    (line,) = problems(gatewright, "odd")["odd"]

    assert told in line


def test_a_name_taken_twice_is_found_and_listed_once(gatewright, plugin_env):
    plugin_env.distribution("acme", bus={"wire": "wire_a"})
    plugin_env.distribution("other", "2", bus={"wire": "wire_b"})

    checked = json.loads(gatewright("plugins", "check", "--json", "bus:wire").out)

    assert checked == [
        {
            "kind": "bus", "name": "wire", "distribution": "acme 1.0, other 2",
            "problems": [
                "two distributions provide bus 'wire': acme 1.0 and other 2; uninstall one"
            ],
        }
    ]  # fmt: skip


def test_requirements_are_compared_with_what_is_there(gatewright, plugin_env):
    plugin_env.plugin("bus", "wire", distribution="not-this")
    plugin_env.distribution(
        "acme",
        requires=(
            "anyio>=99",
            "pydantic>=2",
            "nowhere-to-be-found",
            "not-on-this; python_version<'3'",
        ),
        bus={"cord": "made_bus_wire"},
    )

    assert problems(gatewright, "cord")["cord"] == [
        (
            f"plugin 'cord' (acme 1.0) requires anyio>=99, found {version('anyio')}; "
            "run: pip install 'anyio>=99'"
        ),
        (
            "plugin 'cord' (acme 1.0) requires nowhere-to-be-found, found none; "
            "run: pip install 'nowhere-to-be-found'"
        ),
    ]


def test_options_must_say_what_they_mean_those_below_as_well(gatewright, plugin_env):
    plugin_env.plugin(
        "bus",
        "wire",
        'pool: Annotated[Pool | None, Field(description="Kept open.")] = None\nsize: int = 1',
        distribution="acme",
        extra="class Pool(Settings):\n    depth: int = 1\n\n",
    )

    assert problems(gatewright, "wire")["wire"] == [
        "plugin 'wire' (acme 1.0): Made.size has no description; give it Field(description=…)",
        "plugin 'wire' (acme 1.0): Pool.depth has no description; give it Field(description=…)",
    ]


def test_for_people_it_is_a_table(gatewright, plugin_env, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    plugin_env.module("odd", "")
    plugin_env.distribution("acme", bus={"odd": "odd"})

    checked = gatewright("plugins", "check", "odd", "auth:anonymous")

    assert checked.code == 1
    head, odd, sound = checked.out.splitlines()
    assert head.split() == ["plugin", "found", "distribution"]
    assert odd.startswith("bus:odd")
    assert "states no hook API" in odd
    assert sound.split()[:2] == ["auth:anonymous", "ok"]
