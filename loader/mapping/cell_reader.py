"""Read the source's cells for rules: as text, or by SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.mapping import conversions
from loader.mapping.errors import RuleError
from loader.mapping.expressions import as_text, first_line, is_text, is_usable, sql_expression, template_parts
from loader.mapping.type_words import type_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.mapping.grammar import Rule
    from loader.mapping.program import Program

TRIMMED: Final = "__t:"
"""Begins the name of the column with a source column's text, trimmed, without nulls."""
UNTRIMMED: Final = "__n:"
"""Likewise, untrimmed."""


class UnfitError(RuleError):
    """A rule cannot be computed from what the source's columns hold."""


@dataclass(frozen=True, slots=True)
class CellReader:
    """Gives expressions for the cells of one source's columns.

    Attributes:
        schema: The source's columns with their types.
        nulls: Texts that are nulls.
        program: Columns that several rules read go in here, once.
    """

    schema: Mapping[str, pl.DataType]
    nulls: Sequence[str]
    program: Program

    def cell(self, name: str, *, trimmed: bool) -> pl.Expr:
        """Return a column's cells as text: text cells without those that are nulls, others as they are."""
        dtype = self.schema[name]
        if not is_text(dtype):
            return as_text(pl.col(name), dtype)
        column = (TRIMMED if trimmed else UNTRIMMED) + name
        if column not in self.program.cells:
            self.program.cells[column] = self.text(pl.col(name).cast(pl.String), trimmed=trimmed)
        return pl.col(column)

    def text(self, cell: pl.Expr, *, trimmed: bool) -> pl.Expr:
        """Return text as cells of the source are read: without nulls, and trimmed or not."""
        return conversions.cell_text(cell, self.nulls, trimmed=trimmed)

    def origin(self, rule: Rule) -> pl.Expr:
        """Return a rule's value before conversions, as text; of any origin but a constant and SQL."""
        if rule.columns:
            return pl.coalesce([self.cell(name, trimmed=rule.trim) for name in rule.columns])
        if rule.template is not None:
            parts = [
                self.cell(text, trimmed=True) if is_column else pl.lit(text)
                for text, is_column in template_parts(rule.template)
            ]
            return pl.concat_str(parts) if parts else pl.lit("")
        return self.cell(rule.column or rule.json_column or "", trimmed=rule.trim)

    def sql(self, name: str, text: str) -> tuple[pl.Expr, pl.DataType]:
        """Add a column that SQL computes, and return it with the type of its values.

        Raises:
            UnfitError: The SQL does not fit the columns, or gives what no payload can hold.
        """
        expression = sql_expression(text)
        self.program.guarded[name] = expression
        probe = pl.LazyFrame(schema=dict(self.schema)).select(expression.alias(name))
        try:
            dtype = probe.collect_schema()[name]
        except pl.exceptions.PolarsError as error:
            raise UnfitError("sql.columns", words=first_line(error)) from None
        if not is_usable(dtype):
            raise UnfitError("sql.unusable_type", type=type_in_words(dtype))
        return pl.col(name), dtype
