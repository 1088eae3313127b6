"""How Sphinx builds the site: `make docs`.

The source folder is the whole repository, so that links between pages, READMEs and examples lead
where they lead in a checkout; what is built is named in ``include_patterns``.
"""  # noqa: INP001 - Sphinx runs this file

from importlib.metadata import version as version_of

project = "gatewright"
author = "the gatewright authors"
copyright = author  # noqa: A001 - Sphinx's name
release = version = version_of("gatewright")

extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "clients/*/README.md",
    "core/README.md",
    "deploy/**.md",
    "docs/**.md",
    "examples/**.md",
    "kits/*/README.md",
    "plugins/*/README.md",
    "sdk/README.md",
    "tests/README.md",
    "tests/*/README.md",
]
exclude_patterns = [".*", "build", "dist", "var", "bench", "**/node_modules", "**/__pycache__"]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = "gatewright"
html_show_sphinx = False
html_copy_source = False
html_extra_path = ["site"]
