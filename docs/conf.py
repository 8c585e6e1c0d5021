"""Settings of the documentation's build; `make docs` runs it."""  # noqa: INP001 - Sphinx reads this file, nothing imports it

from __future__ import annotations

import sys
from pathlib import Path

from loader import __version__

sys.path.insert(0, str(Path(__file__).parent))

project = "loader"
release = version = __version__
extensions = [
    "myst_parser",
    "_ext.command_reference",
    "_ext.finding_codes",
    "_ext.mapping_reference",
]
exclude_patterns = ["_ext", "_static"]

html_theme = "furo"
html_title = f"loader {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False  # the licence is a file of the project
html_show_sphinx = False

# Links can point at every heading down to the third level, by its words.
myst_heading_anchors = 3
# Typographic quotes and dashes would change the options and values in help texts.
smartquotes = False
