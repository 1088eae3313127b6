"""Build every distribution, and say of each what keeps it from being released.

    python -m scripts.release_check [--folder build/dist]

One line for each distribution, what is wrong with it, and a summary. Exits with 1 when something is
wrong. Run from the root of the repository, in the environment that ``make dev-venv`` makes; nothing
is fetched and nothing is uploaded.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.release.building import build_all
from scripts.release.checks import problems_beside, problems_built, problems_stated
from scripts.release.distributions import distributions

ROOT = Path(__file__).resolve().parent.parent
MARK = ".gatewright-dist"


def main(root: Path = ROOT) -> int:
    """Check the release of the repository ``root``, and return an exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=root / "build" / "dist", help="where to build; emptied"
    )
    folder = parser.parse_args().folder.absolute()
    if not _may_be_emptied(folder):
        print(f"{folder} has files of others; remove it or choose another: --folder")
        return 2
    try:
        return _checked(root, folder)
    except (LookupError, ValueError) as error:  # a file that others are compared with
        print(error)
        return 1


def _checked(root: Path, folder: Path) -> int:
    every = distributions(root)
    print(f"building {len(every)} distributions into {folder} ...")
    stated = problems_stated(root)
    built = build_all(every, folder)
    (folder / MARK).touch()
    inside = problems_built(every, built)
    shutil.rmtree(folder / "tree", ignore_errors=True)
    bad = [
        title
        for title, problems in {
            **{
                f"{each.name} {each.version}": stated[each.where] + inside[each.where]
                for each in every
            },
            **{where: stated[where] for where in stated.keys() - built.keys() if stated[where]},
            "the files beside them": problems_beside(root),
        }.items()
        if _told(title, problems)
    ]
    _tell_uncommitted(root)
    if bad:
        print(f"not ready: {len(bad)} with problems: {', '.join(bad)}")
        return 1
    print(f"ready: {len(every)} distributions of version {every[0].version} in {folder}")
    return 0


def _told(title: str, problems: list[str]) -> bool:
    """Print the line of one, and what is wrong; return whether anything is."""
    print(f"{'no' if problems else 'ok':3} {title}")
    for problem in problems:
        print("      " + problem.replace("\n", "\n      "))
    return bool(problems)


def _may_be_emptied(folder: Path) -> bool:
    """Tell whether a folder is missing, empty, or was made here."""
    return not folder.exists() or (folder / MARK).is_file() or not any(folder.iterdir())


def _tell_uncommitted(root: Path) -> None:
    """Say when what was built is not what a tag would name."""
    done = subprocess.run(
        ["git", "status", "--porcelain"],  # noqa: S607 - the user's git
        cwd=root,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0 and done.stdout:
        count = len(done.stdout.splitlines())
        print(f"note: {count} changes are not committed; release from a clean checkout")


if __name__ == "__main__":
    sys.exit(main())
