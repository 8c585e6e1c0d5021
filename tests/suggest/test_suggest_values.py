"""What the values of a column show, and what they leave open: dates, flags, numbers, codes, lists, keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from loader.mapping import parse_mapping
from loader.resources import BUILT_IN
from tests.suggest.suggest_cases import REQUIRED, long_table, propose_for, rule_of, rules

# --- dates --------------------------------------------------------------------------------------------


def test_ambiguous_dates_are_not_guessed() -> None:
    """The rule of dates that fit day first and month first is commented out, with both formats, and noted."""
    rule, proposal = rule_of(["03/04/2019", "05/06/2019"])

    assert rule is None
    [line] = [line for line in proposal.text.splitlines() if "# run_date:" in line]
    assert "AMBIGUOUS: all dates fit %d/%m/%Y and %m/%d/%Y" in proposal.text
    assert 'date: "%d/%m/%Y"' in line
    assert any(note.startswith("AMBIGUOUS: Run Date") for note in proposal.notes)


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


def test_order_comes_from_another_column_and_is_noted() -> None:
    """Dates that leave their order open take that of another column; comment and note show it."""
    rule, proposal = rule_of(
        ["03/04/2019", "05/06/2019"], more={"Scheduled Run": ["31/03/2019", "01/02/2019"]}
    )

    assert rule == {"column": "Run Date", "date": ("%d/%m/%Y",)}
    assert "AMBIGUOUS by themselves, day first as in Scheduled Run" in proposal.text
    assert "AMBIGUOUS: Run Date: dates read day first as in Scheduled Run" in proposal.notes


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
    """No century is guessed, even where day and month are sure."""
    rule, proposal = rule_of(["31.03.19", "01.04.68"])

    assert rule is None
    assert "years of two digits" in proposal.text
    assert any("AMBIGUOUS: Run Date" in note for note in proposal.notes)


def test_iso_dates_need_no_format_and_times_get_theirs() -> None:
    """ISO 8601 stays as it is; local times are parsed, with a note that they count as UTC."""
    rule, _ = rule_of(["2019-03-31", "2019-04-01"])
    timed, proposal = rule_of(["31.03.2019 08:15", "01.04.2019 09:30"], name="Created At")

    assert rule == {"column": "Run Date"}
    assert timed == {"column": "Created At", "datetime": ("%d.%m.%Y %H:%M",)}
    assert any("Created At: times without a zone" in note for note in proposal.notes)


def test_some_values_that_are_not_dates_are_named() -> None:
    """A few odd values do not hide what a column holds; the comment names them."""
    rule, proposal = rule_of(["31.03.2019"] * 15 + ["2019-04-01"] * 4 + ["after Easter"])

    assert rule == {"column": "Run Date", "date": ("%d.%m.%Y", "%Y-%m-%d")}
    assert "19 of 20 values parse, not 'after Easter'" in proposal.text


def test_days_that_do_not_exist_do_not_hide_dates() -> None:
    """Values that look like dates count as such, even where the day does not exist; they are named."""
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
    """Words that fields take by themselves need no rule; others are listed, such as X and an empty cell."""
    proposed, _ = rule_of(values, name="Bill TP")

    assert proposed == {"column": "Bill TP", **rule}


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
    proposed, _ = rule_of(values, name="snapshot base version")

    assert proposed == {"column": "snapshot base version", **rule}


def test_a_sign_that_may_be_either_is_not_guessed() -> None:
    """1.234 is one and a bit, or over a thousand: the rule is commented out."""
    rule, proposal = rule_of(["1.234", "2.345"], name="snapshot base version")

    assert rule is None
    assert "AMBIGUOUS: '.' may be the decimal sign or separate thousands" in proposal.text


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
    """First letters, other spellings, beginnings and German words; noted as guessed."""
    cells = {**{name: cells[:2] for name, cells in REQUIRED.items()}, "State": values}
    proposal = propose_for(cells)

    assert rules(proposal)["status"].map == table
    assert "State: the meanings of its codes are guessed, check each" in proposal.notes


def test_members_in_other_case_need_no_table() -> None:
    """Where lower case makes members of all values, that is the rule."""
    cells = {**{name: cells[:2] for name, cells in REQUIRED.items()}, "State": ["DRAFT", "Completed"]}

    assert rules(propose_for(cells))["status"].case == "lower"


def test_unknown_codes_wait_for_an_answer() -> None:
    """The field is missing; its values are there, to be given a meaning."""
    cells = {**{name: cells[:2] for name, cells in REQUIRED.items()}, "State": ["17", "23"]}
    proposal = propose_for(cells)

    assert proposal.missing == ("status",)
    assert '# "17": MEANING' in proposal.text


def test_trial_rows_are_filtered_and_noted() -> None:
    """A status TEST becomes a filter, with a note for the command line."""
    cells = {**long_table(20), "State": ["C"] * 18 + ["TEST"] * 2}
    proposal = propose_for(cells)

    assert (
        parse_mapping(proposal.text, "proposal", BUILT_IN).spec.where
        == "COALESCE(\"State\", '') NOT IN ('TEST')"
    )
    assert any(note.startswith("where: guessed: State has 'TEST' in 2 rows") for note in proposal.notes)


def test_lists_addresses_and_json() -> None:
    """Lists are split where their values show it, addresses lose their capitals, JSON goes in as it is."""
    cells = {
        **long_table(2),
        "Programs": ["P1|P2", "P3"],
        "E-Mail": ["A@b.de", "c@d.de"],
        "Drop Options": ['{"x": 1}', None],
        "Sessions": ["a", "b"],
    }
    proposed = rules(propose_for(cells))

    assert proposed["application_activation_options.program_ids"].split == "|"
    assert proposed["notification_email"].case == "lower"
    assert proposed["drop_options"].json_column == "Drop Options"


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
        **long_table(2),
        names[0]: ["N1", "N1"],
        second[0]: ["N2", None],
        names[1]: ["a", None],
        second[1]: [None, "b"],
    }
    proposal = propose_for(cells)
    proposed = rules(proposal)

    assert proposed["application_reminder_options.reminders[0].reminder_notice_id"].column == names[0]
    assert proposed["application_reminder_options.reminders[1].reminder_notice_id"].column == second[0]
    assert proposed["application_reminder_options.reminders[1].id"].value == 2


def test_numbered_columns_without_values_belong_to_the_list() -> None:
    """A column that is empty in the sample is used like the one before it."""
    cells = {**long_table(2), "Reminder1Notice": ["N1", "N1"], "Reminder2Notice": [None, ""]}
    proposed = rules(propose_for(cells))

    assert (
        proposed["application_reminder_options.reminders[1].reminder_notice_id"].column == "Reminder2Notice"
    )


def test_items_that_lack_what_they_need_are_left_out() -> None:
    """Numbered names without a notice make no reminder; the file names what is missing."""
    proposal = propose_for({**long_table(2), "Reminder1Name": ["a", "b"], "Reminder2Name": ["c", "d"]})

    assert "application_reminder_options.reminders[0].name" not in rules(proposal)
    assert "each item needs reminder_notice_id, which no column fills" in proposal.text


def test_words_that_mean_null() -> None:
    """In several columns they go to null_values, in one to its rule; a dash beside a plus is a value."""
    cells = {
        **long_table(4),
        "Run Date": ["NULL", "2019-01-01", "NULL", "2019-01-01"],
        "Series": ["NULL", "a", "b", "c"],
        "DropNotice": ["-", "D1", "D2", "D3"],
        "TPRule": ["+", "-", "+", "-"],
    }
    proposal = propose_for(cells)
    proposed = rules(proposal)

    assert parse_mapping(proposal.text, "proposal", BUILT_IN).source.null_values == ("", "NULL")
    assert "'NULL' in 2 columns, 3 cells" in proposal.text
    assert proposed["drop_options.drop_notice_id"].null_if == ("-",)
    assert proposed["application_activation_options.training_provider_restriction"].map == {
        "+": "include",
        "-": "exclude",
    }


def test_key_has_evidence_and_needs_a_name() -> None:
    """A unique column with a key's name becomes the external id; one without such a name is only named."""
    sure = propose_for(long_table(3))
    named = {**long_table(3), "Name": ["same"] * 3, "State": ["D"] * 3}
    named["Whatever"] = named.pop("Id")
    unsure = propose_for(named)
    repeated = propose_for({**long_table(300), "Id": ["7", *map(str, range(1, 300))]})

    assert "external_id: Id  # unique in 3 of 3 values, never empty" in sure.text
    assert "# external_id: Whatever" in unsure.text
    assert "1 repeated value" in repeated.text
    assert any(note.startswith("external_id: Id is unique in 299 of 300") for note in repeated.notes)


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
    proposal = propose_for(cells, "billing-template")
    proposed = rules(proposal)

    assert proposal.missing == ()
    assert {path for path, rule in proposed.items() if rule.conversions} == {
        "team_notice_options.visit_start_date_range_start",
        "team_notice_options.visit_start_date_range_end",
    }
    assert proposed["fundraising_notice_options.expiration_date_range_start"].column == "notice_from"
    assert proposed["fundraising_notice_options.program_ids"].column == "programs"


def test_fields_that_fit_as_well_are_named() -> None:
    """Where two fields fit a column alike, none is taken; the file has the question."""
    proposal = propose_for({**long_table(2), "Notice": ["N1", "N2"]}, "billing-run")

    assert "Notice" not in proposal.mapped
    assert "which one?" in proposal.text
