"""How the site is built from the Markdown of the repository: `tox -e docs`.

The source folder is the repository's own, so that a link between docs/ and CONTRIBUTING.md, adapters/ or reports/ is
the same on a forge and on the site, and is checked in both directions.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))
import _reference

import zoo

project = "zoo conformance suite"
release = zoo.__version__

extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "adapters/README.md",
    "reference_results/README.md",
    "reports/*.md",
]
exclude_patterns = [".*", "build", "dist", "node_modules", "runs"]

myst_heading_anchors = 4  # as a forge gives them, so that links work in both
suppress_warnings = ["myst.header"]  # reports/embedded.md is written to be a part of another page
linkcheck_ignore = [r"https://doi\.org/"]  # permanent by design, and publishers turn programs away
linkcheck_timeout = 30
linkcheck_anchors = False  # lines of a file on a forge are drawn by scripts

html_theme = "furo"
html_title = "zoo conformance suite"
html_copy_source = html_show_sourcelink = False
html_show_copyright = html_show_sphinx = False
templates_path = ["_templates"]
html_additional_pages = {"index": "to_the_start.html"}
html_static_path = ["_static"]
html_css_files = ["site.css"]


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = _reference.filled(source[0])


def setup(app: Sphinx) -> None:
    """Put the generated parts where pages have a mark for them."""
    app.connect("source-read", _fill)
