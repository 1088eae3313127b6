"""The README's plugin: found by its metadata, named in a file, and given an event."""

import json
import os
import tomllib

import pytest
from tests.support.gateway import gateway
from tests.support.markdown import ROOT, blocks_of, the_block

pytestmark = pytest.mark.anyio

FOLDER = ROOT / "examples" / "plugin_sink"


@pytest.fixture
def project():
    return tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]


@pytest.fixture
def site(tmp_path, project):
    """A folder as ``pip install`` would leave it: the module, and its metadata."""
    site = tmp_path / "site"
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (site / "acme_lines.py").write_text((FOLDER / "acme_lines.py").read_text())
    requires = "".join(f"Requires-Dist: {each}\n" for each in project["dependencies"])
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n{requires}"
    )
    groups = project["entry-points"].items()
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
            for group, points in groups
        )
    )
    return site


def test_the_readme_shows_the_entry_point_there_is(project):
    (shown,) = blocks_of(ROOT / "README.md", "toml")

    assert tomllib.loads(shown.text)["project"]["entry-points"] == project["entry-points"]


async def test_an_event_goes_through_a_plugin_of_ones_own(tmp_path, site):
    file = the_block("README.md", "plugin").text
    environ = {"PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
    async with gateway(tmp_path, file, environ=environ) as running:
        async with running.socket("alice") as client:
            await client.send('{"say":"hi"}')
        running.terminate()
        assert await running.exited() == 0

    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["type"] for event in events] == ["connected", "message_received", "disconnected"]
    assert events[1]["message"] == {"say": "hi"}


async def test_a_wrong_option_of_it_is_told_at_its_line(tmp_path, site):
    file = the_block("README.md", "plugin").text.replace("path:", "pth:")
    environ = {"PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}

    with pytest.raises(
        AssertionError, match=r"events.lines.pth: unknown option; did you mean 'path'"
    ):
        async with gateway(tmp_path, file, environ=environ):
            pass
