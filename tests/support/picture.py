"""`python -m tests.support.picture`: draw the README's picture of the sample data's dry-run report.

It needs what the tests in a browser need: Chromium and playwright.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from playwright.sync_api import sync_playwright

from loader.sandbox import RunningSandbox, SandboxSettings
from tests.report.page.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT: Final = Path(__file__).parents[2]
PICTURE: Final = _ROOT / "sample_data" / "report.png"
_TEMPLATES: Final = ("mappings/billing-template.yaml", "sample_data/billing-templates.parquet")
_RUNS: Final = ("mappings/billing-run.yaml", "sample_data/billing-runs.csv")
_SOME_REJECTED: Final = 3
_SIZE: Final = (1200, 1000)


def report_of_the_sample(folder: Path) -> Path:
    """Validate the demo's runs, after the demo's templates have been loaded.

    Args:
        folder: Where the journal and the report go.

    Returns:
        The report's page.
    """
    tenant = ["--tenant", "acme", "--home", str(folder / "home")]
    with RunningSandbox(SandboxSettings()) as sandbox:
        _run(["load", *_sample(_TEMPLATES), *tenant, "--base-url", sandbox.url])
    _run(["validate", *_sample(_RUNS), *tenant, "--report", str(folder / "report")])
    return folder / "report" / "report.html"


def _sample(names: Sequence[str]) -> list[str]:
    return [str(_ROOT / name) for name in names]


def _run(words: list[str]) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOADER_")}
    done = subprocess.run(  # apart from this process: its event loop may be the browser's
        [sys.executable, "-m", "loader", *words],
        env={**kept, "LOADER_TOKEN": "picture"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != _SOME_REJECTED:
        raise RuntimeError(f"exit code {done.returncode} where {_SOME_REJECTED} was expected:\n{done.stderr}")


def main() -> None:
    """Draw the top of the page, 1,200 pixels wide, in light colours."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        report = report_of_the_sample(Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium())
        width, height = _SIZE
        page = browser.new_page(color_scheme="light", viewport={"width": width, "height": height})
        page.goto(report.as_uri())
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
