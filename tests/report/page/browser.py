"""Find a real browser and axe-core for tests of the page, and name what is missing."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Sequence

_AXE = "axe-core@4.14.1"
_QUIETLY = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1")
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@cache
def chromium() -> str | None:
    """Return the browser's program; None where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@cache
def axe() -> Path | None:
    """Return axe-core's script, fetched with npm once a user; None where it cannot be fetched."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "loader-tests" / _AXE
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file() and (npm := shutil.which("npm")):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "lock"):
                if not script.is_file():
                    command = [npm, "install", *_QUIETLY, "--prefix", str(folder), _AXE]
                    subprocess.run(command, check=False, capture_output=True, timeout=60)
    return script if script.is_file() else None


@cache
def missing() -> str | None:
    """Return what the tests in a browser lack, in words; None where they lack nothing."""
    if find_spec("playwright") is None:
        return "playwright"
    if not chromium():
        return "chromium (apt-get install chromium)"
    if not axe():
        return "npm, and its way to axe-core (apt-get install npm)"
    return None


def heading(args: Sequence[str]) -> str | None:
    """Return a line of a run's heading, where the run covers the tests in a browser and they are left out.

    Args:
        args: The files and folders with the tests that run.
    """
    here = Path(__file__).parent
    named = [Path(arg.partition("::")[0]).resolve() for arg in args]
    if not any(here.is_relative_to(path) or path.is_relative_to(here) for path in named):
        return None
    lack = missing()
    return f"NOT PROVEN HERE: tests/report/page/test_*_in_browser.py need {lack}" if lack else None
