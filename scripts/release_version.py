"""Give every distribution, and what is released beside them, a version.

    python -m scripts.release_version X.Y.Z

Writes the version and the ranges by which the distributions require each other into every
``pyproject.toml``, and the version into the chart, the browser's client, the Compose files and the
pages that name an image. The changelog stays as it is: its section is written by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import NormalizedName
from scripts.release.distributions import distributions, examples
from scripts.release.project import IMAGE, image_files
from scripts.release.requirements import inner_range, is_version

__all__ = ["main", "set_version"]

ROOT = Path(__file__).resolve().parent.parent


def main(root: Path = ROOT) -> int:
    """Write the version of the command line, and tell which files changed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("version", metavar="X.Y.Z")
    given = parser.parse_args().version
    if not is_version(given):
        parser.error(f"{given!r} is no version of a release; write X.Y.Z, as 1.4.0")
    for path in set_version(root, given):
        print(path.relative_to(root))
    return 0


def set_version(root: Path, version: str) -> list[Path]:
    """Write ``version`` wherever it belongs, and return the files that changed."""
    every = distributions(root)
    names = [each.name for each in every]
    changed: dict[Path, str] = {}
    for each in every:
        path = each.folder / "pyproject.toml"
        text = _assigned(path.read_text(encoding="utf-8"), "version = ", version)
        changed[path] = _required(text, names, version)
    for each in examples(root):
        path = each.folder / "pyproject.toml"
        changed[path] = _required(path.read_text(encoding="utf-8"), names, version)
    for path in image_files(root):
        changed[path] = IMAGE.sub(f"gatewright:{version}", path.read_text(encoding="utf-8"))
    chart = root / "deploy" / "helm" / "gatewright" / "Chart.yaml"
    if chart.is_file():
        text = _assigned(chart.read_text(encoding="utf-8"), "version: ", version)
        changed[chart] = _assigned(text, "appVersion: ", version)
    package = root / "clients" / "js" / "package.json"
    if package.is_file():
        changed[package] = _assigned(package.read_text(encoding="utf-8"), '  "version": ', version)
    return [path for path, text in changed.items() if _written(path, text)]


def _assigned(text: str, before: str, version: str) -> str:
    """Replace the first value that stands after ``before`` at the beginning of a line."""
    pattern = rf'^({re.escape(before)}"?)[^"\s]+'
    return re.sub(pattern, rf"\g<1>{version}", text, count=1, flags=re.MULTILINE)


def _required(text: str, names: Sequence[NormalizedName], version: str) -> str:
    """Replace the ranges by which distributions of a release are required."""
    wanted = inner_range(version)
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = rf'"((?:{either})(?:\[[\w,-]+\])?)[<>=~!][^";]*(?=["; ])'
    return re.sub(pattern, rf'"\g<1>{wanted}', text)


def _written(path: Path, text: str) -> bool:
    if path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(main())
