"""What `gatewright plugins show` says of one plugin."""

import json

import pytest

OPTIONS = """
dsn: Annotated[SecretStr, Field(description="Where it is.")]
count: Annotated[int, Field(gt=0, description="How many.")] = 2048
mode: Annotated[Literal["a", "b"], Field(description="Which way.")] = "a"
"""


def test_everything_about_a_plugin_is_there_as_json(gatewright, plugin_env, tmp_path):
    plugin_env.plugin("transport", "tape", OPTIONS, distribution="acme-tape", version="2.1")

    shown = gatewright("plugins", "show", "transport:tape", "--json")

    assert (shown.code, shown.err) == (0, "")
    found = json.loads(shown.out)
    options = {option["name"]: option for option in found.pop("options")}
    assert found == {
        "kind": "transport", "name": "tape", "section": "transports", "summary": "made",
        "distribution": "acme-tape", "version": "2.1", "location": str(tmp_path), "editable": False,
        "module": "made_transport_tape", "hook_api": [1, 0], "hooks": ["gatewright_transport"],
        "provides": [], "needs": [], "diagnoses": False,
    }  # fmt: skip
    assert options["dsn"] == {
        "name": "dsn", "type": "text", "default": None, "size": "", "required": True,
        "meaning": "Where it is.",
    }  # fmt: skip
    assert (options["count"]["default"], options["count"]["size"]) == ("2048", "2 KiB")
    assert options["mode"]["type"] == "one of `a`, `b`"


@pytest.mark.parametrize("name", ["transport:tape", "transports:tape", "tape"])
def test_for_people_it_is_two_tables(gatewright, plugin_env, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "200")
    plugin_env.plugin("transport", "tape", OPTIONS, distribution="acme-tape", version="2.1")

    lines = [line.split("   ") for line in gatewright("plugins", "show", name).out.splitlines()]

    rows = {
        cells[0].strip(): [cell.strip() for cell in cells[1:] if cell.strip()] for cells in lines
    }
    assert "transport:tape: made" in rows
    assert rows["installed from"] == ["acme-tape 2.1"]
    assert rows["dsn"] == ["text", "required", "Where it is."]
    assert rows["count"] == ["whole number, above 0", "2048 (2 KiB)", "How many."]
    assert rows["mode"] == ["one of a, b", "a", "Which way."]


def test_what_is_installed_from_its_sources_is_said(gatewright, plugin_env, tmp_path):
    plugin_env.plugin("bus", "wire", distribution="acme-wire")
    source = {"url": "file:///src/wire", "dir_info": {"editable": True}}
    (tmp_path / "acme_wire-1.0.dist-info" / "direct_url.json").write_text(json.dumps(source))

    found = json.loads(gatewright("plugins", "show", "wire", "--json").out)

    assert (found["location"], found["editable"]) == ("/src/wire", True)


def test_no_options_are_said_in_words(gatewright):
    assert gatewright("plugins", "show", "auth:anonymous").out.endswith("no options\n")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tranport:tape", "no kind 'tranport'; did you mean 'transport'?"),
        ("tapes", "no plugin named 'tapes'; did you mean 'tape'?"),
        ("transport:tapes", "no plugin named 'transport:tapes'; did you mean 'transport:tape'?"),
        ("memory", "'memory' is presence:memory and bus:memory; write which"),
        ("zzzzzz", "no plugin named 'zzzzzz'; see gatewright plugins list"),
    ],
)
def test_what_is_meant_must_be_clear(gatewright, plugin_env, name, told):
    plugin_env.plugin("transport", "tape")

    refused = gatewright("plugins", "show", name)

    assert (refused.code, refused.out) == (2, "")
    assert refused.err == f"gatewright plugins: {told}\n"


def test_a_faulty_plugin_is_told_as_the_loader_tells_it(gatewright, plugin_env):
    plugin_env.module("broken", "GATEWRIGHT_API = (2, 0)")
    plugin_env.distribution("acme", transport={"nats": "broken"})

    refused = gatewright("plugins", "show", "nats")

    assert (refused.code, refused.out) == (2, "")
    assert "was built for hook API 2.0" in refused.err
