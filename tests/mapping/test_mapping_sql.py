"""SQL in rules and in the filter: column-wise, one bad row costs one row, no row looks at another."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from loader.records import FINDING_COLUMNS
from tests.mapping.mapping_cases import (
    NUMBER,
    RUN,
    TEXT,
    findings,
    has,
    mapped,
    places,
    rule_findings,
    states,
    values,
    wrong,
)


def test_cells_are_untrimmed_and_nulled() -> None:
    """SQL sees cells as they are, `null_values` as nulls; its results are trimmed."""
    rule = "{sql: \"COALESCE(C, 'none') || ' .'\"}"
    assert values(TEXT, rule, ["a", " b ", "", None]) == ["a .", "b  .", "none .", "none ."]
    assert values(TEXT, '{sql: "C", trim: false}', [" b ", ""]) == [" b ", None]


def test_a_strict_cast_that_fails_costs_one_row() -> None:
    """Where SQL cannot be computed for one row, that row is invalid and the others are not."""
    cells = [str(number) for number in range(100)]
    cells[37] = "x"
    results = values(NUMBER, '{sql: "CAST(C AS INT) * 2"}', cells)
    assert results[37] == wrong("sql.failed", "C = x")
    assert [result for number, result in enumerate(results) if number != 37] == [
        2 * number for number in range(100) if number != 37
    ]


def test_findings_of_sql_name_all_that_it_read() -> None:
    """A finding shows each column that the SQL reads, nulls too."""
    text = RUN + f'  {NUMBER}: {{sql: "CAST(A AS INT) + CAST(B AS INT)"}}\n'
    (found,) = mapped(text, {"A": ["x"], "B": [None]}).findings.iter_rows(named=True)
    assert tuple(found) == FINDING_COLUMNS
    assert (found["code"], found["column"], found["value"]) == ("sql.failed", "A, B", "A = x, B = null")


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
    (found,) = rule_findings(TEXT, f'{{sql: "{sql}"}}')
    assert found.code == "sql.many_rows"


def test_names_and_texts_may_look_like_aggregates() -> None:
    """Only calls are refused: a column called Sum, or a text that names one, is not."""
    cells = {"Sum": ["x"], "Agg": ["y"], "Len": ["z"]}
    assert values(TEXT, "{sql: \"Sum || Agg || Len || 'MAX(C) Over' || UPPER(Len)\"}", cells) == [
        "xyzMAX(C) OverZ"
    ]


@pytest.mark.parametrize("sql", ["C +", "SELECT C", "C; DROP TABLE x", "*", "", "NOSUCH(C)"])
def test_sql_that_is_no_expression_is_refused(sql: str) -> None:
    """What does not parse, or is more than an expression, is an error of the mapping."""
    (found,) = rule_findings(TEXT, f'{{sql: "{sql}"}}', {"C": pl.String()})
    assert found.code in {"sql.syntax", "sql.columns"}
    assert found.params["words"]


@pytest.mark.parametrize("sql", ["CAST(C AS INT) / 0", "CAST('nan' AS DOUBLE) + CAST(C AS INT)"])
def test_results_that_are_no_number_are_errors(sql: str) -> None:
    """Infinity and NaN are found, not sent as null."""
    (error,) = values(NUMBER, f'{{sql: "{sql}"}}', ["1"])
    assert error.code == "number.not_finite"


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
    """A row for which the filter fails is reported, not silently left out."""
    payloads = mapped(RUN + 'where: "CAST(Age AS INT) > 17"\n', {"Age": ["18", "x", "3"]})
    assert states(payloads) == ["ready", "invalid", "filtered"]
    (found,) = payloads.findings.iter_rows(named=True)
    assert (found["field"], found["code"], found["value"]) == ("where", "sql.failed", "Age = x")


@pytest.mark.parametrize(
    ("where", "code", "params"),
    [
        ("State", "sql.not_boolean", {"type": "text"}),
        ("Stat = 'x'", "mapping.unknown_column", {"column": "Stat", "suggestion": "State"}),
        ("State = ", "sql.syntax", {"field": "where"}),
    ],
)
def test_where_that_is_no_filter(where: str, code: str, params: dict[str, Any]) -> None:
    """It must be true or false, of columns that there are."""
    found = findings(f'{RUN}where: "{where}"\n', {"State": pl.String()})
    assert [line for line, _ in places(found)] == [9]
    assert has(found, code, params)
