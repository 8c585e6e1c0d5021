"""The sentences about findings: complete, on one line, and in the words of the project's vocabulary."""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING, Any

import pytest

from loader import wording
from loader.findings import CODES, Finding, Location, dump_findings, dump_params
from loader.wording import WORDINGS
from loader.wording.phrases import DERIVED_NAMES, date_format, in_letters, listed, one_line
from tests.findings.finding_cases import EXAMPLES, OTHERS, example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.codes import Code
    from loader.findings import JsonValue

_SENTENCES = ("message", "expected", "fix", "reason")
_PRIVATE = re.compile(
    r"\b(told|said|stands?|standing|mend(ed)?|begun|aloud|doubts|foreseen|unmended|settled?|judged?|fate|lets|"
    r"whose|are to be|is to be|(?<!there )is no|it is \w+ that)\b",
    re.IGNORECASE,
)
_FOR_GROUPS = {"answer.not_json": {"status"}, "answer.no_id": {"status"}, "answer.bad_id": {"status"}}
"""Parameters that no sentence shows, and that tell groups apart."""
_LONGEST = 25  # words of a sentence
_codes = pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.name)


class Recording(dict[str, "JsonValue"]):
    """Parameters that remember which of them were asked for."""

    def __init__(self, params: dict[str, JsonValue]) -> None:
        super().__init__(params)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a parameter."""
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> JsonValue:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


def sentences(finding: Finding) -> dict[str, str]:
    """Return the sentences about a finding that there are."""
    found = {name: getattr(wording, name)(finding) for name in _SENTENCES}
    return {name: text for name, text in found.items() if text is not None}


def variants(code: Code) -> Iterator[Finding]:
    """Yield findings of a code: with all parameters, without each one, and with nothing at all."""
    whole = example(code)
    yield whole
    for name in code.params:
        params = {key: value for key, value in whole.params.items() if key != name}
        yield Finding(whole.code, whole.field, whole.column, whole.value, params)
    yield Finding(whole.code, whole.field, None, None, whole.params)
    yield Finding(whole.code, whole.field, "A, B", whole.value, whole.params)
    yield Finding(whole.code)


@_codes
def test_every_code_has_a_message_a_fix_and_a_reason(code: Code) -> None:
    """Nothing is left to be filled in, and nothing of Python shows, with whatever parameters there are."""
    for finding in variants(code):
        found = sentences(finding)
        assert found.keys() >= {"message", "fix", "reason"}
        for text in found.values():
            assert text.strip() == text != ""
            assert not re.search(r"\{\w*\}|\bNone\b|\bTrue\b|\bFalse\b|\['|  ", text), text
            assert text.isprintable()


@_codes
def test_with_all_parameters_nothing_is_missing(code: Code) -> None:
    """An ellipsis stands in for what a finding lacks: a complete one has none."""
    assert "…" not in " ".join(sentences(example(code)).values())


@_codes
def test_a_wording_asks_for_the_parameters_of_its_code_only(code: Code) -> None:
    """A template with a parameter that no finding can have would never be filled in."""
    entry = WORDINGS[code.name]
    for text in (entry.message, entry.expected, entry.fix, entry.reason):
        if isinstance(text, str):
            names = {name for _, name, _, _ in Formatter().parse(text) if name}
            assert names <= {*code.params, "field", "value", *DERIVED_NAMES}
    params = Recording(dict(example(code).params))
    finding = Finding(code.name, "f", "C", "v", params)
    params.asked.clear()
    sentences(finding)
    assert params.asked - {"suggestion", "sources"} <= set(code.params)


@_codes
def test_every_parameter_shows_somewhere(code: Code) -> None:
    """A parameter that no sentence shows is none that a finding needs."""
    asked: set[str] = set()
    for finding in variants(code):
        params = Recording(dict(finding.params))
        recorded = Finding(code.name, "f", "C", "v", params)
        params.asked.clear()
        sentences(recorded)
        wording.detail(recorded)
        asked |= params.asked
    assert asked >= set(code.params) - _FOR_GROUPS.get(code.name, set())


@_codes
def test_sentences_are_plain_and_short(code: Code) -> None:
    """A fix is one sentence; a message and a reason are no sentences, and no private word is in any."""
    found = sentences(example(code))
    assert re.fullmatch(r"[A-Z].*[^.]\.", found["fix"]), found["fix"]
    assert ". " not in found["fix"]
    assert not found["message"].endswith(".")
    assert not found["reason"].endswith(".")
    for text in found.values():
        assert not _PRIVATE.search(text), text
        assert len(text.split()) <= _LONGEST + 3 * (text == found["message"]), text


@_codes
def test_a_group_has_one_reason_and_one_fix(code: Code) -> None:
    """What varies from row to row is in neither: they are shown once for all rows of a group."""
    one = example(code)
    varied = {name: OTHERS[name] for name in code.varying}
    other = Finding(one.code, one.field, one.column, "other", example(code, **varied).params)
    assert wording.reason(one) == wording.reason(other)
    assert wording.fix(one) == wording.fix(other)
    assert wording.expected(one) == wording.expected(other) or "place" in code.varying


@_codes
def test_a_line_names_its_field_once(code: Code) -> None:
    """Where no column shows the field, the line does: in its message, or in front of it."""
    finding = example(code)
    assert wording.line(finding).count("options.name") <= 2
    if WORDINGS[code.name].with_field:
        assert "options.name" not in wording.message(finding) or "json" in code.name


@pytest.mark.parametrize("finding", EXAMPLES, ids=lambda finding: finding.code)
def test_a_frame_gives_the_same_sentences(finding: Finding) -> None:
    """A line of a frame, with its parameters as JSON, reads as the finding that it stands for."""
    params = dump_params(finding.params)
    given = (finding.code, finding.field, finding.column, finding.value, params, finding.location)
    assert wording.message_and_expected(*given) == (wording.message(finding), wording.expected(finding))


def test_a_date_format_is_shown_as_written_and_in_letters() -> None:
    """People read DD.MM.YYYY, and the mapping has %d.%m.%Y."""
    finding = Finding("date.format", "at", "At", "2019", {"formats": ["%d.%m.%Y", "%d %b %Y"]})
    assert wording.message(finding) == (
        '"2019" does not match the date format %d.%m.%Y (DD.MM.YYYY) or %d %b %Y'
    )
    assert wording.reason(finding) == "does not match the date format DD.MM.YYYY or %d %b %Y"
    assert in_letters("%Y-%m-%dT%H:%M:%S") == "YYYY-MM-DDThh:mm:ss"
    assert date_format("Q") == "Q"


def test_a_cell_reads_well() -> None:
    """A whole example: what was found, what was expected, what to do."""
    finding = Finding(
        "enum.value", "status", "State", "drft", {"allowed": ["draft", "ok"], "suggestion": "draft"}
    )
    assert wording.message(finding) == "\"drft\" is not one of draft, ok; did you mean 'draft'?"
    assert wording.line(finding) == "status: \"drft\" is not one of draft, ok; did you mean 'draft'?"
    assert wording.expected(finding) == "one of draft, ok"
    assert wording.reason(finding) == "not an allowed value"
    assert wording.fix(finding) == (
        "Correct the values in column 'State', or translate them to an allowed value with `map` of status in "
        "the mapping."
    )


@pytest.mark.parametrize(
    ("place", "start"),
    [
        (None, "has 1 cell,"),
        (Location(), "has 1 cell,"),
        (Location(line=7), "has 1 cell,"),
        (Location(record_no=5), "record 5: has 1 cell,"),
        (Location(record_no=5, line=7), "record 5, line 7: has 1 cell,"),
        (Location("b.csv", 7, record_no=5), "b.csv, record 5, line 7: has 1 cell,"),
    ],
)
def test_a_message_names_the_row_where_it_is_another_one(place: Location | None, start: str) -> None:
    """A record of several rows may be wrong in any of them, also in one of a second file."""
    finding = Finding(
        "row.too_few_cells", params={"cells": 1, "columns": 3, "basis": "header"}, location=place
    )
    assert wording.message(finding) == f"{start} but the header has 3"


def test_the_place_comes_before_the_field() -> None:
    """Where, and then what."""
    finding = Finding("date.iso_format", "at", "At", "x", location=Location(record_no=5))
    assert wording.line(finding) == 'record 5: at: "x" is not an ISO 8601 date or time'


def test_a_finding_of_some_sources_names_them() -> None:
    """A column that one of several files lacks."""
    finding = Finding(
        "mapping.unknown_column", "name", "Nmae", params={"suggestion": "Name", "sources": ["b.csv"]}
    )
    assert wording.message(finding) == "b.csv: the source has no column 'Nmae'; did you mean 'Name'?"
    assert wording.fix(finding) == "Write 'Name' instead."


def test_a_column_of_several_is_plural() -> None:
    """A rule may read several columns."""
    assert wording.message(Finding("required.empty", "name", "First, Last")) == (
        "name is required, but columns 'First, Last' are empty"
    )
    assert wording.message(Finding("required.empty", "name")) == "name is required, but it has no value"


def test_long_lists_are_cut_after_ten() -> None:
    """Fifty columns are not a sentence."""
    names = [f"c{number}" for number in range(52)]
    shown = wording.expected(Finding("enum.value", params={"allowed": list(names)}))
    assert shown == "one of c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 42 more"
    assert listed(names[:10]).endswith("c8, c9")
    assert listed(["a", "b", "c"], " or ") == "a, b or c"
    assert listed([]) == ""


def test_a_value_of_several_lines_stays_on_one() -> None:
    """A message is a line of a log, a table or a CSV file; what nobody sees shows as an escape."""
    finding = Finding("date.iso_format", "at", "At", "a\nb\u00a0c\ud800")
    assert wording.message(finding) == '"a\\nb\\xa0c\\ud800" is not an ISO 8601 date or time'
    assert one_line("größe") == "größe"


def test_braces_in_values_are_text() -> None:
    """What was found is never read as a template."""
    assert wording.message(Finding("date.iso_format", "at", "At", "{field}")) == (
        '"{field}" is not an ISO 8601 date or time'
    )


def test_an_answer_has_the_words_of_the_service() -> None:
    """Status, what it means, and what the service answered."""
    params: dict[str, JsonValue] = {"status": 403, "words": "no"}
    assert wording.message(Finding("answer.forbidden", params=params)) == (
        "HTTP 403: the token has no permission for this: no"
    )
    assert wording.message(Finding("answer.server_error", params={"status": 502})) == "HTTP 502"
    assert wording.message(Finding("connection.failed", params={"words": "api:443: refused"})) == (
        "no connection: api:443: refused"
    )


def test_a_record_that_is_not_fixed_names_its_causes_and_the_way_out() -> None:
    """The rejects file has codes; those that a person wrote there are left out."""
    causes: list[JsonValue] = ["row.too_few_cells", "my.own", "excel.error_value"]
    finding = Finding("rejects.not_fixed", params={"causes": causes, "marker": "_code"})
    reason = "not fixed since it was rejected: fewer cells than columns; a cell with an error value"
    assert wording.reason(finding) == reason
    assert wording.message(finding) == f"{reason} (if it is right as it is, empty its _code cell)"
    other = Finding("rejects.not_fixed", params={"causes": ["x"], "marker": "_code"})
    assert wording.reason(other) == "not fixed yet"


def test_details_are_lines_below_a_message() -> None:
    """A difference, what a field became, or the findings of an example's row."""
    inner = [Finding("required.empty", "name", "Name"), Finding("date.iso_format", "at", "At", "x")]
    wrong = Finding("example.no_payload", "examples", params={"example": 1, "findings": dump_findings(inner)})
    assert wording.detail(wrong) == (
        "name is required, but column 'Name' is empty\nat: \"x\" is not an ISO 8601 date or time"
    )
    assert wording.detail(Finding("example.differs", "a", params={"diff": "-x\n+y"})) == "-x\n+y"
    assert wording.detail(Finding("example.no_error", "a", params={"became": "5"})) == "a becomes 5"
    assert wording.detail(Finding("row.surrogate")) == ""


@pytest.mark.parametrize(
    ("role", "start"),
    [
        ("value", "the constant 5 does not fit"),
        ("default", "the default 5 does not fit"),
        ("otherwise", "the value 5 of `otherwise` does not fit"),
        ("map", "the value 5 of 'D' does not fit"),
    ],
)
def test_a_constant_is_named_by_its_role(role: str, start: str) -> None:
    """A mapping has constants in four places."""
    params: dict[str, JsonValue] = {"role": role, "key": "D", "got": "5", "part": "5", "takes": "text"}
    assert wording.message(Finding("constant.wrong_type", "name", params=params)) == (
        f"{start}: expected text"
    )
    inside = params | {"place": "reminders[0].name"}
    assert wording.message(Finding("constant.wrong_type", "name", params=inside)) == (
        f"{start}: reminders[0].name: expected text, found 5"
    )
