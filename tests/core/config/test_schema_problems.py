"""The files with mistakes of `test_problems`: the schema refuses those that it can see."""

import pytest
import yaml
from jsonschema import Draft202012Validator
from tests.core.config.test_problems import FILES
from tests.core.plugin_env import PluginEnv

from gatewright.config.schema import schema

UNSEEN = {
    # how the file is written, where YAML lets it pass
    "half a surrogate pair",
    "NUL",
    "merge key",
    "infinite",
    # how many entries of a section are enabled
    "no auth",
    "two for one",
    "three for one",
    # what variables hold
    "missing variables",
    "missing variable for a model with a validator",
    "malformed substitution",
    "required, but empty",
    # what validators say
    "validator of the whole entry",
    "addresses",
    "one bind twice",
    "compression without its driver",
}


def readable(text: str) -> bool:
    """Tell whether it is YAML at all; an editor says so without any schema."""
    try:
        yaml.safe_load(text)
    except (yaml.YAMLError, ArithmeticError, ValueError):  # what PyYAML raises at odd values
        return False
    return True


@pytest.mark.parametrize("name", [name for name, (text, _) in FILES.items() if readable(text)])
def test_a_mistake_is_seen_unless_only_the_loader_can(shop: PluginEnv, name: str) -> None:
    text, _ = FILES[name]
    validator = Draft202012Validator(schema(shop.manager()))

    assert validator.is_valid(yaml.safe_load(text)) is (name in UNSEEN)


def test_what_only_the_loader_can_see_is_among_the_files() -> None:
    assert {name for name, (text, _) in FILES.items() if readable(text)} >= UNSEEN
