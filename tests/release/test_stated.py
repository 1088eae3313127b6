"""What each check says of one thing that is wrong."""

import pytest
from packaging.specifiers import SpecifierSet
from scripts.release.checks import problems_beside, problems_stated
from scripts.release.requirements import constraints, inner_range
from tests.support.markdown import ROOT

CORE, PLUGIN = "core", "plugins/auth_x"
PYPROJECT = f"{PLUGIN}/pyproject.toml"
INIT = "src/gatewright_auth_x/__init__.py"
SOURCE = f"{PLUGIN}/{INIT}"
AT = "gatewright.auth x (gatewright_auth_x)"


def test_this_repository_may_be_released():
    stated = problems_stated(ROOT)

    assert {where: problems for where, problems in stated.items() if problems} == {}
    assert {"core", "sdk", "kits/redis", "plugins/auth_jwt", "examples/backend"} <= set(stated)
    assert problems_beside(ROOT) == []


def test_a_repository_without_fault_has_none(repository):
    assert problems_stated(repository.root) == {CORE: [], PLUGIN: []}
    assert problems_beside(repository.root) == []


@pytest.mark.parametrize(
    ("path", "before", "after", "said"),
    [
        (
            PYPROJECT,
            '"1.2.0"',
            '"1.1.0"',
            "version is 1.1.0, the core's is 1.2.0; all have the same",
        ),
        (
            PYPROJECT,
            "gatewright>=1.2,<2",
            "gatewright>=1.1,<2",
            "requires gatewright<2,>=1.1; all require gatewright<2,>=1.2 of this release",
        ),
        (
            PYPROJECT,
            "gatewright>=1.2,<2",
            "gatewright",
            "requires gatewright; all require gatewright<2,>=1.2 of this release",
        ),
        (
            PYPROJECT,
            "anyio>=4.12,<5",
            "anyio",
            "requires anyio without a range; write >=, and what it was tested with",
        ),
        (
            PYPROJECT,
            "anyio>=4.12,<5",
            "anyio>=4.17,<5",
            "requires anyio<5,>=4.17, but constraints.txt has 4.16.0",
        ),
        (
            "constraints.txt",
            "anyio==4.16.0",
            "",
            "requires anyio<5,>=4.12, of which constraints.txt has no version; add one",
        ),
        (
            SOURCE,
            "(1, 2)",
            "(1, 4)",
            f"{AT} states GATEWRIGHT_API (1, 4); the core has (1, 3)",
        ),
        (
            SOURCE,
            "(1, 2)",
            "(2, 0)",
            f"{AT} states GATEWRIGHT_API (2, 0); the core has (1, 3)",
        ),
        (
            SOURCE,
            "GATEWRIGHT_API = (1, 2)",
            "",
            f"{AT} states no GATEWRIGHT_API; add GATEWRIGHT_API = (1, 3)",
        ),
        (
            SOURCE,
            "import anyio\n",
            "import anyio\nimport yaml\n",
            f"{INIT} imports yaml; declare pyyaml",
        ),
        (SOURCE, "import anyio\n", "", "declares anyio, which it does not import; remove it"),
        (
            SOURCE,
            "import anyio\n",
            "import anyio\n\ndef late():\n    from unheard.of import this\n",
            f"{INIT} imports unheard, which is not installed here; run make dev-venv",
        ),
        (
            PYPROJECT,
            '    "Programming Language :: Python :: 3.12",\n',
            "",
            "classifiers state Python 3.11; .ci/run tests 3.11, 3.12",
        ),
        (PYPROJECT, '    "Typing :: Typed",\n', "", "classifier 'Typing :: Typed' is missing"),
        (
            PYPROJECT,
            '"Typing :: Typed"',
            '"Typing :: Typed", "Typing :: Tired"',
            "classifier 'Typing :: Tired' is none that the index knows",
        ),
        (
            PYPROJECT,
            '">=3.11"',
            '">=3.10"',
            "requires-python must be >=3.11, the oldest that .ci/run tests",
        ),
        (PYPROJECT, 'license = "MIT"', 'license = "ISC"', 'license must be "MIT"'),
        (PYPROJECT, '"README.md"\n', '"LICENSE"\n', 'readme must be "README.md"'),
    ],
)
def test_what_a_distribution_states_wrongly_is_its_one_problem(
    repository, path, before, after, said
):
    repository.edit(path, before, after)

    assert problems_stated(repository.root) == {CORE: [], PLUGIN: [said]}


@pytest.mark.parametrize("version", ["1.2.0rc1", "1.2", "1.02.0"])
def test_a_version_that_is_none_of_a_release_is_told(repository, version):
    for path in ("core/pyproject.toml", PYPROJECT):
        repository.edit(path, '"1.2.0"', f'"{version}"')

    said = f"version '{version}' is none of a release; write X.Y.Z"
    assert problems_stated(repository.root) == {CORE: [said], PLUGIN: [said]}


def test_a_module_may_be_declared_by_the_distribution_that_carries_it(repository):
    repository.edit(SOURCE, "import anyio\n", "import anyio\nimport pydantic_core\n")
    repository.edit(PYPROJECT, '"anyio', '"pydantic>=2,<3", "anyio')
    repository.edit("constraints.txt", "anyio", "pydantic==2.14.3\nanyio")

    assert problems_stated(repository.root)[PLUGIN] == []


def test_examples_require_what_is_released(repository):
    pyproject = '[project]\nname = "shown"\nversion = "9"\ndependencies = ["gatewright>=0.1"]\n'
    repository.write("examples/shown/pyproject.toml", pyproject)

    (said,) = problems_stated(repository.root)["examples/shown"]
    assert said == "requires gatewright>=0.1; all require gatewright<2,>=1.2 of this release"


@pytest.mark.parametrize(
    ("path", "before", "after", "said"),
    [
        (
            "CHANGELOG.md",
            "[Unreleased]",
            "[1.1.0]",
            "CHANGELOG.md: neither '## [1.2.0]' nor '## [Unreleased]' says anything",
        ),
        (
            "CHANGELOG.md",
            "- All of it.\n",
            "",
            "CHANGELOG.md: neither '## [1.2.0]' nor '## [Unreleased]' says anything",
        ),
        (
            "deploy/helm/gatewright/Chart.yaml",
            '"1.2.0"',
            '"1.1.0"',
            "deploy/helm/gatewright/Chart.yaml: appVersion is 1.1.0, the core's version is 1.2.0",
        ),
        (
            "clients/js/package.json",
            "1.2.0",
            "1.1.0",
            "clients/js/package.json: version is 1.1.0, the core's version is 1.2.0",
        ),
        (
            "requirements-dev.txt",
            "anyio",
            "ruff",
            "requirements-dev.txt: requires ruff, of which constraints.txt has no version; add one",
        ),
    ],
)
def test_what_is_wrong_beside_the_distributions_is_told(repository, path, before, after, said):
    repository.edit(path, before, after)

    assert problems_beside(repository.root) == [said]


@pytest.mark.parametrize(
    ("version", "admitted", "refused"),
    [("0.1.0", "0.1.9", "1.0.0"), ("0.3.2", "0.4.0", "0.2.9"), ("2.1.0", "2.1.0", "3.0.0")],
)
def test_the_range_of_a_release_begins_with_its_minor_and_ends_before_the_next_major(
    version, admitted, refused
):
    specifier = SpecifierSet(inner_range(version))

    assert version in specifier
    assert admitted in specifier
    assert refused not in specifier


def test_a_line_of_constraints_that_is_no_version_is_told_with_its_place(repository):
    repository.write("constraints.txt", "anyio==4.16.0\nstructlog>=25\n")

    with pytest.raises(
        ValueError, match=r"constraints\.txt:2: 'structlog>=25' is not name==version"
    ):
        constraints(repository.root)


@pytest.mark.parametrize("text", ["", "for version in 3.11; do\nfor version in 3.12; do\n"])
def test_pythons_that_the_ci_does_not_name_clearly_are_told(repository, text):
    repository.write(".ci/run", text)

    with pytest.raises(LookupError, match=r"\.ci/run: expected the same"):
        problems_stated(repository.root)


def test_a_core_without_a_hook_api_is_told(repository):
    repository.write("core/src/gatewright/plugin/spec.py", "")

    with pytest.raises(LookupError, match="no HOOK_API"):
        problems_stated(repository.root)
