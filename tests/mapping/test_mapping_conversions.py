"""Every conversion and every field's own type: what comes out of which text."""

from __future__ import annotations

from typing import Any

import pytest

from loader.text import shorten
from tests.mapping.mapping_cases import ANY, DATE, FLAG, LIST, NUMBER, TEMPLATE, TEXT, Wrong, values, wrong


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1200", 1200),
        ("12.50", 12.5),
        ("007", 7),
        ("+3", 3),
        ("-0", 0),
        ("-0.00", 0),
        ("1e3", 1000),
        ("25e-2", 0.25),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        (" 5 ", 5),
        ("1E308", 1e308),
    ],
)
def test_number_fields_parse_numbers(text: str, number: float) -> None:
    """A number field takes plain numbers and writes whole ones without a fraction."""
    (value,) = values(NUMBER, "C", [text])
    assert value == number
    assert isinstance(value, type(number))


@pytest.mark.parametrize(
    "text", ["1,5", "1.", ".5", "1_000", "0x10", "NaN", "inf", "1e999", "١٢", "1 2", "--1", "5e", "9" * 400]
)
def test_number_fields_refuse_other_texts(text: str) -> None:
    """What is not a plain number is an error, never a null."""
    assert values(NUMBER, "C", [text]) == [wrong("number.plain_format", shorten(text))]


@pytest.mark.parametrize(
    ("form", "text", "number"),
    [
        ('{decimal: ",", thousands: "."}', "1.234.567,50", 1234567.5),
        ('{decimal: ",", thousands: "."}', "1234567,50", 1234567.5),
        ('{decimal: ",", thousands: "."}', "-12", -12),
        ('{thousands: "\'"}', "1'000", 1000),
        ('{decimal: ","}', "0,10", 0.1),
        ("{}", "030", 30),
    ],
)
def test_localised_numbers(form: str, text: str, number: float) -> None:
    """A number is read with its own signs, grouped by threes or not at all."""
    assert values(NUMBER, f"{{column: C, number: {form}}}", [text]) == [number]


@pytest.mark.parametrize("text", ["1.23", "12.34.567", "1.234.56", "1,2,3", "1 234", "1e3", ",5"])
def test_localised_numbers_refuse_other_groupings(text: str) -> None:
    """A thousands sign in another place is an error: it is likely to be a decimal sign."""
    rule = '{column: C, number: {decimal: ",", thousands: "."}}'
    assert values(NUMBER, rule, [text]) == [wrong("number.format", text, decimal=",", thousands=".")]


@pytest.mark.parametrize(
    ("words", "flag"),
    [(("true", "YES", "y", "T", "1"), True), (("False", "no", "N", "f", "0"), False)],
)
def test_flag_fields_read_the_usual_words(words: tuple[str, ...], flag: bool) -> None:  # noqa: FBT001 - expected
    """Usual words in any case are flags; Norwegian NO among them, if the field is a flag."""
    assert values(FLAG, "C", list(words)) == [flag] * len(words)


def test_flag_fields_refuse_other_words() -> None:
    """Other words are errors."""
    assert values(FLAG, "C", ["ja"]) == [wrong("boolean.default_word", "ja")]


def test_own_words_of_flags_are_exact() -> None:
    """With words of its own a flag takes these only, as they are written."""
    rule = "{column: C, boolean: {true: [J, Y], false: [N]}}"
    error = wrong("boolean.word", "j", allowed=["J", "Y", "N"])
    assert values(FLAG, rule, ["J", "N", "j", None]) == [True, False, error, None]


@pytest.mark.parametrize(
    ("formats", "text", "day"),
    [
        ('"%d.%m.%Y"', "31.03.2019", "2019-03-31"),
        ('["%m/%d/%Y", "%Y-%m-%d"]', "2019-03-31", "2019-03-31"),
        ('["%d/%m/%Y", "%m/%d/%Y"]', "03/04/2019", "2019-04-03"),
        ('["%d/%m/%Y", "%m/%d/%Y"]', "03/31/2019", "2019-03-31"),
        ('"%d.%m.%y"', "31.03.19", "2019-03-31"),
        ('"%Y%m%d"', "20200229", "2020-02-29"),
        ('"%d %b %Y"', "31 Mar 2019", "2019-03-31"),
    ],
)
def test_dates_are_read_by_their_formats(formats: str, text: str, day: str) -> None:
    """The first format that fits reads a date, and it is written as ISO 8601."""
    assert values(DATE, f"{{column: C, date: {formats}}}", [text]) == [day]


@pytest.mark.parametrize("text", ["31.03.19", "31.02.2019", "2019-03-31", "31.03.2019 x", "31.03.20199", "0"])
def test_dates_that_do_not_fit_are_errors(text: str) -> None:
    """`%Y` takes four digits, and a day must exist."""
    rule = '{column: C, date: "%d.%m.%Y"}'
    assert values(DATE, rule, [text]) == [wrong("date.format", text, formats=["%d.%m.%Y"])]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2019-03-31", "2019-03-31"),
        ("2019-03-31T08:00:00Z", "2019-03-31T08:00:00Z"),
        ("2019-03-31 08:00", "2019-03-31T08:00:00Z"),
        ("2019-03-31T01:30:00+02:00", "2019-03-30T23:30:00Z"),
        ("2019-03-31T08:00:00.120-0530", "2019-03-31T13:30:00.12Z"),
        ("2019-03-31T08:00:00.000Z", "2019-03-31T08:00:00Z"),
        ("2019-03-31T08:00:00.123456789Z", "2019-03-31T08:00:00.123456789Z"),
    ],
)
def test_date_fields_read_iso(text: str, iso: str) -> None:
    """A date-like field takes ISO 8601 by itself; times become UTC."""
    assert values(DATE, "C", [text]) == [iso]


@pytest.mark.parametrize(
    "text",
    [
        "31.03.2019",
        "2019-02-29",
        "0000-00-00",
        "2019-03-31T25:00:00Z",
        "2019-03-31T08:00+25:00",
        "٢٠١٩-٠٣-٣١",
    ],
)
def test_date_fields_refuse_other_texts(text: str) -> None:
    """A date that does not exist, and any other form, is an error."""
    assert values(DATE, "C", [text]) == [wrong("date.iso_format", text)]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("15.01.2019 09:30", "2019-01-15T08:30:00Z"),
        ("15.07.2019 09:30", "2019-07-15T07:30:00Z"),
        ("01.01.2019 00:15", "2018-12-31T23:15:00Z"),
    ],
)
def test_local_times_become_utc(text: str, utc: str) -> None:
    """A local time is moved to UTC by its zone, summer time included."""
    assert values(DATE, '{column: C, datetime: "%d.%m.%Y %H:%M", timezone: Europe/Berlin}', [text]) == [utc]


@pytest.mark.parametrize("text", ["31.03.2019 02:30", "27.10.2019 02:30"])
def test_local_times_that_the_clock_skips_or_repeats_are_errors(text: str) -> None:
    """A local time that does not exist, or exists twice, is an error."""
    rule = '{column: C, datetime: "%d.%m.%Y %H:%M", timezone: Europe/Berlin}'
    assert values(DATE, rule, [text]) == [
        wrong("datetime.format", text, formats=["%d.%m.%Y %H:%M"], timezone="Europe/Berlin")
    ]


def test_times_with_their_own_zone() -> None:
    """A format with `%z` reads the zone; without a zone and without `timezone:` it is UTC."""
    assert values(DATE, '{column: C, datetime: "%Y-%m-%d %H:%M %z"}', ["2019-03-31 08:00 +0200"]) == [
        "2019-03-31T06:00:00Z"
    ]
    assert values(DATE, '{column: C, datetime: "%Y-%m-%d %H:%M:%S.%f"}', ["2019-03-31 08:00:00.250"]) == [
        "2019-03-31T08:00:00.25Z"
    ]


def relative(number: int | None, unit: str | None, position: str, to: str) -> dict[str, Any]:
    """A relative date; None is left out."""
    parts = {"number": number, "unit_of_time": unit, "position": position, "relative_to": f"the {to}"}
    return {name: value for name, value in parts.items() if value is not None}


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("30 days before the end of the month", relative(30, "days", "before", "end of the month")),
        ("1 Day AFTER the Beginning  of the Year", relative(1, "days", "after", "beginning of the year")),
        ("a week before the reference date", relative(1, "weeks", "before", "reference date")),
        ("010 years after end of the quarter", relative(10, "years", "after", "end of the quarter")),
        ("on the reference date", relative(None, None, "on", "reference date")),
        ("On the end of the week", relative(None, None, "on", "end of the week")),
    ],
)
def test_phrases_become_relative_dates(phrase: str, expected: dict[str, Any]) -> None:
    """A phrase is read in any case and with any blanks."""
    field = "team_notice_options.visit_start_date_range_end"
    assert values(field, "{column: C, relative_date: true}", [phrase], base=TEMPLATE) == [expected]


@pytest.mark.parametrize(
    "phrase", ["soon", "-1 days before the reference date", "3 days", "on", "on 2019-03-31"]
)
def test_other_phrases_are_errors(phrase: str) -> None:
    """A phrase that is no relative date is an error."""
    field = "team_notice_options.visit_start_date_range_end"
    assert values(field, "{column: C, relative_date: true}", [phrase], base=TEMPLATE) == [
        wrong("relative_date.phrase", phrase)
    ]


# --- Text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        'a "b" c',
        "back\\slash",
        "a\u2028b\u2029c",
        "\x01\x08\x0b\x1f\x7f",
        "line\r\nbreak\ttab",
        "🎓 é\u0301",
        "\0",
    ],
)
def test_text_is_exact(text: str) -> None:
    """Text goes through as it is, whatever JSON has to escape."""
    assert values(TEXT, "C", [f"x{text}x"]) == [f"x{text}x"]
    assert values(LIST, "[C]", [f"x{text}x"]) == [[f"x{text}x"]]


def test_trim_and_nulls() -> None:
    """Outer white space goes unless trim is false; a blank cell is null, and leading zeros stay."""
    assert values(TEXT, "C", ["  a b\u00a0", "   ", "", None, "007", "NO"]) == [
        "a b", None, None, None, "007", "NO",
    ]  # fmt: skip
    assert values(TEXT, "{column: C, trim: false}", [" a ", " ", ""]) == [" a ", " ", None]


def test_null_if_case_and_default_in_their_order() -> None:
    """`null_if` sees the text before its case changes, `default` is last and untouched by conversions."""
    rule = "{default: X-y, case: lower, null_if: [NONE, '-'], column: C}"
    assert values(TEXT, rule, ["NONE", "none", "-", "ÄB"]) == ["X-y", "none", "X-y", "äb"]


def test_split_cleans_its_items() -> None:
    """Items are trimmed, empty ones go, and further conversions apply to each."""
    assert values(LIST, '{column: C, split: ";"}', ["a; b ;;c", ";", "", None]) == [
        ["a", "b", "c"], None, None, None,
    ]  # fmt: skip
    rule = '{column: C, split: "|", case: upper, map: {A: x, B: y}, null_if: ["-"]}'
    assert values(LIST, rule, ["a|-|b", "a|q"]) == [
        ["x", "y"],
        wrong("map.no_entry", "a|q", allowed=["A", "B"]),
    ]


def test_unlisted_fields_take_lists() -> None:
    """In an open object a field that the page does not list may be a list, of numbers too."""
    rule = '{column: C, split: ";", number: {decimal: ","}}'
    assert values(ANY, rule, ["1;2,5", "x"]) == [[1, 2.5], wrong("number.format", "x", decimal=",")]


# --- Tables --------------------------------------------------------------------------------------------


def test_map_keys_are_texts() -> None:
    """Keys of a table are texts as they are written: 01 is not 1, and NO is not false."""
    rule = "{column: C, map: {01: one, NO: Norway, Y: yes, true: wahr, 1.0: float}}"
    assert values(TEXT, rule, ["01", "NO", "Y", "true", "1.0"]) == ["one", "Norway", "yes", "wahr", "float"]
    (error,) = values(TEXT, rule, ["1"])
    assert (error.code, error.params["allowed"]) == ("map.no_entry", ["01", "NO", "Y", "true", "1.0"])


@pytest.mark.parametrize(
    ("otherwise", "expected"),
    [
        ("", wrong("map.no_entry", "c", allowed=["a", "b"])),
        (", otherwise: keep", "c"),
        (", otherwise: null", None),
        (", otherwise: null, default: d", "d"),
        (", otherwise: {value: z}", "z"),
        (", otherwise: {value: null}, default: d", "d"),
    ],
)
def test_values_outside_a_table(otherwise: str, expected: Wrong | str | None) -> None:
    """They are errors, unless `otherwise` is set; a null in the table is a null."""
    rule = f"{{column: C, map: {{a: x, b: null}}{otherwise}}}"
    assert values(TEXT, rule, ["a"]) == ["x"]
    assert values(TEXT, rule, ["c"]) == [expected]


def test_tables_of_other_types() -> None:
    """A table may give numbers and flags; texts that it gives are read as the field's type."""
    assert values(NUMBER, "{column: C, map: {a: 1, b: 2.50}}", ["a", "b"]) == [1, 2.5]
    assert values(NUMBER, '{column: C, map: {a: "01"}}', ["a"]) == [1]
    assert values(FLAG, "{column: C, map: {a: true, b: false}}", ["a", "b"]) == [True, False]
    assert values(FLAG, "{column: C, map: {a: y, b: 'no'}}", ["a", "b"]) == [True, False]


def test_enums_are_checked_and_the_nearest_is_named() -> None:
    """A value outside the enum is an error that lists the allowed ones and names the nearest."""
    field = "application_activation_options.program_restriction"
    assert values(field, "C", ["include", "inclde", None]) == [
        "include",
        wrong("enum.value", "inclde", allowed=["exclude", "include", "none"], suggestion="include"),
        None,
    ]


def test_minimums_are_checked() -> None:
    """`number` of a relative date is 0 or more."""
    field = "team_notice_options.visit_start_date_range_end"
    rule = "{number: C, position: {value: after}, relative_to: {value: the reference date}}"
    good, bad = values(field, rule, ["0", "-1"], base=TEMPLATE)
    assert good["number"] == 0
    assert bad == wrong("number.minimum", "-1", minimum=0.0)
