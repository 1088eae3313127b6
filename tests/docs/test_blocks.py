"""Every block of code in the documentation is what it claims to be."""

import json
import re
import shlex

import pytest
from tests.support.markdown import ROOT, all_blocks, blocks_of, the_block

from acme_ask import gatewright_auth
from acme_nats import gatewright_transport
from acme_shared_limit import gatewright_rate_limit
from gatewright.cli.application import main
from gatewright.config.load import load_config
from gatewright.errors import ConfigError
from gatewright.testing.factories import GivenPlugins

MARKED = {"problems", "plugin"}  # tested below; in tests/examples and beside this file
EXAMPLES = {  # plugins of examples/, which nobody has installed
    ("auth", "ask"): gatewright_auth(),
    ("rate_limit", "shared"): gatewright_rate_limit(),
    ("transport", "nats"): gatewright_transport(),
}
ENVIRON = {
    "API_KEY": "k",
    "ASK_KEY": "k",
    "GATEWAY_API_KEY": "k",
    "JWT_SECRET": "a-secret-of-thirty-two-characters",
    "WEBHOOK_SECRET": "s",
    "WEBHOOK_URL": "https://app.example.com/events",
}
KNOWN = {"", "http", "ini", "js", "json", "nginx", "php", "python", "sh", "text", "toml", "yaml"}


def commands():
    """Every line of the documentation that calls gatewright, comments taken off."""
    for block in all_blocks("sh"):
        for line in block.text.splitlines():
            if line.startswith("gatewright "):
                yield pytest.param(line, id=f"{block} {line[:60]}")


@pytest.mark.parametrize("line", list(commands()))
def test_the_command_line_takes_every_command(line, capsys, monkeypatch):
    monkeypatch.delenv("GATEWRIGHT_CONFIG", raising=False)
    words = shlex.split(line, comments=True)[1:]
    if "<" in words:
        words = words[: words.index("<")]

    assert main([*words, "--help"]) == 0
    capsys.readouterr()


def test_make_has_every_target():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines = [line for block in all_blocks("sh") for line in block.text.splitlines()]
    used = {line.split()[1] for line in lines if line.startswith("make ")}

    assert used
    assert used <= targets


@pytest.mark.parametrize(
    "block", [block for block in all_blocks("yaml") if block.marker not in MARKED], ids=str
)
def test_every_configuration_is_right(block):
    text = block.text
    if not text.startswith("auth:") and "\nauth:" not in text:
        text += "\nauth: {anonymous: {}}\n"

    load_config(text=text, environ=ENVIRON, plugins=GivenPlugins(EXAMPLES))


def test_problems_are_told_as_the_page_has_it():
    wrong = the_block("docs/configuration.md", "problems")
    page = blocks_of(ROOT / "docs" / "configuration.md")
    told = page[page.index(wrong) + 1].text

    with pytest.raises(ConfigError) as caught:
        load_config(text=wrong.text, environ={}, name="gateway.yaml")

    assert f"{caught.value}\n" == told


@pytest.mark.parametrize("block", all_blocks("json"), ids=str)
def test_every_json_is_json(block):
    json.loads(block.text)


@pytest.mark.parametrize("block", all_blocks("python"), ids=str)
def test_every_python_compiles(block):
    compile(block.text, str(block), "exec")


def test_every_block_says_what_it_is():
    unnamed = {str(block) for block in all_blocks() if block.language not in KNOWN}

    assert unnamed == set()
