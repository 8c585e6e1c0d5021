"""Files that are made of the program's own models: `python -m tests.support.written` writes them."""

from __future__ import annotations

from pathlib import Path

from loader.mapping.json_schema import schema_name, schema_text
from loader.mapping.reference import reference
from loader.resources import BUILT_IN

ROOT = Path(__file__).parents[2]
HEADING = "### Mapping reference\n\n"


def written() -> dict[Path, str]:
    """Return the files and their texts."""
    texts = {ROOT / "mappings" / schema_name(item): schema_text(item) for item in BUILT_IN.values()}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    before, heading, rest = readme.partition(HEADING)
    _, following, after = rest.partition("## ")
    texts[ROOT / "README.md"] = f"{before}{heading}{reference()}\n{following}{after}"
    return texts


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
