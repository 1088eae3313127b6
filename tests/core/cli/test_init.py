"""What `gatewright init` writes can be used as soon as its variables are set."""

import re

import jsonschema
import pytest
import yaml

from gatewright.config.placeholders import needed
from gatewright.config.schema import schema
from gatewright.plugin.catalogue import Catalogue
from gatewright.plugin.manager import PluginManager

INSTALLED = [f"{each.kind}:{each.name}" for each in Catalogue.installed().plugins]
VALUES = {"JWT_JWKS_URL": "https://keys.example/jwks.json"}
COMMENTED = re.compile(r'^( +)#(\w+: (?!"\$\{).*)$', re.MULTILINE)


def variables(text):
    """Return the variables that must be set: those of lines that are no comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return re.findall(r"\$\{(\w+)\}", "\n".join(lines))


def set_all(monkeypatch, text):
    for name in variables(text):
        monkeypatch.setenv(name, VALUES.get(name, "placeholder"))


@pytest.mark.parametrize("plugin", INSTALLED)
def test_for_every_plugin_it_passes_once_its_variables_are_set(
    gatewright, tmp_path, monkeypatch, plugin
):
    begun = gatewright("init", plugin)

    assert (begun.code, begun.out) == (0, "gateway.yaml\n")
    text = (tmp_path / "gateway.yaml").read_text()
    set_all(monkeypatch, text)
    checked = gatewright("config", "check")
    assert (checked.code, checked.err) == (0, "")
    jsonschema.validate(yaml.safe_load(text), schema(PluginManager()))


@pytest.mark.parametrize("plugin", INSTALLED)
def test_every_default_may_be_uncommented(gatewright, tmp_path, monkeypatch, plugin):
    assert gatewright("init", plugin).code == 0
    file = tmp_path / "gateway.yaml"
    text, count = COMMENTED.subn(r"\1\2", file.read_text())
    file.write_text(text)
    set_all(monkeypatch, text)

    checked = gatewright("config", "check")

    assert (checked.code, checked.err) == (0, "")
    assert (count > 0) is (plugin != "auth:anonymous")  # which has no options


def test_every_option_is_there_and_what_must_be_set_is_told(gatewright, tmp_path, plugin_env):
    plugin_env.plugin(
        "transport",
        "tape",
        """
        dsn: Annotated[SecretStr, Field(description="Where it is.")]
        keys: Annotated[tuple[str, ...], Field(description="Any of them.")]
        pool: Annotated[Pool, Field(description="What is kept.")]
        stream: Annotated[str, Field(description="Which one.")] = "${x}"
        token: Annotated[SecretStr | None, Field(description="Shown to it.")] = None
        """,
        extra="class Pool(Settings):\n    size: Annotated[int, Field(description='How many.')]\n\n",
    )

    begun = gatewright("init", "auth:anonymous", "tape")

    assert begun.err == (
        "to be set: TAPE_DSN, TAPE_KEY, TAPE_POOL_SIZE\n"
        "next: gatewright config check -c gateway.yaml\n"
    )
    assert (
        (tmp_path / "gateway.yaml").read_text().partition("transports:\n")[2]
        == """\
  # made
  tape:
    # Where it is.
    dsn: "${TAPE_DSN}"
    # Any of them.
    keys: ["${TAPE_KEY}"]
    # What is kept.
    pool:
      # How many.
      size: "${TAPE_POOL_SIZE}"
    # Which one.
    #stream: $${x}
    # Shown to it.
    #token: "${TAPE_TOKEN}"
"""
    )


def test_two_plugins_of_one_name_have_variables_of_their_own(gatewright, tmp_path, plugin_env):
    for kind in ("transport", "bus"):
        plugin_env.plugin(kind, "tape", 'dsn: Annotated[str, Field(description="Where.")]')

    gatewright("init", "auth:anonymous", "transport:tape", "bus:tape")

    text = (tmp_path / "gateway.yaml").read_text()
    assert variables(text) == ["TRANSPORT_TAPE_DSN", "BUS_TAPE_DSN"]


def test_what_is_there_is_kept_unless_forced(gatewright, tmp_path):
    (tmp_path / "mine.yaml").write_text("mine")

    refused = gatewright("init", "auth:anonymous", "-o", "mine.yaml")

    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "gatewright init: mine.yaml is there already; --force overwrites it\n"
    assert (tmp_path / "mine.yaml").read_text() == "mine"
    assert gatewright("init", "auth:anonymous", "-o", "mine.yaml", "--force").code == 0
    assert "anonymous" in (tmp_path / "mine.yaml").read_text()


def test_without_an_auth_one_is_taken_and_told(gatewright, tmp_path):
    begun = gatewright("init", "events:console")

    assert begun.err.startswith("auth:jwt is taken, because a gateway needs one")
    assert "\nauth:\n" in (tmp_path / "gateway.yaml").read_text()


@pytest.mark.parametrize(
    ("plugins", "told"),
    [
        (["auth:jwt", "anonymous"], "auth takes one, found jwt and anonymous; leave out one"),
        (["webhok"], "no plugin named 'webhok'; did you mean 'webhook'?"),
    ],
)
def test_what_makes_no_file_is_refused(gatewright, tmp_path, plugins, told):
    refused = gatewright("init", *plugins)

    assert (refused.code, refused.err) == (2, f"gatewright init: {told}\n")
    assert not [*tmp_path.iterdir()]


def test_an_option_that_only_a_rule_asks_for_is_found(plugin_env):
    plugin_env.plugin(
        "bus",
        "wire",
        """
        size: int
        left: int | None = None
        right: str | None = None

        @model_validator(mode="after")
        def _one(self):
            if self.left is None and self.right is None:
                raise ValueError("give right or left")
            return self
        """,
    )
    model = plugin_env.manager().load("bus", "wire").factory.settings

    assert needed(model) == ["size", "left"]
