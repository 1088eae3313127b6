import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from gatewright.cli import development
from gatewright.cli.development import StateUnusable, api_key, authentication, set_up
from gatewright.plugin.catalogue import Catalogue
from gatewright.plugin.manager import PluginManager


def only_core():
    """A manager that sees the core's own plugins alone."""
    found = Catalogue.installed()
    ours = tuple(entry for entry in found.plugins if entry.distribution == "gatewright")
    return PluginManager(Catalogue(ours))


def test_the_key_for_publishing_is_made_once_for_its_owner_alone(tmp_path):
    key = api_key(tmp_path / "state")

    assert len(key) >= 32
    assert api_key(tmp_path / "state") == key
    file = tmp_path / "state" / "dev-api-key"
    assert file.read_text() == f"{key}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["dev-api-key"]


def test_gateways_that_start_at_once_agree_on_a_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: api_key(tmp_path), range(32)))

    assert len(keys) == 1


@pytest.mark.parametrize("occupied", ["state", "state/dev-api-key"])
def test_a_folder_that_cannot_be_used_is_named(tmp_path, occupied):
    path = tmp_path / occupied
    if occupied == "state":
        path.write_text("a file")
    else:
        path.mkdir(parents=True)

    with pytest.raises(StateUnusable, match="name another folder with --state-dir") as refused:
        api_key(tmp_path / "state")
    assert str(tmp_path) in str(refused.value)
    assert refused.value.exit_code == 3


def test_everything_is_chosen_and_checked_without_a_file(tmp_path):
    setup = set_up("127.0.0.1:0", tmp_path)

    names = {kind: [one.name for one in chosen] for kind, chosen in setup.config.plugins.items()}
    assert names == {
        "auth": ["jwt"], "transport": ["http"], "presence": ["memory"], "events": ["console"],
        "dead_letters": ["file"], "rate_limit": ["token_bucket"], "bus": ["memory"],
        "extension": ["dev_console"],
    }  # fmt: skip
    assert setup.config.core.server.bind == "127.0.0.1:0"
    assert setup.api_key == api_key(tmp_path)
    assert setup.authentication.development.issue("42").count(".") == 2


def test_a_path_that_reads_like_a_variable_is_a_path(tmp_path):
    setup = set_up("127.0.0.1:0", tmp_path / "${HOME}$")

    assert "${HOME}$" in str(setup.config.one("auth").settings)


@pytest.mark.parametrize(
    ("bind", "hosts"),
    [("box.lan:80", ("box.lan",)), ("[::1]:80", ("::1",)), ("0.0.0.0:1", ("0.0.0.0",))],
)
def test_the_page_may_be_called_by_the_name_it_is_bound_to(tmp_path, bind, hosts):
    (console,) = set_up(bind, tmp_path).config.plugins["extension"]

    assert console.settings.hosts == hosts


def test_the_core_alone_believes_everybody_and_cannot_be_published_to(tmp_path, monkeypatch):
    monkeypatch.setattr(development, "PluginManager", only_core)

    setup = set_up("127.0.0.1:0", tmp_path)

    assert setup.authentication.plugin == "anonymous"
    assert setup.authentication.development.issue("42") == "42"
    assert setup.api_key is None
    assert setup.config.plugins["transport"] == ()
    assert authentication(only_core(), tmp_path).plugin == "anonymous"


def test_a_bad_address_is_a_line_that_names_the_option(gatewright, tmp_path):
    refused = gatewright("dev", "--bind", "nonsense", "--state-dir", str(tmp_path))

    assert refused.code == 2
    assert refused.err.startswith("gatewright dev:")
    assert "server.bind" in refused.err
