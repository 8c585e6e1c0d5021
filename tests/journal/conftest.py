"""The one fixture through which the contract's tests reach every journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.journal.journals import STORES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.journal.journals import JournalStore


@pytest.fixture(params=list(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> JournalStore:
    """An empty store of each journal in turn."""
    folder = tmp_path / "store"
    folder.mkdir()
    return STORES[request.param](folder)
