"""Every file of the corpus is detected as its label says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.source.corpus.case import detect
from tests.source.corpus.cases import CASES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", CASES)
def test_detected_as_labelled(tmp_path: Path, name: str) -> None:
    """Where no option says anything, a file's dialect, header, footer and records are those of its label."""
    assert detect(tmp_path, CASES[name].content) == CASES[name].label
