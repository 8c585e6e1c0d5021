"""What a compiled mapping is: columns to compute in stages, and what to look for in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

Written = Literal["text", "plain", "json"]
"""How a computed value stands in its column: text to be escaped, text that needs none, or JSON."""


@dataclass(frozen=True, slots=True)
class CellCheck:
    """One way for a cell to be wrong.

    Attributes:
        mask: True where it is.
        path: The payload's field.
        column: The source's column, or several joined; None where there is none.
        value: The column of the frame that holds what was found, as text; None for a missing value.
        expected: What was expected, to read on from "… is not" or for a missing value "… is".
        allowed: The values allowed, from which the nearest is told; empty where any is.
        read: The columns that an SQL expression read, where it cannot be computed; empty for other checks.
        detail: A column with what is wrong with the row's value, to read on from it; None: it is not what
            was expected.
    """

    mask: pl.Expr
    path: str
    column: str | None
    value: str | None
    expected: str
    allowed: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A leaf, computed.

    Attributes:
        column: The column that holds the value: null, text, JSON, or a list of these.
        written: How it stands there.
        listed: Whether the column holds lists.
        constant: The JSON of a constant, in place of a column; None for computed ones.
        default: The JSON that a null becomes; None where it stays null.
        wrong: True where a conversion failed.
        present: True where the source had something; a constant never has.
    """

    column: str | None
    written: Written
    listed: bool = False
    constant: str | None = None
    default: str | None = None
    wrong: pl.Expr = field(default_factory=lambda: pl.lit(False))  # noqa: FBT003 - an expression's value
    present: pl.Expr = field(default_factory=lambda: pl.lit(False))  # noqa: FBT003 - likewise


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column of keys that becomes one of ids, when the keys are known and their ids have been asked for.

    Attributes:
        record_type: Whose ids.
        key: The column that holds the keys: text, or lists of text.
        id: The column that the ids go into.
        missing: The column that is true where a key has no id.
        listed: Whether the columns hold lists.
        path: The payload's field.
        column: The source's column.
    """

    record_type: str
    key: str
    id: str
    missing: str
    listed: bool
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
        """Puts a column into a stage (0: the first) and gives back its name."""
        while len(self.stages) <= stage:
            self.stages.append([])
        self.stages[stage].append(expression.alias(name))
        return name
