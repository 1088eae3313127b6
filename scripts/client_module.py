"""Copy the browser client to where the console page serves it from.

    python scripts/client_module.py [--check]

The wheel of the core has to hold what the page loads, so the modules of ``clients/js/src`` are
copied to its assets, without the one that publishes. With ``--check`` nothing is written, and
copies that are out of date are named.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "clients" / "js" / "src"
COPIES = ROOT / "core" / "src" / "gatewright" / "builtin" / "dev_console_assets" / "gatewright"
NOT_FOR_PAGES = {"publish.js"}  # it needs an API key


def main() -> int:
    """Bring the copies up to date, or say which are not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, name stale copies")
    check = parser.parse_args().check
    wanted, found = modules(SOURCE), modules(COPIES)
    stale = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
    for name in stale:
        if check:
            path = (COPIES / name).relative_to(ROOT)
            print(f"{path}: out of date; run: python scripts/client_module.py")
        else:
            renew(COPIES / name, wanted.get(name))
    return int(check and bool(stale))


def modules(folder: Path) -> dict[str, bytes]:
    """Return the modules of a folder that pages may load, by name."""
    files = {path.name: path.read_bytes() for path in folder.glob("*.js")}
    return {name: text for name, text in files.items() if name not in NOT_FOR_PAGES}


def renew(copy: Path, text: bytes | None) -> None:
    """Write a copy, or take away what has no source any more."""
    copy.parent.mkdir(exist_ok=True)
    if text is None:
        copy.unlink()
    else:
        copy.write_bytes(text)


if __name__ == "__main__":
    sys.exit(main())
