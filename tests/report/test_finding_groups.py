"""Findings grouped by their cause: from frames, and row by row."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings

from loader.findings import Finding, Location, dump_params
from loader.records import RowResult, Status
from loader.report.finding_groups import OTHER, FindingGroups
from loader.report.findings import SCHEMA
from loader.report.values import FindingCount, RowPlace

if TYPE_CHECKING:
    from loader.findings import JsonValue

ALLOWED: list[JsonValue] = ["C", "D"]


def finding(record_no: int, value: str | None = "Q", **other: Any) -> dict[str, Any]:
    """A line of a frame: a value that no table has, unless something else is given."""
    params = other.pop("params", {"allowed": ALLOWED})
    usual = {
        "file": "runs.csv",
        "record_no": record_no,
        "line": record_no + 1,
        "external_id": f"K{record_no}",
        "status": "invalid",
        "field": "status",
        "column": "State",
        "value": value,
        "code": "map.no_entry",
        "params": dump_params(params),
        "row_no": None,
        "row_file": None,
    }
    return usual | other


def frame(*findings: dict[str, Any]) -> pl.DataFrame:
    """A frame of findings."""
    return pl.DataFrame(list(findings), schema=SCHEMA)


def row(record_no: int, *findings: Finding, status: Status = Status.REFUSED, file_no: int = 0) -> RowResult:
    """A row of a load."""
    return RowResult(
        record_no - 1, file_no, record_no, record_no + 1, f"K{record_no}", status, None, None, 1, findings
    )


def answer(words: str | None, status: int = 400, code: str = "answer.refused") -> Finding:
    """An answer of a service."""
    return Finding(code, params={"status": status} | ({} if words is None else {"words": words}))


def by_frames(*batches: list[dict[str, Any]]) -> FindingGroups:
    """The groups of some batches of findings."""
    groups = FindingGroups()
    for batch in batches:
        groups.add(frame(*batch))
    return groups


def by_rows(batches: list[list[dict[str, Any]]]) -> FindingGroups:
    """The groups of the same findings, row by row."""
    groups = FindingGroups()
    for batch in batches:
        for _, lines in pl.DataFrame(batch, SCHEMA).group_by("record_no", "status", maintain_order=True):
            groups.add_row(_row_of(lines.rows(named=True)), "runs.csv")
    return groups


def _row_of(lines: list[dict[str, Any]]) -> RowResult:
    findings = [
        Finding(line["code"], line["field"], line["column"], line["value"], {"allowed": ALLOWED})
        for line in lines
    ]
    return row(lines[0]["record_no"], *findings, status=Status(lines[0]["status"]))


def answers(*all_words: tuple[str, int]) -> list[tuple[str | None, int | None, int, list[int]]]:
    """Words, status, rows and examples of the groups of some refused rows."""
    groups = FindingGroups()
    for number, (words, status) in enumerate(all_words, 1):
        groups.add_row(row(number, answer(words, status)), "runs.csv")
    return [
        (
            group.words,
            group.http_status,
            group.rows,
            [example.place.record_no for example in group.examples.items],
        )
        for group in groups.groups(Status.REFUSED)
    ]


# --- Frames ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "name", "values"),
    [
        ("row.not_object", "got", ("an array", "null")),
        ("row.duplicate_key", "key", ("Id", "Name")),
        ("row.not_a_number", "number", ("NaN", "Infinity")),
    ],
)
def test_lines_with_the_same_title_are_one_group(code: str, name: str, values: tuple[str, str]) -> None:
    """What the title of a group does not say does not split it in two that look the same."""
    groups = FindingGroups()
    for number, value in enumerate(values, 1):
        groups.add_row(row(number, Finding(code, params={name: value}), status=Status.INVALID), "a.ndjson")
    assert [group.rows for group in groups.groups()] == [2]


def test_records_that_are_not_fixed_are_grouped_by_what_the_title_names() -> None:
    """Two causes are two groups, and their titles differ."""
    groups = FindingGroups()
    for number, cause in enumerate(("row.too_few_cells", "row.unclosed_quote", "row.too_few_cells"), 1):
        params: dict[str, JsonValue] = {"causes": [cause], "marker": "_code"}
        wrong = Finding("rejects.not_fixed", params=params)
        groups.add_row(row(number, wrong, status=Status.INVALID), "rejects.csv")
    found = groups.groups()
    assert [group.rows for group in found] == [2, 1]
    assert len({group.title for group in found}) == len(found)


def test_findings_with_the_same_cause_are_one_group() -> None:
    """By status, code, field and what does not vary, over batches; most frequent first."""
    late = {"field": "run_date", "column": "Day", "code": "date.iso_format", "params": {}}
    groups = by_frames(
        [finding(1), finding(2, "d"), finding(2, "x", **late)],
        [],
        [finding(5), finding(6, status="blocked")],
    )
    first, *others = groups.groups()
    assert [(group.status, group.field, group.rows) for group in (first, *others)] == [
        ("invalid", "status", 3),
        ("invalid", "run_date", 1),
        ("blocked", "status", 1),
    ]
    assert (first.code, first.column, first.reason) == ("map.no_entry", "State", "not in the mapping's table")
    assert first.expected == "one of C, D"
    assert "add these values to `map` of status" in first.fix
    assert (first.title, first.record_nos) == ("invalid: status: not in the mapping's table", (1, 2, 5))
    assert groups.groups(Status.BLOCKED) == tuple(others[1:])
    assert groups.groups(Status.BLOCKED, Status.INVALID) == (first, *others)


def test_what_varies_from_row_to_row_makes_no_group() -> None:
    """A suggestion, or the number of cells; other parameters do."""
    groups = by_frames(
        [
            finding(1, "d", params={"allowed": ALLOWED, "suggestion": "D"}),
            finding(2, "c", params={"allowed": ALLOWED, "suggestion": "C"}),
            finding(3, "x"),
            finding(4, "x", params={"allowed": ["E"]}),
        ]
    ).groups()
    assert [(group.rows, group.expected) for group in groups] == [(3, "one of C, D"), (1, "one of E")]
    assert [example.nearest for example in groups[0].examples.items] == ["D", "C", None]
    ragged = {"field": "", "column": None, "code": "row.too_many_cells"}
    (group,) = by_frames(
        [finding(number, None, params={"cells": number, "columns": 3}, **ragged) for number in (4, 5)]
    ).groups()
    assert (group.rows, group.reason) == (2, "more cells than columns")
    assert [example.value for example in group.examples.items] == [
        f"has {number} cells, but the header has 3" for number in (4, 5)
    ]


def test_a_row_with_two_findings_of_one_cause_is_one_row() -> None:
    """Each item of a list may be wrong: groups count rows, and examples findings."""
    batches = [[finding(1, "a"), finding(1, "b"), finding(2, "a")], [finding(3, "c"), finding(3, "d")]]
    for groups in (by_frames(*batches), by_rows(batches)):
        (group,) = groups.groups()
        assert (group.rows, group.findings, group.record_nos) == (3, 5, (1, 2, 3))
        assert groups.counts() == (FindingCount("map.no_entry", "status", 3),)


def test_examples_are_the_first_five_different_values() -> None:
    """Each value once, with the place where it came first, whatever the batches."""
    values = ["a", "a", None, "b", "a", "c", None, "d", "e", "f"]
    lines = [finding(number, value) for number, value in enumerate(values, 1)]
    for cut in range(len(lines)):
        batches = [lines[:cut], lines[cut:]]
        for groups in (by_frames(*batches), by_rows(batches)):
            (group,) = groups.groups()
            assert [(example.value, example.place.record_no) for example in group.examples.items] == [
                ("a", 1),
                (None, 3),
                ("b", 4),
                ("c", 6),
                ("d", 8),
            ]
    place = group.examples.items[0].place
    assert (place.line, place.external_id, place.file) == (2, "K1", "runs.csv")


def test_few_different_values_leave_room_for_more_rows() -> None:
    """In the order of the source."""
    values = ["a", "a", "b", "a", "a", "a"]
    lines = [finding(number, value) for number, value in enumerate(values, 1)]
    for cut in range(len(lines)):
        batches = [lines[:cut], lines[cut:]]
        for groups in (by_frames(*batches), by_rows(batches)):
            (group,) = groups.groups()
            assert [example.place.record_no for example in group.examples.items] == [1, 2, 3, 4, 5]


def test_a_column_that_is_not_the_same_in_all_is_not_named() -> None:
    """Bytes may be wrong in any column."""
    group, other = by_frames([finding(1), finding(2, field="name"), finding(3, column="B")]).groups()
    assert (group.column, group.rows, other.column) == (None, 2, "State")
    assert group.fix.startswith("Correct these rows")


def test_another_row_of_the_record_is_shown() -> None:
    """The row that is wrong, also in a second file; the record's first row needs no mention."""
    lines = [
        finding(1, "a", row_no=1),
        finding(1, "b", row_no=3, line=4),
        finding(1, "c", row_no=7, line=8, row_file="rem.csv"),
    ]
    places = [(None, 2), (RowPlace(3, 4), None), (RowPlace(7, 8, file="rem.csv"), None)]
    (group,) = by_frames(lines).groups()
    assert [(example.row, example.place.line) for example in group.examples.items] == places
    groups = FindingGroups()
    locations = [None, Location(line=4, record_no=3), Location("rem.csv", 8, record_no=7)]
    some = [
        Finding("map.no_entry", "status", None, value, {"allowed": ALLOWED}, location)
        for value, location in zip("abc", locations, strict=True)
    ]
    groups.add_row(row(1, *some), "runs.csv")
    (group,) = groups.groups()
    assert [example.row for example in group.examples.items] == [place for place, _ in places]


def test_past_a_thousand_groups_the_rest_is_one() -> None:
    """Memory stays flat, every finding counts, and no other cause lends its words."""
    lines = [
        finding(number, None, field=f"f{number}", code="number.plain_format", params={})
        for number in range(1, 1501)
    ]
    batches = [lines[:700], lines[700:], [lines[3]]]
    for groups in (by_frames(*batches),):
        first, second, *others = groups.groups()
        assert len(others) == 999
        assert (first.field, first.code, first.rows, first.reason) == ("", "", 500, OTHER)
        assert (first.column, first.expected, first.title) == (None, None, f"invalid: {OTHER}")
        assert (second.field, second.rows) == ("f4", 2)
        assert sum(group.rows for group in (first, second, *others)) == 1501
        counts = groups.counts()
        assert counts[0] == FindingCount("number.plain_format", "", 500)
        assert sum(count.rows for count in counts) == 1501


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
    """Whatever comes: each group has its rows, the groups together all findings; rows give the same."""
    lines, rows, findings = [], Counter[tuple[str, str]](), 0
    codes = {"x": "map.no_entry", "y": "enum.value"}
    for number, batch in enumerate(batches):
        at = [(path, codes[code], record + number * 10) for path, code, record in batch]
        lines.append([finding(record, field=path, code=code) for path, code, record in at])
        findings += len(at)
        rows.update((path, code) for path, code, _ in set(at))
    for groups in (by_frames(*lines), by_rows(lines)):
        some = groups.groups()
        assert {(group.field, group.code): group.rows for group in some} == rows
        assert [group.rows for group in some] == sorted((group.rows for group in some), reverse=True)
        assert sum(group.findings for group in some) == findings
        assert {(count.field, count.code): count.rows for count in groups.counts()} == rows


def test_frames_and_rows_give_the_same_groups() -> None:
    """Down to the examples."""
    batches = [
        [finding(1, "a"), finding(1, "b", field="x"), finding(2, None)],
        [finding(3, "a", status="blocked"), finding(4, "c")],
    ]
    assert by_frames(*batches).groups() == by_rows(batches).groups()


# --- A service's words -----------------------------------------------------------------------------------


def test_words_that_differ_in_numbers_are_one_group() -> None:
    """Without these; other words, or another status, are apart; most frequent first."""
    assert answers(
        ("no such tenant", 400), ("id 17 is taken", 409), ("id 18 is taken", 409), ("id 17 is taken", 400)
    ) == [
        ("id … is taken", 409, 2, [2, 3]),
        ("no such tenant", 400, 1, [1]),
        ("id 17 is taken", 400, 1, [4]),
    ]


def test_words_that_are_the_same_keep_their_numbers() -> None:
    """As in the reason, which names the status."""
    assert answers(("id 17 is taken", 409), ("id 17 is taken", 409)) == [("id 17 is taken", 409, 2, [1, 2])]
    groups = FindingGroups()
    groups.add_row(row(1, answer("id 17 is taken", 409)), "runs.csv")
    (group,) = groups.groups()
    assert group.title == "refused: HTTP 409: id 17 is taken"


def test_words_that_vary_from_row_to_row_are_no_part_of_the_group() -> None:
    """A service that answers nonsense to each row gives one group, which has no words."""
    groups = FindingGroups()
    for number, words in enumerate(("<html>", "oops"), 1):
        nonsense = Finding("answer.not_json", params={"status": 200, "words": words})
        groups.add_row(row(number, nonsense, status=Status.IN_DOUBT), "runs.csv")
    (group,) = groups.groups()
    assert (group.code, group.rows, group.words) == ("answer.not_json", 2, None)


def test_examples_are_few_and_counts_are_complete() -> None:
    """Five rows are examples of all."""
    groups = FindingGroups()
    for number in range(1, 101):
        groups.add_row(row(number, Finding("answer.timeout"), status=Status.IN_DOUBT), "runs.csv")
    (group,) = groups.groups(Status.IN_DOUBT)
    assert (group.reason, group.rows, group.words, group.http_status) == (
        "no answer in time",
        100,
        None,
        None,
    )
    assert (group.examples.total, len(group.examples.items)) == (100, 5)


def test_past_a_thousand_words_the_rest_counts_as_one() -> None:
    """However many different words come, memory stays flat and no row is lost; each status has its own."""
    letters = "abcdefghij"
    words = [a + b + c + d for a in letters for b in letters for c in letters for d in "xy"]
    groups = FindingGroups()
    for number, some in enumerate([*words, words[0], words[-1]], 1):
        groups.add_row(row(number, answer(some)), "runs.csv")
    groups.add_row(row(9_000, answer("z"), status=Status.IN_DOUBT), "runs.csv")
    refused = groups.groups(Status.REFUSED)
    assert len(refused) == 1_001
    assert (refused[0].reason, refused[0].rows) == (OTHER, 1_001)
    assert sum(group.rows for group in refused) == len(words) + 2
    assert [(group.reason, group.rows) for group in groups.groups(Status.IN_DOUBT)] == [(OTHER, 1)]


def test_very_long_words_are_cut() -> None:
    """A page of markup in the place of an answer does not fill the memory."""
    ((words, _, rows, _),) = answers(("x" * 10**6, 400), ("x" * 10**6 + "y", 400))
    assert words is not None
    assert (len(words), rows) == (2_000, 2)


@pytest.mark.parametrize("words", [None, ""])
def test_answers_without_words_have_none(words: str | None) -> None:
    """The reason is what the status means."""
    groups = FindingGroups()
    groups.add_row(row(1, answer(words, 429, "answer.throttled")), "runs.csv")
    (group,) = groups.groups()
    assert (group.words, group.http_status, group.reason) == (None, 429, "HTTP 429: too many requests")


def test_rows_without_findings_do_not_count() -> None:
    """There is nothing to group them by."""
    groups = FindingGroups()
    groups.add_row(row(1), "runs.csv")
    groups.add(frame())
    assert (groups.groups(), groups.counts()) == ((), ())
