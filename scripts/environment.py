"""Make or renew a virtual environment with every distribution of this repository, editable.

    scripts/python scripts/environment.py [--dev] FOLDER

With ``--dev`` also the tools of requirements-dev.txt. A stamp in the folder remembers what was
installed from which files; while nothing changed, nothing is done.
"""

import argparse
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIP_OPTIONS = ["-qq", "--disable-pip-version-check", "--no-input"]


class SetUpError(Exception):
    """The environment cannot be made; says what to do in one line."""


def main() -> int:
    """Bring the environment named on the command line up to date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dev", action="store_true", help="with the tools for tests and checks")
    options = parser.parse_args()
    try:
        bring_up_to_date(options.folder.absolute(), dev=options.dev)
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def bring_up_to_date(folder: Path, *, dev: bool) -> None:
    """Install into ``folder`` unless its stamp says that this very set is there.

    Raises:
        SetUpError: The environment cannot be made or pip failed.
    """
    stamp = folder / ".gatewright-installed"
    wanted = {"python": sys.version, "root": str(ROOT), "files": digests(), "dev": dev}
    present = read_stamp(stamp) if works(folder) else {}
    if present in (wanted, wanted | {"dev": True}):
        return
    if present.get("python") != sys.version:
        create(folder)
    dev = dev or present.get("dev") is True  # what was there stays usable
    print(f"installing into {folder.name}{' with the development tools' if dev else ''} ...")
    stamp.unlink(missing_ok=True)
    install(folder, dev=dev)
    stamp.write_text(json.dumps(wanted | {"dev": dev}))


def distributions() -> list[Path]:
    """The folders of this repository's distributions: the core, the kits, the plugins, the SDK."""
    kits = sorted(file.parent for file in ROOT.glob("kits/*/pyproject.toml"))
    plugins = sorted(file.parent for file in ROOT.glob("plugins/*/pyproject.toml"))
    return [ROOT / "core", *kits, *plugins, ROOT / "sdk"]


def digests() -> dict[str, str]:
    """What an installation depends on: every file that states a requirement, by its content."""
    files = [folder / "pyproject.toml" for folder in distributions()]
    files += [ROOT / "constraints.txt", ROOT / "requirements-dev.txt"]
    return {
        str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }


def read_stamp(stamp: Path) -> dict[str, object]:
    """What was installed last; empty where nothing was, or where that is unreadable."""
    try:
        content = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def python_of(folder: Path) -> str:
    """The interpreter of the environment in ``folder``."""
    return str(folder / "bin" / "python")


def works(folder: Path) -> bool:
    """Tell whether ``folder`` holds an environment whose interpreter starts and has pip."""
    try:
        return run([python_of(folder), "-c", "import pip"]).returncode == 0
    except OSError:
        return False


def create(folder: Path) -> None:
    """Make an empty environment, in place of one that is there already.

    Raises:
        SetUpError: Neither ensurepip nor pip can put pip into it, or ``folder`` is something else.
    """
    if folder.exists():
        if not (folder / "pyvenv.cfg").is_file() and any(folder.iterdir()):
            message = (
                f"{folder} is no virtual environment; remove it or choose another: make VENV=…"
            )
            raise SetUpError(message)
        shutil.rmtree(folder)
    if importlib.util.find_spec("ensurepip") is not None:
        done = run([sys.executable, "-m", "venv", str(folder)])
        if done.returncode == 0 and works(folder):
            return
    # Debian keeps ensurepip in a package of its own; a pip beside this Python does as well.
    bare = run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)])
    seed = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python_of(folder),
        "install",
        *PIP_OPTIONS,
        "pip",
    ]
    if bare.returncode == 0 and run(seed).returncode == 0 and works(folder):
        return
    shutil.rmtree(folder, ignore_errors=True)
    package = f"python3.{sys.version_info.minor}-venv"
    message = (
        f"{sys.executable} cannot make virtual environments with pip;"
        f" on Debian and Ubuntu run: apt-get install {package}"
    )
    raise SetUpError(message)


def install(folder: Path, *, dev: bool) -> None:
    """Install every distribution editable, within the versions of constraints.txt.

    Raises:
        SetUpError: pip failed; it has said why.
    """
    command = [python_of(folder), "-m", "pip", "install", *PIP_OPTIONS]
    command += ["--constraint", str(ROOT / "constraints.txt")]
    for distribution in distributions():
        command += ["--editable", f"{distribution}{extras(distribution, dev=dev)}"]
    if dev:
        command += ["--requirement", str(ROOT / "requirements-dev.txt")]
    if subprocess.run(command, check=False, cwd=ROOT).returncode != 0:  # noqa: S603 - our own words
        message = f"pip could not install into {folder}; its message is above"
        raise SetUpError(message)


def extras(distribution: Path, *, dev: bool) -> str:
    """What of a distribution's optional parts is installed."""
    if distribution.name == "sdk":
        return "[all]"
    return "[testing]" if dev and distribution.name == "core" else ""


def run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run ``command`` without a word."""
    return subprocess.run(command, check=False, capture_output=True, cwd=ROOT)  # noqa: S603 - as above


if __name__ == "__main__":
    sys.exit(main())
