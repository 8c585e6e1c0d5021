"""Where strace cannot be had, one proof cannot be made; the run says so in its heading."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

PROOF = "test_intent_before_bytes.py"


@cache
def can_trace() -> bool:
    """Whether strace is there and may trace processes."""
    strace = shutil.which("strace")
    if strace is None:
        return False
    tried = subprocess.run([strace, "-o", "/dev/null", "true"], check=False, capture_output=True)
    return tried.returncode == 0


def heading() -> str | None:
    """A line of the run's heading, where the proof is left out."""
    if can_trace():
        return None
    return f"NOT PROVEN HERE: tests/proof/{PROOF} needs strace (apt-get install strace) that may trace"


collect_ignore = [] if can_trace() else [PROOF]
