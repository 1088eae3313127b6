"""Giving everything a version."""

import pytest
from scripts.release.checks import problems_beside, problems_stated
from scripts.release.distributions import distributions
from scripts.release_version import main

PLUGIN = "plugins/auth_x/pyproject.toml"


@pytest.fixture
def given(repository, monkeypatch, capsys):
    """Run the command on the small repository; return what it printed."""

    def run(version):
        monkeypatch.setattr("sys.argv", ["release_version", version])
        assert main(repository.root) == 0
        return capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize("version", ["1.3.0", "2.0.0", "1.2.1", "10.20.30"])
def test_everything_has_the_version_and_fits_together_afterwards(repository, given, version):
    example = (
        '[project]\nname = "shown"\nversion = "9"\ndependencies = ["gatewright[a,b]>=1.2,<2"]\n'
    )
    repository.write("examples/shown/pyproject.toml", example)
    repository.write("deploy/compose/one.yaml", "image: gatewright:1.2.0\n")
    repository.write("docs/howto/run.md", "docker run --rm gatewright:1.2.0 plugins list\n")
    repository.edit(PLUGIN, '"gatewright>=1.2,<2"', "\"gatewright>=1.2,<2; sys_platform != 'x'\"")

    said = given(version)

    assert [each.version for each in distributions(repository.root)] == [version] * 2
    assert [
        each for problems in problems_stated(repository.root).values() for each in problems
    ] == []
    assert problems_beside(repository.root) == []
    assert "deploy/compose/one.yaml" in said
    assert "sys_platform" in (repository.root / PLUGIN).read_text()
    assert (
        'name = "shown"\nversion = "9"'
        in (repository.root / "examples/shown/pyproject.toml").read_text()
    )


def test_the_version_that_is_there_changes_nothing(given):
    assert given("1.2.0") == []


def test_an_image_of_another_version_is_told(repository):
    repository.write("deploy/compose/one.yaml", "image: gatewright:1.1.0\n")

    assert problems_beside(repository.root) == [
        "deploy/compose/one.yaml: image is gatewright:1.1.0, expected 1.2.0"
    ]


@pytest.mark.parametrize("version", ["next", "1.3", "1.3.0+mine", "1.3.0rc1", "v1.3.0", "01.3.0"])
def test_what_is_no_version_of_a_release_is_refused(repository, monkeypatch, capsys, version):
    monkeypatch.setattr("sys.argv", ["release_version", version])

    with pytest.raises(SystemExit) as ended:
        main(repository.root)

    assert ended.value.code == 2
    assert f"{version!r} is no version of a release; write X.Y.Z" in capsys.readouterr().err
    assert distributions(repository.root)[0].version == "1.2.0"
