"""What is built, and what the checks say of it."""

import zipfile
from multiprocessing.pool import ThreadPool

import pytest
from scripts.release import building
from scripts.release.building import BuildError, build, build_all, digest, shared
from scripts.release.checks import problems_built
from scripts.release.distributions import distributions
from scripts.release_check import main
from tests.support.markdown import ROOT
from tests.support.wheels import built

PLUGIN = "plugins/auth_x"
PACKAGE = f"{PLUGIN}/src/gatewright_auth_x"
WHEEL = "gatewright_auth_x-1.2.0-py3-none-any.whl"


@pytest.mark.timeout(300)
def test_what_this_repository_builds_may_be_released():
    found = problems_built(distributions(ROOT), built())

    assert {where: problems for where, problems in found.items() if problems} == {}
    assert set(found) == {each.where for each in distributions(ROOT)}


def problems_of_plugin(repository, folder):
    """Build, and return what is wrong with the plugin; the core has to be without fault."""
    every = distributions(repository.root)
    found = problems_built(every, build_all(every, folder))
    assert found["core"] == []
    return found[PLUGIN]


def test_a_repository_without_fault_has_none(repository, tmp_path):
    assert problems_of_plugin(repository, tmp_path / "dist") == []


def test_what_a_wheel_must_have_and_must_not_is_told(repository, tmp_path):
    (repository.root / PACKAGE / "py.typed").unlink()
    repository.write(f"{PLUGIN}/LICENSE", "Mine.\n")
    repository.write(f"{PACKAGE}/tests/test_it.py", "")
    repository.write(f"{PACKAGE}/notes.bak", "")

    problems = problems_of_plugin(repository, tmp_path / "dist")
    assert problems == [
        "wheel: no gatewright_auth_x/py.typed, so type checkers ignore its types",
        "wheel: LICENSE is not that of the repository",
        "wheel: gatewright_auth_x/notes.bak is nothing to ship",
        "wheel: gatewright_auth_x/tests/test_it.py is nothing to ship",
        "sdist: src/gatewright_auth_x/notes.bak is nothing to ship",
        "sdist: src/gatewright_auth_x/tests/test_it.py is nothing to ship",
    ]


def test_files_that_only_one_of_the_ways_to_a_wheel_takes_along_are_told(repository, tmp_path):
    repository.write(f"{PACKAGE}/extra.py", "ONE = 1\n")
    repository.edit(
        f"{PLUGIN}/pyproject.toml",
        'include = ["/src", "/README.md", "/LICENSE"]',
        'include = ["/src", "/README.md", "/LICENSE"]\nexclude = ["extra.py"]',
    )

    assert problems_of_plugin(repository, tmp_path / "dist")[:2] == [
        "wheel: gatewright_auth_x/extra.py of the checkout is missing",
        "wheel: gatewright_auth_x/extra.py is only in the one from the checkout",
    ]


def test_a_wheel_with_files_outside_of_its_package_is_told(repository, tmp_path):
    every = distributions(repository.root)
    made = build_all(every, tmp_path / "dist")
    for wheel in made[PLUGIN].wheel, made[PLUGIN].tree_wheel:
        with zipfile.ZipFile(wheel, "a") as archive:
            archive.writestr("elsewhere.py", "")

    (said,) = problems_built(every, made)[PLUGIN]
    assert said == (
        "wheel: elsewhere.py is neither in gatewright_auth_x "
        "nor in gatewright_auth_x-1.2.0.dist-info"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("What it is.\n", "README.md: begins with None instead of # gatewright-auth-x"),
        ("# Other\n", "README.md: begins with 'Other' instead of # gatewright-auth-x"),
        (
            "# gatewright-auth-x\n\n[More](../../docs/more.md)\n",
            "README.md: ../../docs/more.md leads nowhere on an index; name the page in words",
        ),
        (
            "# gatewright-auth-x\n\n| a |\n|---|\n| ![b](b.png) |\n",
            "README.md: b.png leads nowhere on an index; name the page in words",
        ),
    ],
)
def test_a_page_that_an_index_would_not_show_well_is_told(repository, tmp_path, text, said):
    repository.write(f"{PLUGIN}/README.md", text)

    assert problems_of_plugin(repository, tmp_path / "dist") == [said]


def test_what_twine_refuses_is_told(repository, tmp_path):
    repository.write(f"{PLUGIN}/README.md", "")

    problems = problems_of_plugin(repository, tmp_path / "dist")
    assert any(each.startswith("twine check: ") and "description" in each for each in problems)


def test_entry_points_that_cannot_be_imported_are_told(repository, tmp_path):
    repository.edit(f"{PACKAGE}/__init__.py", "import anyio", "import anyio\n1 / 0")

    assert problems_of_plugin(repository, tmp_path / "dist") == [
        "entry point gatewright.auth x = gatewright_auth_x: ZeroDivisionError: division by zero"
    ]


def test_a_distribution_that_cannot_be_built_is_told_and_the_others_are_looked_at(
    repository, tmp_path
):
    (repository.root / PLUGIN / "README.md").unlink()

    (said,) = problems_of_plugin(repository, tmp_path / "dist")
    assert said.startswith("the build failed:\n")


def test_a_build_that_makes_another_file_is_told(repository, tmp_path):
    repository.edit(
        f"{PLUGIN}/pyproject.toml",
        "[tool.hatch.build.targets.wheel]",
        '[tool.hatch.build.targets.wheel.hooks.custom]\npath = "hook.py"\n\n'
        "[tool.hatch.build.targets.wheel]",
    )
    hook = (
        "from hatchling.builders.hooks.plugin.interface import BuildHookInterface\n\n\n"
        "class Hook(BuildHookInterface):\n"
        "    def initialize(self, version, build_data):\n"
        '        build_data["tag"] = "py3-none-manylinux_2_28_x86_64"\n'
    )
    repository.write(f"{PLUGIN}/hook.py", hook)
    repository.edit(f"{PLUGIN}/pyproject.toml", '"/LICENSE"]\n', '"/LICENSE", "/hook.py"]\n')

    with pytest.raises(BuildError, match=f"made no {WHEEL}; the wheel has to be one for every"):
        build(repository.plugin, tmp_path / "dist")


def test_the_digest_is_of_the_content_alone(repository):
    before = digest(distributions(repository.root))
    repository.write(f"{PACKAGE}/__pycache__/x.pyc", "")
    assert digest(distributions(repository.root)) == before
    repository.write(f"{PACKAGE}/more.py", "")
    assert digest(distributions(repository.root)) != before


def test_a_shared_build_is_made_once_for_the_same_content(repository, tmp_path, monkeypatch):
    builds = []
    real = building.build_all

    def counted(every, folder):
        builds.append(folder)
        return real(every, folder)

    monkeypatch.setattr(building, "build_all", counted)
    every = distributions(repository.root)
    with ThreadPool(2) as pool:
        first, second = pool.map(lambda _: shared(every, tmp_path / "shared"), range(2))

    assert first == second
    assert first[PLUGIN].wheel.is_file()
    assert len(builds) == 1


def test_a_shared_build_that_fails_names_the_distribution(repository, tmp_path):
    (repository.root / PLUGIN / "README.md").unlink()

    with pytest.raises(BuildError, match=rf"^{PLUGIN}: the build failed"):
        shared(distributions(repository.root), tmp_path / "shared")
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["lock"]


@pytest.fixture
def check(repository, tmp_path, monkeypatch, capsys):
    """Run the command on the small repository; return its exit code and what it printed."""

    def run(folder="dist"):
        monkeypatch.setattr("sys.argv", ["release_check", "--folder", str(tmp_path / folder)])
        code = main(repository.root)
        return code, capsys.readouterr().out.splitlines()

    return run


def test_the_command_says_a_line_for_each_and_that_all_is_ready(check, tmp_path):
    folder = tmp_path / "dist"
    code, said = check()

    assert (code, said) == (
        0,
        [
            f"building 2 distributions into {folder} ...",
            "ok  gatewright 1.2.0",
            "ok  gatewright-auth-x 1.2.0",
            "ok  the files beside them",
            f"ready: 2 distributions of version 1.2.0 in {folder}",
        ],
    )
    names = {path.name for path in folder.iterdir()}
    stems = "gatewright-1.2.0", "gatewright_auth_x-1.2.0"
    assert {f"{each}.tar.gz" for each in stems} <= names
    assert {f"{each}-py3-none-any.whl" for each in stems} <= names
    assert check()[0] == 0  # what it made it may empty


def test_the_command_fails_and_says_what_is_wrong_where(check, repository):
    repository.edit(f"{PLUGIN}/pyproject.toml", "gatewright>=1.2,<2", "gatewright>=1,<2")
    repository.edit("clients/js/package.json", "1.2.0", "1.1.0")
    code, said = check()

    assert code == 1
    assert said[2:] == [
        "no  gatewright-auth-x 1.2.0",
        "      requires gatewright<2,>=1; all require gatewright<2,>=1.2 of this release",
        "no  the files beside them",
        "      clients/js/package.json: version is 1.1.0, the core's version is 1.2.0",
        "not ready: 2 with problems: gatewright-auth-x 1.2.0, the files beside them",
    ]


def test_the_command_empties_no_folder_of_others(check, tmp_path):
    kept = tmp_path / "mine" / "thesis.txt"
    kept.parent.mkdir()
    kept.touch()
    code, said = check("mine")

    assert code == 2
    assert said == [f"{kept.parent} has files of others; remove it or choose another: --folder"]
    assert kept.is_file()


def test_a_file_that_cannot_be_read_is_one_line(check, repository):
    repository.write("constraints.txt", "anyio\n")

    assert check()[1][1:] == ["constraints.txt:1: 'anyio' is not name==version"]
