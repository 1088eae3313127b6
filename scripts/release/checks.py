"""All checks of a release, put together."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from scripts.release import imports, project, requirements
from scripts.release.archives import problems_of_archives
from scripts.release.building import BuildError, Built
from scripts.release.distributions import Distribution, distributions, examples
from scripts.release.importing import problems_of_entry_points, unpacked

from gatewright.plugin.spec import KINDS

__all__ = ["problems_beside", "problems_built", "problems_stated"]


def problems_stated(root: Path) -> dict[str, list[str]]:
    """Return what is wrong with what each distribution states, by its folder; examples too.

    Raises:
        LookupError, ValueError: A file that others are compared with cannot be read.
    """
    every, shown = distributions(root), examples(root)
    core = every[0]
    names = {each.name for each in every}
    pins = requirements.constraints(root)
    owned = imports.owners(every)
    api = requirements.hook_api(core)
    versions = project.pythons(root)
    found: dict[str, list[str]] = {}
    for each in every:
        found[each.where] = [
            *requirements.problems_of_version(each, core.version),
            *requirements.problems_of_inner(each, names, core.version),
            *requirements.problems_of_constraints(each.requirements, pins, names),
            *requirements.problems_of_api(each, set(KINDS), api),
            *project.problems_of_metadata(each, versions),
            *imports.problems_of_imports(each, owned, names),
        ]
    for each in shown:
        found[each.where] = [
            *requirements.problems_of_inner(each, names, core.version),
            *requirements.problems_of_constraints(each.requirements, pins, names),
        ]
    return found


def problems_built(
    every: list[Distribution], built: Mapping[str, Built | BuildError]
) -> dict[str, list[str]]:
    """Return what is wrong with what was built, by the distribution's folder."""
    done = {where: each for where, each in built.items() if isinstance(each, Built)}
    found = {where: [str(each)] for where, each in built.items() if isinstance(each, BuildError)}
    with tempfile.TemporaryDirectory() as temporary:
        places = unpacked([each.wheel for each in done.values()], Path(temporary))
        for distribution in every:
            where = distribution.where
            if where in done:
                found[where] = [
                    *problems_of_archives(distribution, done[where]),
                    *problems_of_entry_points(places[done[where].wheel], list(places.values())),
                ]
    if _twine(done.values()):  # one call for all takes a second, one for each a quarter of a minute
        for where, each in done.items():
            found[where] += _twine([each])
    return found


def problems_beside(root: Path) -> list[str]:
    """Return what is wrong with the files beside the distributions."""
    core = distributions(root)[0]
    lines = (root / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    tools = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    pins = requirements.constraints(root)
    return [
        *project.problems_of_changelog(root, core.version),
        *project.problems_of_other_versions(root, core.version),
        *(
            f"requirements-dev.txt: {each}"
            for each in requirements.problems_of_constraints(tools, pins, set())
        ),
    ]


def _twine(built: Iterable[Built]) -> list[str]:
    """Return what `twine check` says, which knows what an index refuses."""
    files = [str(path) for each in built for path in (each.wheel, each.sdist)]
    if not files:
        return []
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "twine", "--no-color", "check", "--strict", *files],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        return []
    lines = (done.stdout + done.stderr).splitlines()
    return [f"twine check: {line.strip()}" for line in lines if line.strip()]
