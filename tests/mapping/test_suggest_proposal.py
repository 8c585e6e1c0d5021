"""A proposal compiles, whatever the file holds; it says what was guessed and guesses no ambiguous date."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loader.errors import MappingError
from loader.mapping import compile_mapping, parse_mapping
from loader.mapping.suggest import Proposal, Sample, propose
from loader.mapping.tree import leaves
from loader.resources import TYPES, record_type
from tests.mapping.mapping_cases import bodies, mapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.mapping.spec import Rule

REQUIRED = {
    "Id": ["1", "2", "3"],
    "Name": ["a", "b", "c"],
    "State": ["D", "C", "C"],
    "From": ["2019-01-01"] * 3,
    "To": ["2019-12-31"] * 3,
    "Invoice Template": ["INV"] * 3,
    "Net Days": ["NET30"] * 3,
}
"""Columns of all that a run requires."""


def proposed(cells: Mapping[str, Any], resource: str = "billing-run", **source: Any) -> Proposal:
    """The proposal for columns: lists of texts, or series of any type."""
    columns = {
        name: values if isinstance(values, pl.Series) else pl.Series(values, dtype=pl.String)
        for name, values in cells.items()
    }
    rows = pl.DataFrame(columns)
    return propose(
        Sample(rows, rows.height, whole=True, name="source.csv", source=source), record_type(resource)
    )


def rules(proposal: Proposal) -> dict[str, Rule]:
    """The rules that count, by path."""
    return {leaf.path: leaf.rule for leaf in leaves(parse_mapping(proposal.text).tree)}


def rule_of(
    values: Sequence[str | None], name: str = "Run Date", more: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any] | None, Proposal]:
    """The rule that a column of a run with all that is required gets; None where it is left out."""
    proposal = proposed(
        {
            **{key: each[: len(values)] for key, each in _long(len(values)).items()},
            name: values,
            **(more or {}),
        }
    )
    for rule in rules(proposal).values():
        if name in (rule.column, rule.json_column):
            return rule.model_dump(exclude_unset=True, by_alias=True), proposal
    return None, proposal


def _long(rows: int) -> dict[str, list[str]]:
    return {
        **{name: (values * rows)[:rows] for name, values in REQUIRED.items()},
        "Id": [str(n) for n in range(rows)],
    }


# --- always a mapping ---------------------------------------------------------------------------------

NAMES = st.sampled_from(
    [
        "", "true", "1", "a: b", "x # y", "Run Name", "State", "Zustand", "Datum", "Run Date", "E-Mail",
        "Created At",
        "Reminder1Notice", "Reminder2Notice", "Reminder_2_Name", "R1Name", "R1Notice", "R2Notice", "Program1",
        "Program2", "Programs", "TPRule", "Active?", "Bill TP", "Expires From", "Expires To", "Net Days",
        "fee",
        "Invoice Template", "it's", 'say "so"', "{a}", "[b]", "- c", "?", "Größe", "🎓", "tab\there",
        "line\nend",
        "notice_from", "visit_to", "base_version", "Options", "drop_options", "template_id", "Id", "RunId",
    ]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)  # fmt: skip
CELLS = st.sampled_from(
    [
        None, "", " ", "-", "+", "NULL", "n/a", "J", "N", "Ja", "X", "x", "0", "1", "D", "C", "TEST", "draft",
        "03/04/2019", "31.03.2019", "31.12.19", "2019-03-31", "2019-03-31T08:00", "31.03.2019 08:15",
        "a@b.de",
        "A@B.de", "1.250,50", "1,250.50", "1.234", "12", "a;b", "a,b|c", '{"a": 1}', "[1]", "{", "P1",
        "\n", "'",
        "on the reference date", "30 days before the end of the month", "ready for execution",
        "\ud7ff", "é: # {",
    ]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)  # fmt: skip
TYPED = st.sampled_from(
    [
        pl.Series([date(2019, 3, 31), None]),
        pl.Series([datetime(2019, 3, 31, tzinfo=UTC), None]),
        pl.Series([datetime(2019, 3, 31), None]),  # noqa: DTZ001 - a column without a zone
        pl.Series([True, None]),
        pl.Series([1, 2]),
        pl.Series([1.5, None]),
        pl.Series([Decimal("1.50"), None]),
        pl.Series([["a"], None]),
        pl.Series([[1], []]),
        pl.Series([{"position": "on", "relative_to": "the reference date"}, None]),
        pl.Series([{"a": 1}, None]),
        pl.Series([[{"reminder_notice_id": "R"}], None]),
        pl.Series([None, None]),
        pl.Series([b"x", None]),
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Columns of two rows, or of none, of any names and types."""
    names = draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    texts = st.lists(CELLS, min_size=2, max_size=2) | st.builds(lambda cell: [cell, cell], CELLS)
    columns: dict[str, Any] = {name: draw(texts | TYPED) for name in names}
    if draw(st.booleans()):
        columns = {**{name: values[:2] for name, values in REQUIRED.items()}, **columns}
    return columns


def _lacking(text: str, schema: Mapping[str, pl.DataType]) -> set[str]:
    """The paths of what the loader finds wrong with a mapping; relative dates as a whole."""
    try:
        compile_mapping(parse_mapping(text), schema)
    except MappingError as error:
        return {each.path.removesuffix(".position").removesuffix(".relative_to") for each in error.findings}
    return set()


@settings(max_examples=120, deadline=None)
@given(tables(), st.sampled_from(sorted(TYPES)))
def test_proposal_is_a_mapping_whatever_the_file_holds(cells: dict[str, Any], resource: str) -> None:
    """It parses and compiles, or lacks required fields only: those that it names as missing."""
    proposal = proposed(cells, resource, format="csv", delimiter="\t", quote='"', escape="\\")
    schema = pl.DataFrame({name: pl.Series(each, dtype=None if isinstance(each, pl.Series) else pl.String)
                           for name, each in cells.items()}).schema  # fmt: skip
    assert _lacking(proposal.text, dict(schema)) == set(proposal.missing), proposal.text
    for path in proposal.missing:
        assert f"# {path.rpartition('.')[2]}:" in proposal.text
    assert set(proposal.mapped) <= set(cells)


def test_nothing_that_fits_gives_a_file_all_the_same() -> None:
    """Without a single match the file names what is required, and every column as not mapped."""
    proposal = proposed({"xyzzy": ["q", "w"]})

    assert "fields: {}" in proposal.text
    assert set(proposal.missing) == {
        "name",
        "status",
        "application_expiration_options.expiration_date_range_start",
        "application_expiration_options.expiration_date_range_end",
        "training_provider_billing_options.invoice_template_id",
        "training_provider_billing_options.payment_terms_id",
    }
    assert "# REQUIRED" in proposal.text
    assert "\n# xyzzy" in proposal.text


def test_columns_of_all_that_is_required_make_a_whole_mapping() -> None:
    """The proposal's payloads are what anyone would have written by hand."""
    proposal = proposed(REQUIRED)

    assert proposal.missing == ()
    assert bodies(mapped(proposal.text, {name: values[:1] for name, values in REQUIRED.items()})) == [
        {
            "application_activation_options": {},
            "application_expiration_options": {
                "expiration_date_range_end": "2019-12-31",
                "expiration_date_range_start": "2019-01-01",
            },
            "application_reminder_options": {"reminders": []},
            "drop_options": {},
            "name": "a",
            "renewal_forecasting_options": {},
            "renewal_reminder_options": {},
            "status": "draft",
            "sys_external_id": "1",
            "training_provider_billing_options": {"invoice_template_id": "INV", "payment_terms_id": "NET30"},
        }
    ]


# --- dates --------------------------------------------------------------------------------------------


def test_ambiguous_dates_are_not_guessed() -> None:
    """Dates that fit day first and month first leave their rule behind a #, with both formats, and said."""
    rule, proposal = rule_of(["03/04/2019", "05/06/2019"])

    assert rule is None
    [line] = [line for line in proposal.text.splitlines() if "# run_date:" in line]
    assert "AMBIGUOUS: all dates fit %d/%m/%Y and %m/%d/%Y" in proposal.text
    assert 'date: "%d/%m/%Y"' in line
    assert any(each.startswith("AMBIGUOUS: Run Date") for each in proposal.aloud)


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["03/04/2019", "31/03/2019"], "%d/%m/%Y"),
        (["03/04/2019", "03/31/2019"], "%m/%d/%Y"),
        (["03.04.2019", "31.03.2019"], "%d.%m.%Y"),
        (["3.4.2019", "31.3.2019"], "%d.%m.%Y"),
        (["20190331", "20190401"], "%Y%m%d"),
        (["31 Mar 2019", "1 Apr 2019"], "%d %b %Y"),
        (["03/03/2019", "04/04/2019"], "%d/%m/%Y"),
        (["2019/03/31", "2019/04/01"], "%Y/%m/%d"),
    ],
)
def test_formats_that_the_values_show_are_taken(values: list[str | None], form: str) -> None:
    """One value that fits only one way decides; where day and month are the same it does not matter."""
    rule, proposal = rule_of(values)

    assert rule == {"column": "Run Date", "date": (form,)}
    assert "2 of 2 values parse" in proposal.text


def test_order_comes_from_a_column_beside_and_is_said() -> None:
    """Dates that leave their order open take that of another column; comment and message say so."""
    rule, proposal = rule_of(
        ["03/04/2019", "05/06/2019"], more={"Scheduled Run": ["31/03/2019", "01/02/2019"]}
    )

    assert rule == {"column": "Run Date", "date": ("%d/%m/%Y",)}
    assert "AMBIGUOUS by themselves, day first as in Scheduled Run" in proposal.text
    assert "AMBIGUOUS: Run Date: dates taken day first as in Scheduled Run" in proposal.aloud


def test_order_stays_open_where_columns_disagree() -> None:
    """One column day first, one month first: a third is not decided by either."""
    more = {"Scheduled Run": ["31/03/2019"] * 2, "Prepared On": ["03/31/2019"] * 2}
    rule, _ = rule_of(["03/04/2019", "05/06/2019"], more=more)

    assert rule is None


def test_orders_mixed_in_one_column_stay_open() -> None:
    """Some values fit only day first and others only month first: nothing is taken."""
    rule, proposal = rule_of(["31/03/2019", "03/31/2019"])

    assert rule is None
    assert "some dates fit only %d/%m/%Y and others only %m/%d/%Y" in proposal.text


def test_years_of_two_digits_are_not_guessed() -> None:
    """A century is nothing to guess, even where day and month are sure."""
    rule, proposal = rule_of(["31.03.19", "01.04.68"])

    assert rule is None
    assert "years of two digits" in proposal.text
    assert any("AMBIGUOUS: Run Date" in each for each in proposal.aloud)


def test_iso_dates_need_no_format_and_times_get_theirs() -> None:
    """ISO 8601 stays as it is; local times are parsed, and that they count as UTC is said."""
    rule, _ = rule_of(["2019-03-31", "2019-04-01"])
    timed, proposal = rule_of(["31.03.2019 08:15", "01.04.2019 09:30"], name="Created At")

    assert rule == {"column": "Run Date"}
    assert timed == {"column": "Created At", "datetime": ("%d.%m.%Y %H:%M",)}
    assert any("Created At: times without a zone" in each for each in proposal.aloud)


def test_some_values_that_are_no_dates_are_named() -> None:
    """A few odd values do not hide what a column holds; they stand in the comment."""
    rule, proposal = rule_of(["31.03.2019"] * 15 + ["2019-04-01"] * 4 + ["after Easter"])

    assert rule == {"column": "Run Date", "date": ("%d.%m.%Y", "%Y-%m-%d")}
    assert "19 of 20 values parse, not 'after Easter'" in proposal.text


def test_days_that_do_not_exist_hide_no_dates() -> None:
    """Values that look like dates count as such, though they are none; they are named."""
    rule, proposal = rule_of(["31.03.2019", "31.02.2020"])

    assert rule == {"column": "Run Date", "date": ("%d.%m.%Y",)}
    assert "1 of 2 values parse, not '31.02.2020'" in proposal.text


# --- other values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (["J", "N"], {"boolean": {"true": ("J",), "false": ("N",)}}),
        (["ja", "nein"], {"boolean": {"true": ("ja",), "false": ("nein",)}}),
        (["X", ""], {"boolean": {"true": ("X",), "false": ()}, "default": False}),
        (["Y", "N"], {}),
        (["1", "0"], {}),
    ],
)
def test_flags_get_their_words(values: list[str | None], rule: dict[str, Any]) -> None:
    """Words that the loader knows by itself need no rule; others are listed, X and nothing among them."""
    found, _ = rule_of(values, name="Bill TP")

    assert found == {"column": "Bill TP", **rule}


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (["1.250,50", "12,5"], {"number": {"decimal": ",", "thousands": "."}}),
        (["1,250.50", "12"], {"number": {"decimal": ".", "thousands": ","}}),
        (["1250,5", "3"], {"number": {"decimal": ","}}),
        (["1250.5", "3"], {}),
    ],
)
def test_numbers_get_their_format(values: list[str | None], rule: dict[str, Any]) -> None:
    """Decimal comma, digits in groups, or neither."""
    found, _ = rule_of(values, name="snapshot base version")

    assert found == {"column": "snapshot base version", **rule}


def test_a_sign_that_may_be_either_is_not_guessed() -> None:
    """1.234 is one and a bit, or over a thousand: the rule waits behind a #."""
    rule, proposal = rule_of(["1.234", "2.345"], name="snapshot base version")

    assert rule is None
    assert "AMBIGUOUS: '.' may be the decimal sign or stand between thousands" in proposal.text


@pytest.mark.parametrize(
    ("values", "table"),
    [
        (["D", "C"], {"D": "draft", "C": "completed"}),
        (["X", "C"], {"X": "cancelled", "C": "completed"}),
        (["Entwurf", "abgeschlossen"], {"Entwurf": "draft", "abgeschlossen": "completed"}),
        (["canceled", "sched"], {"canceled": "cancelled", "sched": "scheduled"}),
    ],
)
def test_codes_become_members(values: list[str | None], table: dict[str, str]) -> None:
    """First letters, other spellings, beginnings and German words; said aloud as guessed."""
    cells = {**{name: each[:2] for name, each in REQUIRED.items()}, "State": values}
    proposal = proposed(cells)

    assert rules(proposal)["status"].map == table
    assert "State: the meanings of its codes are guessed, look at each" in proposal.aloud


def test_members_in_other_case_need_no_table() -> None:
    """Where lower case makes members of all values, that is the rule."""
    cells = {**{name: each[:2] for name, each in REQUIRED.items()}, "State": ["DRAFT", "Completed"]}

    assert rules(proposed(cells))["status"].case == "lower"


def test_codes_that_nobody_knows_wait_for_an_answer() -> None:
    """The field is missing, and stands there with its values to be given a meaning."""
    cells = {**{name: each[:2] for name, each in REQUIRED.items()}, "State": ["17", "23"]}
    proposal = proposed(cells)

    assert proposal.missing == ("status",)
    assert '# "17": MEANING' in proposal.text


def test_trial_rows_are_filtered_and_said() -> None:
    """A state that says TEST becomes a filter, in the file and on the command line."""
    cells = {**_long(20), "State": ["C"] * 18 + ["TEST"] * 2}
    proposal = proposed(cells)

    assert parse_mapping(proposal.text).file.where == "COALESCE(\"State\", '') NOT IN ('TEST')"
    assert any(each.startswith("where: guessed: State says 'TEST' in 2 rows") for each in proposal.aloud)


def test_lists_addresses_and_json() -> None:
    """Lists are cut where their values are, addresses lose their capitals, JSON goes in as it is."""
    cells = {
        **_long(2),
        "Programs": ["P1|P2", "P3"],
        "E-Mail": ["A@b.de", "c@d.de"],
        "Drop Options": ['{"x": 1}', None],
        "Sessions": ["a", "b"],
    }
    found = rules(proposed(cells))

    assert found["application_activation_options.program_ids"].split == "|"
    assert found["notification_email"].case == "lower"
    assert found["drop_options"].json_column == "Drop Options"


@pytest.mark.parametrize(
    "names",
    [
        ("Reminder1Notice", "Reminder1Name"),
        ("R1Notice", "R1Name"),
        ("Reminder_1_Notice", "Erinnerung 1 Name"),
    ],
)
def test_numbered_columns_make_a_list(names: tuple[str, str]) -> None:
    """Each number is an item, with its own number as id."""
    second = [name.replace("1", "2") for name in names]
    cells = {
        **_long(2),
        names[0]: ["N1", "N1"],
        second[0]: ["N2", None],
        names[1]: ["a", None],
        second[1]: [None, "b"],
    }
    proposal = proposed(cells)
    found = rules(proposal)

    assert found["application_reminder_options.reminders[0].reminder_notice_id"].column == names[0]
    assert found["application_reminder_options.reminders[1].reminder_notice_id"].column == second[0]
    assert found["application_reminder_options.reminders[1].id"].value == 2


def test_items_that_lack_what_they_need_are_left_out() -> None:
    """Numbered names without a notice make no reminder; the file says what is missing."""
    proposal = proposed({**_long(2), "Reminder1Name": ["a", "b"], "Reminder2Name": ["c", "d"]})

    assert "application_reminder_options.reminders[0].name" not in rules(proposal)
    assert "each item needs reminder_notice_id, which no column fills" in proposal.text


def test_words_that_stand_for_nothing() -> None:
    """In several columns they go to null_values, in one to its rule; a dash beside a plus means something."""
    cells = {
        **_long(4),
        "Run Date": ["NULL", "2019-01-01", "NULL", "2019-01-01"],
        "Series": ["NULL", "a", "b", "c"],
        "DropNotice": ["-", "D1", "D2", "D3"],
        "TPRule": ["+", "-", "+", "-"],
    }
    proposal = proposed(cells)
    found = rules(proposal)

    assert parse_mapping(proposal.text).source.null_values == ("", "NULL")
    assert "'NULL' in 2 columns, 3 cells" in proposal.text
    assert found["drop_options.drop_notice_id"].null_if == ("-",)
    assert found["application_activation_options.training_provider_restriction"].map == {
        "+": "include",
        "-": "exclude",
    }


def test_key_has_evidence_and_needs_a_name() -> None:
    """A unique column with a key's name becomes the external id; one without such a name is only named."""
    sure = proposed(_long(3))
    named = {**_long(3), "Name": ["same"] * 3, "State": ["D"] * 3}
    named["Whatever"] = named.pop("Id")
    unsure = proposed(named)
    twice = proposed({**_long(300), "Id": ["7", *map(str, range(1, 300))]})

    assert "external_id: Id  # unique in 3 of 3 values, never empty" in sure.text
    assert "# external_id: Whatever" in unsure.text
    assert "1 stand there again" in twice.text
    assert any(each.startswith("external_id: Id is unique in 299 of 300") for each in twice.aloud)


def test_typed_columns_are_used_as_what_they_are() -> None:
    """Dates, flags, lists and objects of a typed file get no conversion."""
    cells = {
        "template_key": ["1", "2"],
        "title": ["a", "b"],
        "active": pl.Series([True, False]),
        "created": pl.Series([datetime(2019, 3, 31, tzinfo=UTC)] * 2),
        "programs": pl.Series([["P1"], None]),
        "notice_from": pl.Series([{"position": "on", "relative_to": "the reference date"}] * 2),
        "notice_to": pl.Series([{"position": "on", "relative_to": "the reference date"}] * 2),
        "visit_from": ["on the reference date", "30 days before the end of the month"],
        "visit_to": ["on the reference date"] * 2,
    }
    proposal = proposed(cells, "billing-template")
    found = rules(proposal)

    assert proposal.missing == ()
    assert {path for path, rule in found.items() if rule.conversions} == {
        "team_notice_options.visit_start_date_range_start",
        "team_notice_options.visit_start_date_range_end",
    }
    assert found["fundraising_notice_options.expiration_date_range_start"].column == "notice_from"
    assert found["fundraising_notice_options.program_ids"].column == "programs"


def test_fields_that_fit_as_well_are_named() -> None:
    """Where two fields fit a column alike, none is taken, and the file asks which."""
    proposal = proposed({**_long(2), "Notice": ["N1", "N2"]}, "billing-run")

    assert "Notice" not in proposal.mapped
    assert "which one?" in proposal.text
