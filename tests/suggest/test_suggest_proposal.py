"""A proposal compiles, whatever the file holds; guesses are shown, and no ambiguous date is guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from loader.errors import MappingError
from loader.mapping import compile_mapping, parse_mapping
from loader.resources import BUILT_IN
from tests.mapping.mapping_cases import bodies, mapped
from tests.suggest.suggest_cases import REQUIRED, propose_for

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    """Draw columns of two rows, of any names and types."""
    names = draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    texts = st.lists(CELLS, min_size=2, max_size=2) | st.builds(lambda cell: [cell, cell], CELLS)
    columns: dict[str, Any] = {name: draw(texts | TYPED) for name in names}
    if draw(st.booleans()):
        columns = {**{name: values[:2] for name, values in REQUIRED.items()}, **columns}
    return columns


def _lacking(text: str, schema: Mapping[str, pl.DataType]) -> set[str]:
    """Return the paths that the loader finds errors in; relative dates as a whole."""
    try:
        compile_mapping(parse_mapping(text, "proposal", BUILT_IN), schema)
    except MappingError as error:
        return {
            finding.field.removesuffix(".position").removesuffix(".relative_to") for finding in error.findings
        }
    return set()


@settings(max_examples=120, deadline=None)
@given(tables(), st.sampled_from(sorted(BUILT_IN)))
def test_proposal_is_a_mapping_whatever_the_file_holds(cells: dict[str, Any], resource: str) -> None:
    """It parses and compiles, or lacks only required fields: those that it names as missing."""
    proposal = propose_for(cells, resource, format="csv", delimiter="\t", quote='"', escape="\\")
    columns = {
        name: values if isinstance(values, pl.Series) else pl.Series(values, dtype=pl.String)
        for name, values in cells.items()
    }
    schema = pl.DataFrame(columns).schema
    assert _lacking(proposal.text, dict(schema)) == set(proposal.missing), proposal.text
    for path in proposal.missing:
        assert f"# {path.rpartition('.')[2]}:" in proposal.text
    assert set(proposal.mapped) <= set(cells)


def test_columns_that_fit_nothing_still_give_a_file() -> None:
    """Without a single match the file names what is required, and every column as not mapped."""
    proposal = propose_for({"xyzzy": ["q", "w"]})

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
    proposal = propose_for(REQUIRED)

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
