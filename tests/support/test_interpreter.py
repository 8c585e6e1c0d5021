"""The interpreter against the mapping language's document and the rules agreed on beside it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from loader.resources import BillingRun, BillingTemplate
from tests.support.interpreter import interpret

if TYPE_CHECKING:
    from loader.resources.base import Record

FILLED: dict[str, Any] = {
    "name": {"value": "Run"},
    "status": {"value": "draft"},
    "application_expiration_options": {
        "expiration_date_range_start": {"value": "2019-01-01"},
        "expiration_date_range_end": {"value": "2019-12-31"},
    },
    "training_provider_billing_options": {
        "invoice_template_id": {"value": "INV"},
        "payment_terms_id": {"value": "NET30"},
    },
}
"""Rules for all that a run requires, so that a test need only say what it is about."""

EMPTY: dict[str, Any] = {
    "application_activation_options": {},
    "application_reminder_options": {"reminders": []},
    "drop_options": {},
    "renewal_forecasting_options": {},
    "renewal_reminder_options": {},
}

DOCUMENTED: dict[str, Any] = {
    "resource": "billing-run",
    "external_id": "LegacyRunId",
    "source": {"null_values": ["", "NULL", "n/a"]},
    "fields": {
        "name": "RunName",
        "status": {"column": "State", "map": {"D": "draft", "C": "completed"}, "default": "draft"},
        "run_date": {"column": "RunDate", "date": ["%m/%d/%Y", "%Y-%m-%d"]},
        "notification_email": {"column": "Email", "case": "lower"},
        "bill_training_providers": {"column": "BillTP", "boolean": {"true": ["Y"], "false": ["N"]}},
        "application_activation_options": {
            "program_restriction": {"value": "include"},
            "program_ids": {"column": "Programs", "split": ";"},
        },
        "application_expiration_options.expiration_date_range_start": {
            "column": "ExpFrom",
            "date": "%d.%m.%Y",
        },
        "application_expiration_options.expiration_date_range_end": {"column": "ExpTo", "date": "%d.%m.%Y"},
        "application_reminder_options.reminders": [
            {"reminder_notice_id": "R1Notice", "name": "R1Name"},
            {"reminder_notice_id": "R2Notice", "name": "R2Name"},
        ],
        "training_provider_billing_options": {
            "invoice_template_id": {"value": "INV-STD"},
            "payment_terms_id": {"sql": "CASE WHEN Net = '30' THEN 'NET30' ELSE 'DUE' END"},
        },
    },
}
"""The example of the mapping language's document, without its lookup."""


def became(mapping: dict[str, Any], model: type[Record], row: dict[str, Any]) -> Any:
    """Return what the interpreter makes of a row: a payload, or a set of paths."""
    return interpret(mapping, model, row)


def run(field: str, rule: Any, row: dict[str, Any], **source: Any) -> Any:
    """Return what one field of a run becomes, None for left out; the set of wrong paths, if there are any."""
    mapping = {"source": source, "fields": {**FILLED, field: rule}}
    result = became(mapping, BillingRun, row)
    if isinstance(result, frozenset):
        return result
    value: Any = result
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def cell(field: str, text: Any, /, **conversions: Any) -> Any:
    """Return what one field of a run becomes of one cell."""
    return run(field, {"column": "A", **conversions}, {"A": text})


def test_documented_example_makes_its_payload() -> None:
    """The document's mapping turns a full row into the whole payload."""
    row = {
        "LegacyRunId": " 7 ",
        "RunName": " Spring ",
        "State": "C",
        "RunDate": "03/31/2019",
        "Email": "Ann@Example.ORG",
        "BillTP": "Y",
        "Programs": "P1; P2 ;;",
        "ExpFrom": "01.02.2019",
        "ExpTo": "28.02.2019",
        "R1Notice": "n/a",
        "R1Name": "",
        "R2Notice": "N2",
        "R2Name": "NULL",
        "Net": "30",
    }
    assert became(DOCUMENTED, BillingRun, row) == {
        "sys_external_id": "7",
        "name": "Spring",
        "status": "completed",
        "run_date": "2019-03-31",
        "notification_email": "ann@example.org",
        "bill_training_providers": True,
        "application_activation_options": {"program_restriction": "include", "program_ids": ["P1", "P2"]},
        "application_expiration_options": {
            "expiration_date_range_start": "2019-02-01",
            "expiration_date_range_end": "2019-02-28",
        },
        "application_reminder_options": {"reminders": [{"reminder_notice_id": "N2"}]},
        "training_provider_billing_options": {"invoice_template_id": "INV-STD", "payment_terms_id": "NET30"},
        "drop_options": {},
        "renewal_forecasting_options": {},
        "renewal_reminder_options": {},
    }


def test_documented_errors_are_found() -> None:
    """The document's second example is wrong at state and name, and where its row lacks the dates."""
    assert became(DOCUMENTED, BillingRun, {"LegacyRunId": "8", "State": "X"}) == {
        "status",
        "name",
        "application_expiration_options.expiration_date_range_start",
        "application_expiration_options.expiration_date_range_end",
    }


def test_required_objects_and_lists_are_empty_unless_they_ask_for_more() -> None:
    """What nothing maps is `{}` or `[]` where the API requires nothing in it."""
    result = became({"fields": FILLED}, BillingRun, {})
    assert {name: result[name] for name in EMPTY} == EMPTY


def test_required_objects_name_their_own_required_fields() -> None:
    """A required object with nothing in it is wrong at each of its required fields."""
    fields = {"name": {"value": "T"}, "team_notice_options": {"team_notice_id": "A"}}
    prefix = "fundraising_notice_options.expiration_date_range"
    visits = "team_notice_options.visit_start_date_range"
    assert became({"fields": fields}, BillingTemplate, {}) == {
        f"{prefix}_{end}.{part}" for end in ("start", "end") for part in ("position", "relative_to")
    } | {f"{visits}_{end}.{part}" for end in ("start", "end") for part in ("position", "relative_to")}


def test_rule_for_a_whole_required_object_is_wrong_itself() -> None:
    """Where one rule gives a whole object and gives none, the object's own path is wrong."""
    fields = {
        "name": {"value": "T"},
        "fundraising_notice_options.expiration_date_range_start": {"column": "A", "relative_date": True},
        "fundraising_notice_options.expiration_date_range_end": {"json": "B"},
        "team_notice_options.visit_start_date_range_start.position": "C",
        "team_notice_options.visit_start_date_range_end.position": {"value": "on"},
    }
    prefix = "team_notice_options.visit_start_date_range"
    assert became({"fields": fields}, BillingTemplate, {}) == {
        "fundraising_notice_options.expiration_date_range_start",
        "fundraising_notice_options.expiration_date_range_end",
        f"{prefix}_start.position",
        f"{prefix}_start.relative_to",
        f"{prefix}_end.relative_to",
    }
    assert run("drop_options", {"json": "A"}, {}) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" \u2003\x85Ann\u3000\n", "Ann"),
        ("\x1cAnn\x1f", "\x1cAnn\x1f"),
        (" \t ", None),
        (' "q" \\ \u2028 🎓 ', '"q" \\ \u2028 🎓'),
        (None, None),
    ],
)
def test_text_is_trimmed_of_unicode_white_space(text: str | None, expected: str | None) -> None:
    """White space goes, control characters that are none stay; a blank cell is null."""
    assert cell("notification_email", text) == expected


def test_untrimmed_text_stays_and_only_exact_texts_are_null() -> None:
    """With `trim: false` a blank cell is text, an empty one is null."""
    assert cell("notification_email", " A ", trim=False) == " A "
    assert cell("notification_email", " ", trim=False) == " "
    assert cell("notification_email", "", trim=False) is None


def test_null_values_are_null_as_they_stand_or_trimmed() -> None:
    """`null_values` of the source count, also with blanks around; others are text."""
    for text, expected in (("NULL", None), (" NULL ", None), ("null", "null"), ("", "")):
        assert run("notification_email", "A", {"A": text}, null_values=["NULL"]) == expected
    assert run("notification_email", "A", {"A": " - "}, null_values=[" - "]) is None
    rule = {"column": "A", "trim": False}
    assert run("notification_email", rule, {"A": " NULL "}, null_values=["NULL"]) == " NULL "


def test_null_if_and_case() -> None:
    """`null_if` compares the trimmed text before its case changes."""
    assert cell("notification_email", " - ", null_if=["-"]) is None
    assert cell("notification_email", "x", null_if=["X"], case="upper") == "X"
    assert cell("notification_email", "X", null_if=["X"], case="lower") is None
    assert cell("notification_email", "Straße", case="upper") == "STRASSE"


def test_columns_take_the_first_that_is_there() -> None:
    """`columns` skips nulls, and is null where all are."""
    rule = {"columns": ["A", "B"]}
    assert run("notification_email", rule, {"A": " ", "B": "b"}) == "b"
    assert run("notification_email", rule, {"A": "a", "B": "b"}) == "a"
    assert run("notification_email", rule, {"A": "", "B": None}) is None


def test_template_is_null_with_one_null_cell() -> None:
    """`template` fills in trimmed cells; one that is null makes all null."""
    rule = {"template": "{A} & {B C}"}
    assert run("notification_email", rule, {"A": " a ", "B C": "b"}) == "a & b"
    assert run("notification_email", rule, {"A": " a ", "B C": " "}) is None


def test_sql_patterns() -> None:
    """The few patterns of SQL that the interpreter knows compare untrimmed text; others it refuses."""
    rule = {"sql": "CASE WHEN A = 'x' THEN '1' WHEN \"B C\" IS NULL THEN '2' ELSE 'it''s' END"}
    assert run("notification_email", rule, {"A": "x"}) == "1"
    assert run("notification_email", rule, {"A": " x"}) == "2"
    assert run("notification_email", rule, {"A": None, "B C": "b"}) == "it's"
    with pytest.raises(NotImplementedError):
        run("notification_email", {"sql": "UPPER(A)"}, {})


def test_json_goes_in_as_it_is_where_the_field_takes_it() -> None:
    """A cell of JSON keeps its nulls and numbers; one that is none, or does not fit, is wrong."""
    field = "renewal_reminder_options.extra"
    rule = {"json": "A"}
    text = ' {"a": [1, 2.50, null], "b": "\\u2028"} '
    assert run(field, rule, {"A": text}) == {"a": [1, Decimal("2.5"), None], "b": "\u2028"}
    assert run(field, rule, {"A": "null"}) is None
    for broken in ("{", "NaN", "01", "'a'"):
        assert run(field, rule, {"A": broken}) == {field}
    assert run("sys_locked", rule, {"A": "true"}) is True
    assert run("sys_locked", rule, {"A": '"true"'}) == {"sys_locked"}
    assert run("run_date", rule, {"A": '"2019-02-30"'}) == {"run_date"}


LIST = "application_activation_options.program_ids"


def test_split_trims_items_and_drops_empty_ones() -> None:
    """Items are trimmed and nulled like cells; without trimming blanks are items."""
    assert cell(LIST, " a; b ;; - ;", split=";", null_if=["-"]) == ["a", "b"]
    assert cell(LIST, "a; ;", split=";", trim=False) == ["a", " "]
    assert cell(LIST, ";;", split=";") is None
    assert cell(LIST, "", split=";") is None
    assert cell(LIST, "", split=";", default=["Z"]) == ["Z"]


def test_conversions_behind_split_are_of_items() -> None:
    """Each item goes through the table; one that is not in it makes the list wrong."""
    table = {"a": "A", "b": None}
    assert cell(LIST, "a,b,a", split=",", map=table) == ["A", "A"]
    assert cell(LIST, "a,c", split=",", map=table) == {LIST}
    assert cell(LIST, "a,c", split=",", map=table, otherwise="keep") == ["A", "c"]
    assert cell(LIST, "x,c", split=",", map=table, otherwise=None) is None


def test_map_of_texts_goes_on_through_the_chain() -> None:
    """A table of texts feeds the conversions and types behind it."""
    assert cell("status", "C", map={"C": "completed"}) == "completed"
    assert cell("status", "c", map={"C": "completed"}, case="upper") == "completed"
    assert cell("status", "X", map={"C": "completed"}) == {"status"}
    assert cell("status", "draft", map={"C": "completed"}, otherwise="keep") == "draft"
    assert cell("status", "Draft", map={"C": "completed"}, otherwise="keep") == {"status"}
    assert cell("status", "X", map={"C": "completed"}, otherwise={"value": "draft"}) == "draft"
    assert cell("status", "X", map={"C": "completed"}, otherwise=None) == {"status"}
    assert cell("status", "X", map={"C": "completed"}, otherwise=None, default="error") == "error"
    assert cell("run_date", "easter", map={"easter": "21.04.2019"}, date="%d.%m.%Y") == "2019-04-21"
    assert cell("sys_snapshot_base_version", "one", map={"one": "01"}) == 1


def test_map_of_constants_ends_the_chain() -> None:
    """A table with constants that are not text gives them as they are."""
    assert cell("sys_locked", "x", map={"x": True, "y": None}) is True
    assert cell("sys_locked", "y", map={"x": True, "y": None}) is None
    assert cell("sys_locked", "z", map={"x": True}, otherwise={"value": False}) is False
    assert cell("sys_snapshot_base_version", "h", map={"h": 0.5}) == Decimal("0.5")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("31.03.2019", "2019-03-31"),
        ("1.3.2019", "2019-03-01"),
        ("2019-03-31", "2019-03-31"),
        ("31.02.2019", None),
        ("31.03.19", None),
        ("31.03.2019x", None),
        ("\uff131.03.2019", None),
    ],
)
def test_dates_by_format(text: str, expected: str | None) -> None:
    """The first format that fits reads the date; where none does, the field is wrong."""
    result = expected or frozenset({"run_date"})
    assert cell("run_date", text, date=["%d.%m.%Y", "%Y-%m-%d"]) == result


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("15.01.2019 09:30:00", None, "2019-01-15T09:30:00Z"),
        ("15.01.2019 09:30:00", "Europe/Berlin", "2019-01-15T08:30:00Z"),
        ("31.12.2019 23:30:00", "America/New_York", "2020-01-01T04:30:00Z"),
        ("31.03.2019 02:30:00", "Europe/Berlin", None),
        ("27.10.2019 02:30:00", "Europe/Berlin", None),
        ("15.01.2019", "Europe/Berlin", None),
    ],
)
def test_times_by_format(text: str, zone: str | None, expected: str | None) -> None:
    """Local times become UTC; one that does not exist or exists twice is wrong."""
    conversions = {"datetime": "%d.%m.%Y %H:%M:%S"} | ({"timezone": zone} if zone else {})
    assert cell("sys_created_at", text, **conversions) == (expected or frozenset({"sys_created_at"}))


def test_times_with_an_offset_in_their_format() -> None:
    """An offset in the text wins over the zone."""
    form = "%Y-%m-%d %H:%M:%S %z"
    assert cell("sys_created_at", "2019-03-31 02:30:00 +0100", datetime=form) == "2019-03-31T01:30:00Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-03-31", "2019-03-31"),
        ("2019-03-31T08:00:00Z", "2019-03-31T08:00:00Z"),
        ("2019-03-31 08:00:00", "2019-03-31T08:00:00Z"),
        ("2019-03-31T08:00:00+02:00", "2019-03-31T06:00:00Z"),
        ("2019-01-01T00:30:00.250+0100", "2018-12-31T23:30:00.25Z"),
        ("2019-03-31T08:00:00.000Z", "2019-03-31T08:00:00Z"),
        ("2019-02-29", None),
        ("2019-03-31T24:00:00Z", None),
        ("20190331", None),
        ("31.03.2019", None),
        ("0001-01-01T00:00:00+02:00", None),
    ],
)
def test_dates_without_conversion_are_iso(text: str, expected: str | None) -> None:
    """A date field reads ISO 8601 by itself and writes times in UTC."""
    assert cell("run_date", text) == (expected or frozenset({"run_date"}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1200.00", 1200),
        ("+007", 7),
        ("-0", 0),
        ("12.50", Decimal("12.5")),
        ("1e3", 1000),
        ("12345678901234567890.1", Decimal("12345678901234567890.1")),
        (".5", None),
        ("5.", None),
        ("1,5", None),
        ("1_000", None),
        ("0x1", None),
        ("\u0661", None),
        ("NaN", None),
        ("1e999", None),
    ],
)
def test_numbers_without_conversion(text: str, expected: object) -> None:
    """A number field reads JSON's numbers, with a plus sign or leading zeros as well."""
    result = frozenset({"sys_snapshot_base_version"}) if expected is None else expected
    assert cell("sys_snapshot_base_version", text) == result


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.234.567,50", Decimal("1234567.5")),
        ("1234567,5", Decimal("1234567.5")),
        ("-1.000", -1000),
        ("12.34", None),
        ("1234.567", None),
        ("1..000", None),
        (".100", None),
        ("1,000.5", None),
        ("1,2,3", None),
        ("1e3", None),
    ],
)
def test_localised_numbers(text: str, expected: object) -> None:
    """Thousands are grouped by threes or not at all."""
    result = frozenset({"sys_snapshot_base_version"}) if expected is None else expected
    sign = {"decimal": ",", "thousands": "."}
    assert cell("sys_snapshot_base_version", text, number=sign) == result


def test_relative_date_number_is_not_negative() -> None:
    """The number of a relative date that is mapped part by part is at least 0."""
    path = "team_notice_options.visit_start_date_range_end"
    parts = {"number": "N", "unit_of_time": "U", "position": {"value": "after"}, "relative_to": "R"}
    on = {"value": {"position": "on", "relative_to": "the reference date"}}
    fields = {
        "name": {"value": "T"},
        "fundraising_notice_options": {"expiration_date_range_start": on, "expiration_date_range_end": on},
        "team_notice_options": {"visit_start_date_range_start": on},
        path: parts,
    }
    row = {"N": "-1", "U": "day", "R": "the end of the month"}
    assert became({"fields": fields}, BillingTemplate, row) == {f"{path}.number", f"{path}.unit_of_time"}
    result = became({"fields": fields}, BillingTemplate, {**row, "N": "0", "U": "days"})
    assert result["team_notice_options"]["visit_start_date_range_end"]["number"] == 0


def test_flags() -> None:
    """A boolean field knows the usual words in any case; a conversion knows its own words exactly."""
    for words, expected in (("true YES y T 1", True), ("False no N f 0", False)):
        assert {cell("sys_locked", word) for word in words.split()} == {expected}
    assert cell("sys_locked", "2") == {"sys_locked"}
    table = {True: ["J"], False: ["N"]}
    assert cell("sys_locked", "J", boolean=table) is True
    assert cell("sys_locked", "j", boolean=table) == {"sys_locked"}
    assert cell("sys_locked", "j", boolean=table, case="upper") is True
    assert cell("sys_locked", "", boolean=table, default=False) is False


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("30 days before the end of the month", (30, "days", "before", "the end of the month")),
        (" A  MONTH\tafter end of the Year ", (1, "months", "after", "the end of the year")),
        ("one week before the reference date", (1, "weeks", "before", "the reference date")),
        ("1 years after the beginning of the quarter", (1, "years", "after", "the beginning of the quarter")),
        ("on Reference Date", (None, None, "on", "the reference date")),
        ("on the end of the week", (None, None, "on", "the end of the week")),
        ("1 quarter before the end of the year", None),
        ("-1 days before the end of the year", None),
        ("3 days on the end of the year", None),
        ("3 days before the end of month", None),
        ("before the end of the year", None),
    ],
)
def test_phrases(phrase: str, expected: tuple[Any, ...] | None) -> None:
    """A phrase becomes a relative date; what is none is wrong at the field's path."""
    on = {"value": {"position": "on", "relative_to": "the reference date"}}
    fields = {
        "name": {"value": "T"},
        "fundraising_notice_options": {"expiration_date_range_start": on, "expiration_date_range_end": on},
        "team_notice_options": {
            "visit_start_date_range_start": on,
            "visit_start_date_range_end": {"column": "A", "relative_date": True},
        },
    }
    result = became({"fields": fields}, BillingTemplate, {"A": phrase})
    if expected is None:
        assert result == {"team_notice_options.visit_start_date_range_end"}
        return
    names = ("number", "unit_of_time", "position", "relative_to")
    parts = {name: part for name, part in zip(names, expected, strict=True) if part is not None}
    assert result["team_notice_options"]["visit_start_date_range_end"] == parts


REMINDERS = "application_reminder_options.reminders"


def _reminders(row: dict[str, str]) -> Any:
    items = [
        {"id": {"value": 1}, "reminder_notice_id": "N1", "name": "A1"},
        {"id": "I2", "reminder_notice_id": "N2", "name": {"column": "A2", "default": "Second"}},
    ]
    return run(REMINDERS, items, row)


def test_list_items_live_by_their_cells() -> None:
    """Items whose cells are all null go, whatever their constants and defaults; the others must be whole."""
    assert _reminders({}) == []
    assert _reminders({"N1": "n", "A2": " "}) == [{"id": 1, "reminder_notice_id": "n"}]
    assert _reminders({"N2": "n"}) == [{"reminder_notice_id": "n", "name": "Second"}]
    assert _reminders({"A1": "a", "A2": "b"}) == {
        f"{REMINDERS}[0].reminder_notice_id",
        f"{REMINDERS}[1].reminder_notice_id",
    }
    assert _reminders({"I2": "x", "N1": "n"}) == {
        f"{REMINDERS}[1].id",
        f"{REMINDERS}[1].reminder_notice_id",
    }


def test_items_of_constants_alone_are_sent() -> None:
    """An item that reads no cell is in every record."""
    item = {"reminder_notice_id": {"value": "n"}}
    assert run(REMINDERS, [item, {"reminder_notice_id": "N"}], {}) == [{"reminder_notice_id": "n"}]


def test_lists_of_columns() -> None:
    """A list of rules for a list of texts leaves its nulls out."""
    assert run(LIST, ["A", {"column": "B", "map": {"b": "B"}}], {"A": "", "B": "b"}) == ["B"]
    assert run(LIST, ["A", {"column": "B", "map": {"b": "B"}}], {"A": "", "B": "c"}) == {f"{LIST}[1]"}
    assert run(LIST, ["A"], {}) is None
    assert run(LIST, ["A", {"column": "B", "default": "b"}], {"A": "a"}) == ["a", "b"]


def test_optional_objects_with_nothing_in_them_are_left_out() -> None:
    """An unlisted object is there only with something in it; what it holds is text or converted."""
    field = "drop_options.extra"
    rules = {"days": {"column": "A", "number": {}}, "more.note": "B"}
    assert run(field, rules, {}) is None
    assert run(field, rules, {"A": "007", "B": "1"}) == {"days": 7, "more": {"note": "1"}}
    assert run(field, rules, {"A": "x", "B": "1"}) == {f"{field}.days"}


def test_external_id() -> None:
    """The key is trimmed text in the payload; without one the row is wrong."""
    mapping = {"external_id": "K", "fields": FILLED}
    result = became(mapping, BillingRun, {"K": " 007 "})
    assert result["sys_external_id"] == "007"
    assert became(mapping, BillingRun, {"K": " "}) == {"sys_external_id"}
    assert became({**mapping, "source": {"null_values": ["-"]}}, BillingRun, {"K": ""}) == {"sys_external_id"}


def test_dotted_and_nested_keys_are_one_tree() -> None:
    """One object's fields may be named in both ways."""
    fields = {
        **FILLED,
        "drop_options.drop_notice_id": "A",
        "drop_options": {"extra.first": "B", "extra": {"second": "C"}},
        "drop_options.extra.third": "D",
    }
    result = became({"fields": fields}, BillingRun, {"A": "a", "B": "b", "C": "c", "D": "d"})
    extra = {"first": "b", "second": "c", "third": "d"}
    assert result["drop_options"] == {"drop_notice_id": "a", "extra": extra}


def test_typed_cells_are_what_they_are() -> None:
    """Booleans, numbers, dates, times, lists and structs need no conversion."""
    west = timezone(timedelta(hours=-5))
    locked = True
    assert cell("sys_locked", locked) is True
    assert cell("sys_snapshot_base_version", Decimal("12.00")) == 12
    assert cell("sys_snapshot_base_version", 0.25) == Decimal("0.25")
    assert cell("run_date", date(2019, 3, 31)) == "2019-03-31"
    assert cell("run_date", datetime(2019, 3, 31, 20, tzinfo=west)) == "2019-04-01T01:00:00Z"
    assert cell("run_date", datetime(2019, 3, 31, 1, 2, 3, 450_000, tzinfo=UTC)) == "2019-03-31T01:02:03.45Z"
    assert cell(LIST, ["a", "b"]) == ["a", "b"]
    assert cell("notification_email", 7) == "7"
    assert cell("sys_locked", 1) == {"sys_locked"}
