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
exclude_patterns = ["_ext"]

html_theme = "furo"
html_title = f"loader {release}"
html_copy_source = False
html_show_sphinx = False

# Every heading down to the third level is a target for links, by the words that it has.
myst_heading_anchors = 3
# Help texts come as they are: typographic quotes and dashes would change options and values in them.
smartquotes = False
