"""The Compose files of deploy/, as Compose reads them."""

from __future__ import annotations

import os
import subprocess

import yaml
from tests.support.markdown import ROOT

COMPOSE = ROOT / "deploy" / "compose"


def compose(*files, environ, profiles=()):
    """Run Compose's own reader with a file of variables; return its answer."""
    words = [word for file in files for word in ("-f", str(COMPOSE / f"{file}.yaml"))]
    words += [word for profile in profiles for word in ("--profile", profile)]
    return subprocess.run(
        ["docker-compose", "--env-file", str(environ), *words, "config"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
        cwd=COMPOSE,
    )


def resolved(*files, profiles=()):
    """Return what files come to with the example of the first one."""
    done = compose(*files, environ=COMPOSE / f"{files[0]}.env.example", profiles=profiles)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def gateways(project):
    """Return the services that are gateways, by name."""
    return {name: one for name, one in project["services"].items() if name.startswith("gateway")}
