"""The catalogue of codes, and findings as text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loader.codes import _TABLES
from loader.findings import (
    CODES,
    Finding,
    Location,
    dump_findings,
    dump_params,
    group_key,
    load_findings,
    load_params,
)
from loader.wording import WORDINGS
from tests.findings.finding_cases import EXAMPLES, OTHERS, PARAMS, example

_TEXTS = st.text(max_size=12)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=5,
)
_NUMBERS = st.none() | st.integers(min_value=1)
_PLACES = st.builds(Location, file=_TEXTS, line=_NUMBERS, record_no=_NUMBERS)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    """A finding as it may be stored: of any code, with any values."""
    code = draw(st.sampled_from(list(CODES.values())))
    names = draw(st.sets(st.sampled_from(code.params))) if code.params else set()
    place = draw(st.none() | _PLACES)
    return Finding(
        code.name,
        draw(_TEXTS),
        draw(st.none() | _TEXTS),
        draw(st.none() | _TEXTS),
        {name: draw(_VALUES) for name in names},
        None if place == Location() else place,
    )


def test_every_code_has_a_wording_and_every_wording_a_code() -> None:
    """A new finding is an entry in both tables."""
    assert CODES.keys() == WORDINGS.keys()


def test_no_code_is_listed_twice() -> None:
    """A name in two tables would lose one of its meanings."""
    assert sum(len(table) for _, _, table in _TABLES) == len(CODES)


@pytest.mark.parametrize("name", CODES)
def test_codes_are_dotted_words_in_lower_case(name: str) -> None:
    """Codes are typed by people, in filters and searches."""
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z0-9]+)*", name)
    assert CODES[name].name == name
    assert CODES[name].varying <= set(CODES[name].params)
    assert len(set(CODES[name].params)) == len(CODES[name].params)


def test_the_cases_cover_every_parameter_and_no_other() -> None:
    """The sentences below are tried with all that a code can have."""
    declared = {name for code in CODES.values() for name in code.params}
    varying = {name for code in CODES.values() for name in code.varying}
    assert declared == PARAMS.keys()
    assert varying == OTHERS.keys()


@settings(deadline=None)
@given(st.lists(findings(), max_size=4))
def test_findings_come_back_as_they_were_written(given_findings: list[Finding]) -> None:
    """The journal and PROBLEM keep findings as text, exactly, and as text that any file can hold."""
    text = dump_findings(given_findings)
    assert load_findings(text) == tuple(given_findings)
    text.encode()
    assert dump_findings(load_findings(text)) == text


@pytest.mark.parametrize("finding", EXAMPLES, ids=lambda finding: finding.code)
def test_an_example_of_each_code_comes_back(finding: Finding) -> None:
    """Every parameter of every code is JSON."""
    assert load_findings(dump_findings([finding])) == (finding,)
    assert load_params(dump_params(finding.params)) == finding.params


def test_keys_with_nothing_to_say_are_left_out() -> None:
    """The text is compact: most findings have few keys."""
    place = Location("b.csv", 9, record_no=8)
    assert dump_findings([Finding("row.surrogate")]) == '[{"code":"row.surrogate"}]'
    assert dump_findings([Finding("row.surrogate", location=Location())]) == '[{"code":"row.surrogate"}]'
    assert dump_findings([Finding("date.iso_format", "at", "A", "", location=place)]) == (
        '[{"code":"date.iso_format","field":"at","column":"A","value":"","record_no":8,"line":9,'
        '"file":"b.csv"}]'
    )
    assert dump_findings([]) == "[]"
    assert dump_params({}) is None
    assert load_params(None) == {}


def test_half_a_surrogate_pair_is_written_as_an_escape() -> None:
    """A journal cannot hold it as it is, and it is exact all the same."""
    text = dump_findings([Finding("date.iso_format", value="\ud800ü")])
    assert text == '[{"code":"date.iso_format","value":"\\ud800\\u00fc"}]'
    assert load_findings(text)[0].value == "\ud800ü"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ("has 3 cells, the header has 5", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("{}", "a JSON list, not dict"),
        ("null", "a JSON list, not NoneType"),
        ("[1]", "finding 1 is not an object with a code"),
        ('[{"field":"x"}]', "finding 1 is not an object with a code"),
        ('[{"code":"row.surrogate"},{"code":5}]', "finding 2 is not an object with a code"),
        ('[{"code":"no.such"}]', "finding 1: unknown code 'no.such'"),
        ('[{"code":"row.surrogate","message":"x"}]', "unknown key 'message'"),
        ('[{"code":"row.surrogate","line":"7"}]', "line is not of type int"),
        ('[{"code":"row.surrogate","line":true}]', "line is not of type int"),
        ('[{"code":"row.surrogate","value":7}]', "value is not of type str"),
        ('[{"code":"row.surrogate","column":null}]', "column is not of type str"),
        ('[{"code":"row.surrogate","params":[]}]', "params is not of type dict"),
        ('[{"code":"row.surrogate","params":{"x":1}}]', "has no parameter 'x'"),
    ],
)
def test_other_text_is_refused(text: str, message: str) -> None:
    """Text of another form is never taken for findings, and the error says what is wrong with it."""
    with pytest.raises(ValueError, match=message):
        load_findings(text)


@settings(deadline=None)
@given(_VALUES | st.lists(st.dictionaries(st.sampled_from(["code", "params", "line", "value"]), _VALUES)))
def test_any_json_gives_findings_or_a_value_error(data: Any) -> None:
    """No form of wrong text ends in another error."""
    try:
        loaded = load_findings(json.dumps(data))
    except ValueError:
        return
    assert json.loads(dump_findings(loaded)) == [{k: v for k, v in item.items() if v != {}} for item in data]


def test_a_place_in_a_mapping_file_is_not_stored() -> None:
    """What would be lost is refused: such findings are shown and never stored."""
    with pytest.raises(ValueError, match="not stored"):
        dump_findings([Finding("yaml.too_large", location=Location("m.yaml", 3, 5, 9))])


def test_params_that_are_not_an_object_are_refused() -> None:
    """A frame's parameters are a JSON object or null."""
    with pytest.raises(ValueError, match="not a JSON object"):
        load_params("[]")


def test_a_finding_of_an_unknown_code_cannot_be_made() -> None:
    """A misspelt code or parameter shows where it is made."""
    with pytest.raises(ValueError, match="unknown code"):
        Finding("date.fromat")
    with pytest.raises(ValueError, match="no parameter 'format'; it has formats"):
        Finding("date.format", params={"format": "%d"})


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.name)
def test_what_varies_from_row_to_row_does_not_count_for_groups(code: Any) -> None:
    """Findings with the same cause are one group, wherever they are; any other parameter makes another."""
    one = example(code)
    other = example(code, **{name: OTHERS[name] for name in code.varying})
    moved = Finding(one.code, one.field, "Other", "other", other.params, Location("b.csv", 3, record_no=2))
    assert group_key(one) == group_key(moved)
    hash(group_key(one))
    for name in set(code.params) - code.varying:
        assert group_key(one) != group_key(example(code, **{name: "something else"}))


def test_findings_can_be_members_of_sets() -> None:
    """Equal findings of several sources are shown once."""
    one, same = (
        Finding("enum.value", params={"allowed": ["a"]}),
        Finding("enum.value", params={"allowed": ["a"]}),
    )
    assert len({one, same, Finding("enum.value", params={"allowed": ["b"]})}) == 2
