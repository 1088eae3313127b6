"""What TypeScript says of the browser client: its source, its declarations, its users."""

import json
import re
import shutil
import subprocess

import pytest
from tests.support.javascript import NODE, NPM
from tests.support.markdown import ROOT

PACKAGE = ROOT / "clients" / "js"
USES = ROOT / "tests" / "clients" / "typing"
TOOLS = ROOT / "build" / "typescript"
STRICT = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom"]

pytestmark = pytest.mark.timeout(180)  # the first time, the compiler is fetched


def npm(*words, cwd):
    done = subprocess.run([NODE, NPM, *words], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tsc():
    """The compiler in the version that the package names; returns what it says."""
    version = json.loads((PACKAGE / "package.json").read_text())["devDependencies"]["typescript"]
    folder = TOOLS / version
    program = folder / "node_modules" / "typescript" / "lib" / "tsc.js"
    if not program.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        flags = ["--no-package-lock", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]
        npm("install", *flags, "--prefix", str(folder), f"typescript@{version}", cwd=folder)

    def said(*words, cwd=PACKAGE):
        command = [NODE, program, "--pretty", "false", *words]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    return said


def test_the_source_is_typed_and_the_declarations_are_as_it_is(tsc, tmp_path):
    assert tsc("--project", ".", "--outDir", str(tmp_path)) == ""

    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text() for path in (PACKAGE / "types").iterdir()}
    assert made.keys() == {path.with_suffix(".d.ts").name for path in PACKAGE.glob("src/*.js")}
    assert kept == made, "out of date; run: npx tsc --project clients/js"


@pytest.fixture(scope="module")
def found(tsc, tmp_path_factory):
    """What is wrong with the files that use the package as it would be installed."""
    folder = tmp_path_factory.mktemp("user")
    installed = folder / "node_modules" / "gatewright-client"
    installed.mkdir(parents=True)
    shutil.copy(PACKAGE / "package.json", installed)
    for part in ("src", "types"):
        shutil.copytree(PACKAGE / part, installed / part)
    (folder / "package.json").write_text('{"type": "module"}')
    for file in USES.glob("*.ts"):
        shutil.copy(file, folder)
    said = tsc(*STRICT, "--module", "nodenext", "good.ts", "wrong.ts", cwd=folder)
    errors = re.findall(r"^(\S+)\((\d+),\d+\): error (TS\d+)", said, re.MULTILINE)
    assert len(errors) == said.count("error TS"), said
    return {(file, int(line), code) for file, line, code in errors}


def test_right_uses_are_accepted(found):
    assert {each for each in found if each[0] == "good.ts"} == set()


def test_each_wrong_use_is_found(found):
    lines = (USES / "wrong.ts").read_text().splitlines()
    wrong = {
        ("wrong.ts", number, line.rpartition("// wrong: ")[2])
        for number, line in enumerate(lines, start=1)
        if "// wrong: " in line
    }

    assert len(wrong) > 10
    assert {each for each in found if each[0] == "wrong.ts"} == wrong


def test_the_package_holds_what_it_needs_and_nothing_else():
    (packed,) = json.loads(npm("pack", "--dry-run", "--json", cwd=PACKAGE))

    files = {file["path"] for file in packed["files"]}
    assert packed["name"] == "gatewright-client"
    assert files == {
        *("package.json", "README.md", "LICENSE"),
        *(f"src/{path.name}" for path in PACKAGE.glob("src/*.js")),
        *(f"types/{path.name}" for path in PACKAGE.glob("types/*.d.ts")),
    }
    about = json.loads((PACKAGE / "package.json").read_text())
    assert about["license"] == "MIT"
    assert "dependencies" not in about
