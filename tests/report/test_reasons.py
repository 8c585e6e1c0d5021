"""Findings grouped by field and reason, what they mean in words, and where they fall."""

from __future__ import annotations

from collections import Counter
from typing import Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings

from loader.report.findings import SCHEMA
from loader.report.reasons import FindingGroups, PositionBins
from loader.report.remediation import allowed, mend, reason_in_words

TABLE = "in the table (D, C)"


def finding(record_no: int, value: str | None = "Q", **other: Any) -> dict[str, Any]:
    """A finding; a value that no table has, where nothing else is said."""
    usual = {
        "file": "runs.csv",
        "record_no": record_no,
        "line": record_no + 1,
        "external_id": f"K{record_no}",
        "status": "invalid",
        "field": "status",
        "column": "State",
        "value": value,
        "expected": TABLE,
        "message": f'"{value}" is not {TABLE}',
    }
    return usual | other


def frame(*findings: dict[str, Any]) -> pl.DataFrame:
    """Findings as the judge gives them."""
    return pl.DataFrame(list(findings), schema=SCHEMA)


def reasons(*batches: list[dict[str, Any]]) -> FindingGroups:
    """The reasons of some batches of findings."""
    made = FindingGroups()
    for batch in batches:
        made.add(frame(*batch))
    return made


def test_findings_with_one_reason_are_one_group() -> None:
    """By status, field and what was expected, over batches; most frequent first."""
    late = {"field": "run_date", "column": "Day", "expected": "a date", "message": '"x" is not a date'}
    made = reasons(
        [finding(1), finding(2, "d"), finding(2, "x", **late)],
        [],
        [finding(5), finding(6, status="blocked")],
    )
    told = made.most_frequent_first()
    assert [(each.status, each.field, each.rows) for each in told] == [
        ("invalid", "status", 3),
        ("invalid", "run_date", 1),
        ("blocked", "status", 1),
    ]
    assert made.findings == 5
    assert (told[0].column, told[0].reason, told[0].expected) == (
        "State",
        "not in the mapping's table",
        "D, C",
    )
    assert next(iter(made.in_short())) == (f'invalid: status: "Q" is not {TABLE}', 3, (1, 2, 5))


def test_a_row_with_two_findings_of_one_reason_is_one_row() -> None:
    """Of a list each item may be wrong: the reason counts rows, the short form findings."""
    made = reasons([finding(1, "a"), finding(1, "b"), finding(2, "a")], [finding(3, "c"), finding(3, "d")])
    (told,) = made.most_frequent_first()
    assert (told.rows, told.examples.total, made.findings) == (3, 5, 5)
    ((_, count, places),) = made.in_short()
    assert (count, places) == (5, (1, 2, 3))


def test_examples_are_the_first_five_different_values() -> None:
    """Each value once, with the place where it came first, whatever the batches."""
    values = ["a", "a", None, "b", "a", "c", None, "d", "e", "f"]
    rows = [finding(number, value) for number, value in enumerate(values, 1)]
    for cut in range(len(rows)):
        (told,) = reasons(rows[:cut], rows[cut:]).most_frequent_first()
        assert [(each.value, each.place.record_no) for each in told.examples.items] == [
            ("a", 1),
            (None, 3),
            ("b", 4),
            ("c", 6),
            ("d", 8),
        ]
    place = told.examples.items[0].place
    assert (place.line, place.external_id, place.file) == (2, "K1", "runs.csv")


@pytest.mark.parametrize(
    ("hint", "nearest"),
    [
        ("; did you mean 'D'?", "D"),
        ("", None),
        ('; did you mean "it\'s"?', "it's"),
        ("; did you mean 'größe x'?", "größe x"),
    ],
)
def test_the_nearest_value_is_taken_from_the_message(hint: str, nearest: str | None) -> None:
    """Quoted either way; a value that only looks like a hint is none."""
    value = "did you mean 'X'?"
    (told,) = reasons([finding(1, value, message=f'"{value}" is not {TABLE}{hint}')]).most_frequent_first()
    assert told.examples.items[0].nearest == nearest


def test_words_that_differ_by_numbers_and_values_are_one_reason() -> None:
    """Where nothing was expected, and where records cannot be read."""
    ragged = [
        finding(number, None, field="", column=None, expected=expected, message=f"has {number} cells, not 3")
        for number in (4, 5)
        for expected in (None, "a record that can be read")
    ]
    (told,) = reasons(ragged).most_frequent_first()
    assert (told.rows, told.reason, told.expected) == (2, "has … cells, not …", None)


def test_past_a_thousand_reasons_the_rest_is_one() -> None:
    """Memory stays flat, every finding counts, and no other reason lends its words."""
    rows = [
        finding(number, None, field=f"f{number}", expected="a number", message=f"f{number} is no number")
        for number in range(1, 1501)
    ]
    made = reasons(rows[:700], rows[700:], [rows[3]])
    told = made.most_frequent_first()
    assert len(told) == 1001
    assert (told[0].field, told[0].rows, told[0].reason) == ("", 500, "other reasons")
    assert (told[0].column, told[0].expected) == (None, None)
    assert told[1].field == "f4"
    assert told[1].rows == 2
    assert sum(each.rows for each in told) == made.findings == 1501
    assert next(iter(made.in_short()))[:2] == ("invalid: other reasons", 500)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y"]), st.integers(1, 9)), max_size=8
        ),
        max_size=6,
    )
)
def test_groups_are_a_plain_count(batches: list[list[tuple[str, str, int]]]) -> None:
    """Whatever comes: each group has its rows, the whole its findings."""
    made = FindingGroups()
    rows, findings = Counter[tuple[str, str]](), 0
    for number, batch in enumerate(batches):
        at = [(path, expected, record + number * 10) for path, expected, record in batch]
        made.add(frame(*(finding(record, field=path, expected=expected) for path, expected, record in at)))
        findings += len(at)
        rows.update((path, expected) for path, expected, _ in set(at))
    told = made.most_frequent_first()
    assert {(each.field, each.reason): each.rows for each in told} == {
        (path, f"not {expected}"): count for (path, expected), count in rows.items()
    }
    assert [each.rows for each in told] == sorted((each.rows for each in told), reverse=True)
    assert made.findings == sum(count for _, count, _ in made.in_short()) == findings


# --- Words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "reason", "told", "advice"),
    [
        (
            "required",
            "required, and empty",
            None,
            "Fill in the cells of column “Day”, or give run_date a default",
        ),
        (TABLE, "not in the mapping's table", "D, C", "add these values to the table of run_date"),
        (
            "one of draft, completed",
            "not one of draft, completed",
            "one of draft, completed",
            "which of the allowed values they stand for",
        ),
        (
            "one of true/false, yes/no",
            "not one of true/false, yes/no",
            "one of true/false, yes/no",
            "how run_date",
        ),
        (
            "a date of the form %Y",
            "not a date of the form YYYY",
            "a date of the form YYYY",
            "how run_date is written",
        ),
        ("a number", "not a number", "a number", "how run_date is written"),
        (
            "cells that this SQL can be computed with",
            "cannot be computed",
            None,
            "change the SQL of run_date",
        ),
    ],
)
def test_what_was_expected_in_words(expected: str, reason: str, told: str | None, advice: str) -> None:
    """Each kind has a reason that reads, and advice that names the column and the field."""
    assert reason_in_words(expected, expected, "the message") == reason
    assert allowed(expected) == told
    sentence = mend("run_date", "Day", expected, "invalid")
    assert advice in sentence
    assert "column “Day”" in sentence


def test_advice_for_whole_records() -> None:
    """Records that cannot be read, ids that stand twice or are missing, rows that wait."""
    readable = "a record that can be read"
    assert reason_in_words("has # cells", readable, "has 4 cells") == "has 4 cells"
    assert "rejects" in mend("", None, readable, "invalid")
    own = "an external id of its own"
    assert reason_in_words(own, own, "…") == "stands more than once"
    assert "The first of them counts" in mend("sys_external_id", None, own, "invalid")
    missing = mend("sys_external_id", "Key", "required", "invalid")
    assert "column “Key”" in missing
    assert "default" not in missing  # one id for all rows would be no id
    awaited = "the external id of a billing-template that a load has created"
    assert reason_in_words(awaited, awaited, "…") == "names a billing-template that no load has created"
    assert allowed(awaited) is None
    assert "wait for" in mend("template_id", "T", awaited, "blocked")
    fate = "an external id whose fate is known"
    assert "does not know whether it was stored" in reason_in_words(fate, fate, "…")
    assert "columns “A, B”" in mend("name", "A, B", "required", "invalid")
    assert "these rows" in mend("name", None, "a number", "invalid")


# --- Where they fall -------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(1, 5_000), max_size=20), max_size=8), st.integers(0, 3_000))
def test_bins_hold_every_finding(batches: list[list[int]], behind: int) -> None:
    """Whatever the order: at most 60 bins, each with the findings of its records, none lost."""
    spread = PositionBins()
    for batch in batches:
        spread.add(batch)
    every = [number for batch in batches for number in batch]
    records = max(every, default=0) + behind
    found = spread.positions("runs.csv", records)
    assert 1 <= len(found.counts) <= 60
    assert (len(found.counts) - 1) * found.width < max(records, 1)
    plain = Counter((number - 1) // found.width for number in every)
    assert {place: count for place, count in enumerate(found.counts) if count} == plain
    assert found.width & (found.width - 1) == 0
    assert found.width == 1 or records > found.width * 30


def test_a_file_without_records_has_no_findings() -> None:
    """One empty bin, so that there is something to draw on."""
    assert PositionBins().positions("empty.csv", 0).counts == (0,)
