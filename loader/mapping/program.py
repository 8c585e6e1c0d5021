"""What a compiled mapping is: columns to compute in stages, and what to look for in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import JsonValue

Encoding = Literal["text", "plain", "json"]
"""How a column holds a computed value: as text to be escaped, as text that needs no escapes, or as JSON."""


@dataclass(frozen=True, slots=True)
class CellCheck:
    """One way for a cell to be wrong.

    Attributes:
        mask: True where it is.
        path: The payload's field.
        column: The source's column, or several joined with a comma; None where there is none.
        value: The column of the frame with what was found, as text or lists of text; None: nothing to show.
        code: The code of its findings.
        params: Their parameters, as far as they are the same for all rows.
        row_params: The column with a JSON object of parameters of the row; None where there are none.
        read: The columns that an SQL expression reads, if it cannot be computed; empty for other checks.
    """

    mask: pl.Expr
    path: str
    column: str | None
    value: str | None
    code: str
    params: Mapping[str, JsonValue] = field(default_factory=dict)
    row_params: str | None = None
    read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """A leaf, computed.

    Attributes:
        column: The column that holds the value: null, text, JSON, or a list of these; None for a constant.
        encoding: How it holds it.
        is_list: Whether the column holds lists.
        constant: The JSON of a constant, in place of a column; None for computed ones.
        default: The JSON that a null becomes; None where it stays null.
        wrong: True where a conversion failed.
        has_input: True where the source had something; a constant never has.
    """

    column: str | None
    encoding: Encoding
    is_list: bool = False
    constant: str | None = None
    default: str | None = None
    wrong: pl.Expr = field(default_factory=lambda: pl.lit(value=False))
    has_input: pl.Expr = field(default_factory=lambda: pl.lit(value=False))


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column of keys that becomes one of ids, when the keys are known and their ids have been asked for.

    Attributes:
        record_type: The name of the record type to look up.
        key: The column that holds the keys: text, or lists of text.
        id: The column that the ids go into.
        missing: The column that is true where a key has no id.
        is_list: Whether the columns hold lists.
        path: The payload's field.
        column: The source's column.
    """

    record_type: str
    key: str
    id: str
    missing: str
    is_list: bool
    path: str
    column: str


@dataclass(slots=True)
class Program:
    """What is to be computed for a batch, in order.

    Attributes:
        cells: The first columns, straight from the source's.
        guarded: SQL by column name: evaluated apart, since a strict cast in it may fail on one row.
        stages: Further columns, each stage reading those before it.
        lookups: Columns that come after the stages, from outside.
        checks: What to look for afterwards.
        values: Each leaf's value by its path.
    """

    cells: dict[str, pl.Expr] = field(default_factory=dict)
    guarded: dict[str, pl.Expr] = field(default_factory=dict)
    stages: list[list[pl.Expr]] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    checks: list[CellCheck] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)

    def add(self, stage: int, name: str, expression: pl.Expr) -> str:
        """Add a column to a stage (0: the first), and return its name."""
        while len(self.stages) <= stage:
            self.stages.append([])
        self.stages[stage].append(expression.alias(name))
        return name
