"""Whether what the wheels declare to be called can be imported from them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["problems_of_entry_points", "unpacked"]

LOADING: Final = """
import importlib.metadata, pathlib, sys
folder = pathlib.Path(sys.argv[1])
(found,) = importlib.metadata.distributions(path=[str(folder)])
for point in found.entry_points:
    at = f"{point.group} {point.name} = {point.value}"
    try:
        point.load()
        file = pathlib.Path(sys.modules[point.module].__file__)
        if not file.is_relative_to(folder):
            print(f"entry point {at}: comes from {file}, which is not in the wheel")
    except BaseException as error:
        print(f"entry point {at}: {type(error).__name__}: {error}")
"""


def unpacked(wheels: list[Path], folder: Path) -> dict[Path, Path]:
    """Unpack each wheel into a folder of its own; return these."""
    places = {wheel: folder / wheel.name.partition("-")[0] for wheel in wheels}
    for wheel, place in places.items():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(place)
    return places


def problems_of_entry_points(place: Path, places: list[Path]) -> Iterator[str]:
    """Yield entry points of the wheel in ``place`` that cannot be imported.

    Args:
        place: A wheel, unpacked.
        places: All of the release, which go before what is installed here.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-B", "-c", LOADING, str(place)],
        env=environment,
        cwd=place,
        check=False,
        capture_output=True,
        text=True,
    )
    yield from done.stdout.splitlines()
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["nothing"]
        yield f"entry points: looking at them failed: {said[-1]}"
