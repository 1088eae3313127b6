"""Builds a distribution with what its ``pyproject.toml`` names, and finds what was built."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.release.distributions import Distribution

__all__ = ["BuildError", "Built", "build", "build_all", "digest", "located", "shared"]

KEPT: Final = 3
"""Shared builds that stay, so that a run beside another one does not take its files away."""

IGNORED: Final = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".DS_Store"}


class BuildError(Exception):
    """A distribution cannot be built; the text is the end of what the build said."""


@dataclass(frozen=True)
class Built:
    """What was built of one distribution.

    Attributes:
        sdist: The source distribution.
        wheel: The wheel from the source distribution, which is what is released.
        tree_wheel: The wheel that the checkout gives without that detour.
    """

    sdist: Path
    wheel: Path
    tree_wheel: Path


def build(distribution: Distribution, folder: Path) -> Built:
    """Build into ``folder``; the wheel from the checkout goes to ``tree`` below it.

    The build backend is that of this environment, so that nothing is fetched.

    Raises:
        BuildError: The build failed.
    """
    _run(distribution, folder)
    _run(distribution, folder / "tree", "--wheel")
    return located(distribution, folder)


def located(distribution: Distribution, folder: Path) -> Built:
    """Find what was built into ``folder``.

    Raises:
        BuildError: A file is missing.
    """
    stem = f"{distribution.name.replace('-', '_')}-{distribution.version}"
    wheel = f"{stem}-py3-none-any.whl"
    built = Built(folder / f"{stem}.tar.gz", folder / wheel, folder / "tree" / wheel)
    for path in (built.sdist, built.wheel, built.tree_wheel):
        if not path.is_file():
            message = f"the build made no {path.name}; the wheel has to be one for every platform"
            raise BuildError(message)
    return built


def build_all(every: list[Distribution], folder: Path) -> dict[str, Built | BuildError]:
    """Build all of them into ``folder``, which is emptied before, two at a time.

    Returns:
        What was built, or why it was not, by the distribution's folder.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tree").mkdir(parents=True)

    def tried(distribution: Distribution) -> Built | BuildError:
        try:
            return build(distribution, folder)
        except BuildError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        results = pool.map(tried, every)
        return {one.where: result for one, result in zip(every, results, strict=True)}


def shared(every: list[Distribution], folder: Path) -> dict[str, Built]:
    """Return all of them built below ``folder``, made once for the same content.

    Processes may call this at the same time; one builds, the others wait.

    Raises:
        BuildError: One of them cannot be built.
    """
    place = folder / digest(every)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock"):
        if not place.is_dir():
            _make(every, folder / "making", place)
        place.touch()
        _forget(folder)
    return {each.where: located(each, place) for each in every}


def _make(every: list[Distribution], making: Path, place: Path) -> None:
    """Build in ``making``, so that there is never half of it in ``place``."""
    for where, result in build_all(every, making).items():
        if isinstance(result, BuildError):
            shutil.rmtree(making)
            message = f"{where}: {result}"
            raise BuildError(message) from result
    making.rename(place)


def digest(every: list[Distribution]) -> str:
    """Return a name for what the distributions are built from."""
    total = hashlib.sha256(sys.version.encode())
    for distribution in every:
        files = [path for path in distribution.folder.glob("*") if path.is_file()]
        files += [path for path in distribution.package_folder.rglob("*") if path.is_file()]
        for path in sorted(files):
            if not IGNORED.intersection(path.parts):
                total.update(f"{path.relative_to(distribution.root)}\0".encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # ends with the file, and with the process
        yield


def _forget(folder: Path) -> None:
    """Remove all but the builds that were used last."""
    builds = [path for path in folder.iterdir() if path.is_dir()]
    builds.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for old in builds[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _run(distribution: Distribution, folder: Path, *options: str) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), *options]
    done = subprocess.run(  # noqa: S603 - our own words
        [*command, str(distribution.folder)], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        message = "the build failed:\n" + "\n".join(lines[-15:])
        raise BuildError(message)
