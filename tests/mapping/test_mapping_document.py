"""YAML as the mapping language reads it: text stays as written, places are known, nothing runs away."""

from __future__ import annotations

import pytest

from loader.errors import MappingError
from loader.mapping.document import read_document, typed
from tests.mapping.mapping_cases import RUN, findings, has, places


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("7", 7), ("-7", -7), ("+7", 7), ("0", 0), ("007", "007"), ("0x10", "0x10"), ("0o7", "0o7"),
        ("1_000", "1_000"), ("2.50", 2.5), ("1e3", 1000.0), ("1.", "1."), (".5", ".5"), (".inf", ".inf"),
        ("true", True), ("False", False), ("NO", "NO"), ("yes", "yes"), ("on", "on"), ("Y", "Y"),
        ("null", None), ("~", None), ("", None), ('"7"', "7"), ("'true'", "true"), ('""', ""),
        ("2019-03-31", "2019-03-31"), ("12:30:45", "12:30:45"), ("=", "="), ("<<", "<<"),
        ("[1, '1', a]", [1, "1", "a"]), ("{1: NO, NO: 1}", {"1": "NO", "NO": 1}),
    ],
)  # fmt: skip
def test_scalars_are_typed_as_yaml_1_2_does(written: str, value: object) -> None:
    """Numbers, true, false and null are what they are; leading zeros, NO and dates are text."""
    found = typed(read_document(f"x: {written}").data)["x"]
    assert found == value
    assert type(found) is type(value)


def test_places_are_known() -> None:
    """Every key and item has its line and column; what has none is at the one above."""
    document = read_document("a:\n  b: [x,\n    y]\n")
    assert document.position(("a",)) == (1, 1)
    assert document.position(("a", "b")) == (2, 3)
    assert document.position(("a", "b", 1)) == (3, 5)
    assert document.position(("a", "b", 1, "c")) == (3, 5)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: [1", "yaml.syntax", 2, 1),
        ("a: 1\n b: 2", "yaml.syntax", 2, 3),
        ("a: 'x", "yaml.syntax", 1, 6),
        ("a: *nowhere", "yaml.syntax", 1, 4),
        ("a: 1\n\tb: 2", "yaml.syntax", 2, 1),
        ("a: 1\nb: x\x00", "yaml.bad_character", 2, 5),
        ('a: 1\nb: "\\ud800"', "yaml.surrogate", 2, 4),
        ("a: 1\n---\nb: 2", "yaml.syntax", 2, 1),
    ],
)
def test_what_is_not_yaml_has_a_place(text: str, code: str, line: int, column: int) -> None:
    """A syntax error names the file, the line and the column."""
    with pytest.raises(MappingError, match=f"^m.yaml:{line}:{column}: ") as caught:
        read_document(text + ("\n" if text == "a: [1" else ""), "m.yaml")
    assert [finding.code for finding in caught.value.findings] == [code]
    assert places(caught.value.findings) == [(line, column)]


def test_keys_that_are_used_twice_are_errors() -> None:
    """A repeated key is reported with the line of the second, in any object."""
    text = (
        RUN
        + "  run_date: A\n  run_date: B\n  sys_locked: {column: C, map: {a: true, a: false}}\nresource: x\n"
    )
    found = findings(text)
    for key, line in (("run_date", 10), ("a", 11), ("resource", 12)):
        assert has(found, "yaml.duplicate_key", {"key": key, "line": line})


def test_merged_keys() -> None:
    """`<<` takes over the entries of an anchor that an object has not itself; of several the first wins."""
    text = (
        "a: &a {x: 1, y: 2}\nb: &b\n  <<: *a\n  y: 3\n  z: 4\n"
        "c: {<<: [*b, *a], w: 5}\nd: {<<: 7}\ne: {'<<': *a}\nf: &f {<<: *f, v: 6}\n"
    )
    document = read_document(text)
    assert typed(document.data) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3, "z": 4},
        "c": {"x": 1, "y": 3, "z": 4, "w": 5},
        "d": {"<<": 7},
        "e": {"<<": {"x": 1, "y": 2}},
        "f": {"v": 6},
    }
    assert document.position(("c", "x")) == (1, 8)
    assert document.repeated == []


def test_anchors_are_bounded() -> None:
    """Anchors may be used; a text that grows without bound by them, or contains itself, is refused."""
    assert typed(read_document("a: &x {b: 1}\nc: *x").data) == {"a": {"b": 1}, "c": {"b": 1}}
    levels = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    levels += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    for bomb in ("\n".join(levels), "a: &a [*a]", "a: &a {b: *a}"):
        with pytest.raises(MappingError) as caught:
            read_document(bomb)
        assert [finding.code for finding in caught.value.findings] == ["yaml.too_large"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "text", "7"])
def test_a_mapping_is_an_object(text: str) -> None:
    """An empty file, a list or a scalar is no mapping."""
    (found,) = findings(text)
    assert found.code == "mapping.not_object"


def test_deep_nesting_is_refused() -> None:
    """Thousands of levels are an error of the mapping and no crash."""
    for text in ("[" * 5000 + "]" * 5000, "a: " + "{a: " * 3000 + "1" + "}" * 3000):
        assert findings(text)
