"""The site of the documentation holds every page, and does not build with a mistake in one."""

import re
import shutil
import subprocess
import sys

import pytest
from tests.support.markdown import PAGES, ROOT

SMALL = "# Site\n\n:::{toctree}\npage\n:::\n"


@pytest.fixture
def build(tmp_path):
    """Build a site of the pages that are given, as the Makefile builds ours; return the result."""
    (recipe,) = re.findall(r"^\t@\$\(BIN\)/python -m (sphinx .*)$", makefile(), re.MULTILINE)
    (tmp_path / "docs" / "site").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "conf.py", tmp_path / "docs")

    def build(**pages):
        for name, text in pages.items():
            (tmp_path / "docs" / f"{name}.md").write_text(text)
        return subprocess.run(
            [sys.executable, "-m", *recipe.split()],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return build


def makefile():
    return (ROOT / "Makefile").read_text()


def test_a_site_without_a_mistake_builds(build, tmp_path):
    built = build(index=SMALL, page="# Page\n\nBack to [the site](index.md#site).\n")

    assert (built.returncode, built.stderr) == (0, "")
    assert (tmp_path / "build" / "site" / "docs" / "page.html").exists()


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("# Page\n\n[gone](gone.md)\n", "target not found: 'gone.md'"),
        ("# Page\n\n[gone](index.md#gone)\n", "'gone'"),
        ("# Page\n\n```json\n{no json\n```\n", 'as "json" resulted in an error'),
    ],
)
def test_a_mistake_fails_the_build(build, page, told):
    built = build(index=SMALL, page=page)

    assert built.returncode != 0
    assert told in built.stderr


def test_a_page_that_no_other_names_fails_the_build(build):
    built = build(index=SMALL, page="# Page\n", other="# Other\n")

    assert built.returncode != 0
    assert "other.md: WARNING: document isn't included in any toctree" in built.stderr


def test_the_pages_of_all_folders_are_checked_by_the_tests():
    pages = set((ROOT / "docs").rglob("*.md"))

    assert pages <= set(PAGES)


def test_the_site_is_built_where_the_checks_run():
    assert "\nmake docs\n" in (ROOT / ".ci" / "run").read_text()
