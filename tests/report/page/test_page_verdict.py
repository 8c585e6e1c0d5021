"""The verdict of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loader.records import Status
from loader.report import dry_rows, load_rows
from loader.report.page import PageVerdict, dry_run_verdict, load_verdict

if TYPE_CHECKING:
    from loader.records import LoadState


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ({}, PageVerdict("The source has no rows: there is nothing to load.", "bad")),
        ({"valid": 1_240}, PageVerdict("All 1,240 rows can be loaded.", "good")),
        ({"valid": 1}, PageVerdict("The only row can be loaded.", "good")),
        (
            {"valid": 5, "filtered": 1},
            PageVerdict("5 of 6 rows can be loaded; the others do not need to be.", "good"),
        ),
        (
            {"filtered": 3},
            PageVerdict("Nothing is left to load: every row is already loaded or filtered.", "good"),
        ),
        (
            {"valid": 5, "invalid": 1},
            PageVerdict("5 of 6 rows can be loaded; 1 row has errors.", "warning"),
        ),
        (
            {"valid": 5, "invalid": 2, "filtered": 1},
            PageVerdict("5 of 8 rows can be loaded; 2 rows have errors.", "warning"),
        ),
        (
            {"valid": 5, "invalid": 2, "blocked": 3},
            PageVerdict(
                "5 of 10 rows can be loaded; 2 rows have errors, and 3 wait for other records.", "warning"
            ),
        ),
        (
            {"valid": 5, "blocked": 1},
            PageVerdict("5 of 6 rows can be loaded; 1 row waits for other records.", "warning"),
        ),
        (
            {"invalid": 2, "filtered": 1},
            PageVerdict("No row can be loaded: 2 of 3 rows have errors.", "bad"),
        ),
        (
            {"invalid": 1, "blocked": 2},
            PageVerdict("No row can be loaded: 1 of 3 rows has errors, and 2 wait for other records.", "bad"),
        ),
        (
            {"blocked": 2, "filtered": 1},
            PageVerdict("No row can be loaded yet: 2 of 3 rows wait for other records.", "bad"),
        ),
    ],
)
def test_the_verdict_of_a_dry_run_depends_on_what_could_be_sent(
    rows: dict[str, int], verdict: PageVerdict
) -> None:
    """Rows with errors count against it, and rows that wait; rows left out on purpose do not."""
    others = {Status(name): count for name, count in rows.items() if name != "valid"}
    assert dry_run_verdict(dry_rows(sum(rows.values()), rows.get("valid", 0), others)) == verdict


def test_the_verdict_of_a_source_that_breaks_off() -> None:
    """However good the rows before are."""
    sentence = "The source could not be read to its end: it broke off after 7 rows."
    assert dry_run_verdict(dry_rows(7, 7, {}), stopped=True) == PageVerdict(sentence, "bad")


@pytest.mark.parametrize(
    ("state", "became", "verdict"),
    [
        ("finished", {"created": 3, "already_loaded": 1}, PageVerdict("All 4 rows are loaded.", "good")),
        (
            "finished",
            {"created": 3, "filtered": 1},
            PageVerdict("3 of 4 rows are loaded; the others were left out on purpose.", "good"),
        ),
        (
            "finished",
            {"created": 1, "refused": 2, "blocked": 1},
            PageVerdict("1 of 4 rows is loaded; 3 are not.", "warning"),
        ),
        (
            "finished",
            {"created": 2, "in_doubt": 1, "refused": 1},
            PageVerdict("2 of 4 rows are loaded; 1 is not, and 1 is in doubt.", "bad"),
        ),
        (
            "finished",
            {"created": 3, "pending": 1},
            PageVerdict("The load is not finished: 3 of 4 rows are loaded, 1 row still waits.", "bad"),
        ),
        (
            "stopped",
            {"created": 3, "pending": 1},
            PageVerdict(
                "The load is not finished: 3 of 4 rows read so far are loaded, 1 row still waits.", "bad"
            ),
        ),
        (
            "interrupted",
            {"created": 2, "pending": 2},
            PageVerdict(
                "The load is not finished: 2 of 4 rows read so far are loaded, 2 rows still wait.", "bad"
            ),
        ),
        (
            "interrupted",
            {"created": 4},
            PageVerdict("The load is not finished: 4 of 4 rows read so far are loaded.", "bad"),
        ),
        (
            "running",
            {"created": 1, "in_doubt": 3},
            PageVerdict("The load is still running: 1 of 4 rows read so far is loaded.", "bad"),
        ),
    ],
)
def test_the_verdict_of_a_load_depends_on_what_is_stored(
    state: LoadState, became: dict[str, int], verdict: PageVerdict
) -> None:
    """Rows that wait count more than rows in doubt, and these more than refused ones."""
    rows = load_rows(4, {Status(name): count for name, count in became.items()})
    assert load_verdict(rows, state) == verdict
