"""SQL in rules and in the filter: column-wise, one bad row costs one row, no row looks at another."""

from __future__ import annotations

import polars as pl
import pytest

from loader.records import FINDING_COLUMNS
from tests.mapping.mapping_cases import NUMBER, RUN, TEXT, findings, mapped, rule_findings, states, values


def test_cells_are_untrimmed_and_nulled() -> None:
    """SQL sees cells as they stand, `null_values` as nulls; what it gives is trimmed."""
    rule = "{sql: \"COALESCE(C, 'none') || ' .'\"}"
    assert values(TEXT, rule, ["a", " b ", "", None]) == ["a .", "b  .", "none .", "none ."]
    assert values(TEXT, '{sql: "C", trim: false}', [" b ", ""]) == [" b ", None]


def test_a_strict_cast_that_fails_costs_one_row() -> None:
    """Where SQL cannot be computed for one row, that row is invalid and the others are not."""
    cells = [str(number) for number in range(100)]
    cells[37] = "x"
    found = values(NUMBER, '{sql: "CAST(C AS INT) * 2"}', cells)
    assert found[37] == "this SQL cannot be computed with C = x"
    assert [each for number, each in enumerate(found) if number != 37] == [
        2 * number for number in range(100) if number != 37
    ]


def test_findings_of_sql_name_all_that_it_read() -> None:
    """A finding shows each column that the SQL reads, nulls too."""
    text = RUN + f'  {NUMBER}: {{sql: "CAST(A AS INT) + CAST(B AS INT)"}}\n'
    (found,) = mapped(text, {"A": ["x"], "B": [None]}).findings.iter_rows(named=True)
    assert tuple(found) == FINDING_COLUMNS
    assert (found["column"], found["value"]) == ("A, B", "A = x, B = null")
    assert found["expected"] == "cells that this SQL can be computed with"


@pytest.mark.parametrize(
    "sql",
    [
        "SUM(C)", "MAX(C) || C", "COUNT(*)", "COUNT(C)", "COUNT(DISTINCT C)", "FIRST(C)",
        "CASE WHEN C IS NULL THEN 'a' ELSE FIRST(C) END", "AVG(CAST(C AS INT))", "ARRAY_AGG(C)",
        "LAG(C) OVER (ORDER BY C)", "ROW_NUMBER() OVER (ORDER BY C)", "(SELECT 1)",
        "MEDIAN(CAST(C AS INT))", "QUANTILE_CONT(CAST(C AS INT), 0.5)",
    ],
)  # fmt: skip
def test_sql_over_rows_is_refused(sql: str) -> None:
    """Aggregates and windows, also inside of expressions, would give other values in other batches."""
    (message,) = rule_findings(TEXT, f'{{sql: "{sql}"}}')
    assert message == "this SQL looks at more than one row (an aggregate or a window); it may not"


def test_names_and_texts_may_look_like_aggregates() -> None:
    """Only calls are refused: a column called Sum, or a text that names one, is not."""
    cells = {"Sum": ["x"], "Agg": ["y"], "Len": ["z"]}
    assert values(TEXT, "{sql: \"Sum || Agg || Len || 'MAX(C) Over' || UPPER(Len)\"}", cells) == [
        "xyzMAX(C) OverZ"
    ]


@pytest.mark.parametrize("sql", ["C +", "SELECT C", "C; DROP TABLE x", "*", "", "NOSUCH(C)"])
def test_sql_that_is_no_expression_is_refused(sql: str) -> None:
    """What does not parse, or is more than an expression, is an error of the mapping."""
    (message,) = rule_findings(TEXT, f'{{sql: "{sql}"}}', {"C": pl.String()})
    assert message.startswith("this SQL does not ")


@pytest.mark.parametrize("sql", ["CAST(C AS INT) / 0", "CAST('nan' AS DOUBLE) + CAST(C AS INT)"])
def test_results_that_are_no_number_are_errors(sql: str) -> None:
    """Infinity and NaN are found, not sent as null."""
    (message,) = values(NUMBER, f'{{sql: "{sql}"}}', ["1"])
    assert message.endswith("is not a finite number")


def test_constants_in_sql() -> None:
    """SQL without columns gives every row the same."""
    assert values(NUMBER, '{sql: "1 + 1"}', ["a", "b"]) == [2, 2]


# --- where ----------------------------------------------------------------------------------------------


def test_where_filters_rows_that_are_not_true() -> None:
    """False and null are filtered, and filtered rows have no findings."""
    text = RUN + f"  {NUMBER}: N\nwhere: \"State <> 'TEST'\"\n"
    payloads = mapped(text, {"State": ["A", "TEST", None, "B"], "N": ["1", "x", "x", "x"]})
    assert states(payloads) == ["ready", "filtered", "filtered", "invalid"]
    assert payloads.findings["__record_no"].to_list() == [4]


def test_where_that_cannot_be_computed_makes_a_row_invalid() -> None:
    """A row for which the filter fails is told, not silently left out."""
    payloads = mapped(RUN + 'where: "CAST(Age AS INT) > 17"\n', {"Age": ["18", "x", "3"]})
    assert states(payloads) == ["ready", "invalid", "filtered"]
    (found,) = payloads.findings.iter_rows(named=True)
    assert (found["field"], found["message"]) == ("where", "this SQL cannot be computed with Age = x")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("State", "this SQL gives String, and a filter is true or false"),
        ("Stat = 'x'", "the source has no column 'Stat'"),
        ("State = ", "this SQL does not parse"),
    ],
)
def test_where_that_is_no_filter(where: str, message: str) -> None:
    """It must be true or false, of columns that there are."""
    found = findings(f'{RUN}where: "{where}"\n', {"State": pl.String()})
    assert [each.line for each in found] == [9]
    assert found[0].message.startswith(message)
