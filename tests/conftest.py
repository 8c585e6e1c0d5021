"""Fixtures of the tests that run the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loader.sandbox import RunningSandbox, SandboxSettings
from tests.proof.conftest import heading as of_proofs
from tests.report.page.browser import heading as in_browsers
from tests.support.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What is left out, and why; from here, since pytest asks no conftest of a folder further down."""
    left_out = (in_browsers(config.args), of_proofs())
    return [line for line in left_out if line]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """An empty folder to run the program in, with a token in the environment."""
    folder = tmp_path / "here"
    folder.mkdir()
    return Shell(folder)


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """A sandbox of its own for the test, with the tenant acme and every token good."""
    with RunningSandbox(SandboxSettings(page_size=10_000)) as running:
        yield running
