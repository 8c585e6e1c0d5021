"""A checked mapping and a source's columns, compiled once to Polars expressions.

A leaf is computed in steps, each a column of its own that the next one reads; the same step of all
leaves is one `with_columns`. Beside the values stand checks: for each way a cell can go wrong a mask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from loader.mapping import conversions
from loader.mapping.constants import to_json
from loader.mapping.expressions import (
    as_text,
    columns_of,
    is_text,
    is_usable,
    sql_columns,
    sql_expression,
    template_parts,
)
from loader.mapping.field_compiler import FieldCompiler, UnfitError
from loader.mapping.program import CellCheck, Program, Value
from loader.mapping.tree import EachNode, Leaf, ListNode, Node, ObjectNode, is_constant, leaves, unfillable
from loader.mapping.words import first_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.mapping.findings import Findings
    from loader.mapping.grammar import Rule
    from loader.resources.fields import Field

TRIMMED: Final = "__t:"  # a source column's text, trimmed, null where it stands for nothing
NULLED: Final = "__n:"  # the same untrimmed


class Compiler:
    """Compiles leaves for one source's columns.

    Args:
        schema: The source's columns with their types.
        null_values: Texts that stand for nothing.
        program: What is compiled is put in here.
        findings: What does not fit is put in here.
    """

    def __init__(
        self,
        schema: Mapping[str, pl.DataType],
        null_values: Sequence[str],
        program: Program,
        findings: Findings,
    ) -> None:
        self._schema = schema
        self._nulls = list(null_values)
        self._program = program
        self._findings = findings
        self._leaves = 0

    def tree(self, node: Node) -> None:
        """Compiles every leaf below a node, and then the checks of what is required.

        What cannot be computed goes into the findings.
        """
        for leaf in leaves(node):
            try:
                self.leaf(leaf.rule, leaf.target, leaf.path)
            except UnfitError as error:
                self._findings.error((*leaf.place, leaf.rule.origin), leaf.path, str(error), part="value")
        if not self._findings.of("error"):
            self._requirements(node, None)

    def _requirements(self, node: Node, present: pl.Expr | None) -> None:
        """Adds checks of required fields, where the objects around them are there at all."""
        if isinstance(node, Leaf):
            self._require(node, self._program.values[node.path], present)
        elif isinstance(node, ListNode):
            for item in node.items:
                self._requirements(item, None)
        elif isinstance(node, ObjectNode):
            optional = node.item or (node.path and not node.target.required)
            inside = self.present(node) if optional else present
            for member in node.members.values():
                self._requirements(member, inside)

    def present(self, node: Node) -> pl.Expr:
        """Whether an optional object or list item has anything in it.

        A constant keeps an object alive, but not an item of a list: that is there for its cells, if it asks
        any.
        """
        if isinstance(node, Leaf | EachNode):
            return self._program.values[node.path].present
        below = node.members.values() if isinstance(node, ObjectNode) else node.items
        parts = [self.present(each) for each in below]
        if isinstance(node, ObjectNode) and self._is_kept(node):
            return pl.lit(True)  # noqa: FBT003 - an expression's value
        return pl.any_horizontal(parts) if parts else pl.lit(False)  # noqa: FBT003 - likewise

    def _is_kept(self, node: ObjectNode) -> bool:
        """Whether an object is there whatever the row's cells are."""
        return is_constant(node) if node.item else any(self._constant(each) for each in node.members.values())

    def _constant(self, node: Node) -> bool:
        if isinstance(node, Leaf | EachNode):
            value = self._program.values[node.path]
            return (value.constant or value.default) is not None
        below = node.members.values() if isinstance(node, ObjectNode) else node.items
        return any(self._constant(each) for each in below)

    def _require(self, leaf: Leaf, value: Value, present: pl.Expr | None) -> None:
        if not leaf.target.required or not unfillable(leaf.target, leaf.path):
            return
        if value.column is None or value.default is not None:
            return
        mask = pl.col(value.column).is_null() & ~value.wrong
        names = columns_of(leaf.rule)
        self._program.checks.append(
            CellCheck(
                mask=mask if present is None else mask & present,
                path=leaf.path,
                column=", ".join(names) or None,
                value=None,
                expected="required",
            )
        )

    def leaf(self, rule: Rule, target: Field, path: str) -> Value:
        """Compiles one rule."""
        self._leaves += 1
        if rule.origin == "value":
            constant = None if rule.value is None else to_json(rule.value)
            value = Value(column=None, written="json", constant=constant)
        else:
            value = FieldCompiler(self, rule, target, path, f"__v{self._leaves}").run()
        self._program.values[path] = value
        return value

    # --- origins ---------------------------------------------------------------------------------

    def cell(self, name: str, *, trimmed: bool) -> pl.Expr:
        """A source column's cells: text without what stands for nothing, other types as text."""
        dtype = self._schema[name]
        if not is_text(dtype):
            return as_text(pl.col(name), dtype)
        prefix = TRIMMED if trimmed else NULLED
        column = prefix + name
        if column not in self._program.cells:
            raw = pl.col(name).cast(pl.String)
            self._program.cells[column] = self._trimmed(raw) if trimmed else self._nulled(raw)
        return pl.col(column)

    def _nulled(self, text: pl.Expr) -> pl.Expr:
        return conversions.null_if(text, self._nulls)

    def _trimmed(self, text: pl.Expr) -> pl.Expr:
        padded = [each for each in self._nulls if each != each.strip()]
        return self._nulled(conversions.trim(conversions.null_if(text, padded)))

    def origin(self, rule: Rule) -> pl.Expr:
        """A rule's value before conversions, as text."""
        if rule.columns:
            return pl.coalesce([self.cell(name, trimmed=rule.trim) for name in rule.columns])
        if rule.template is not None:
            parts = [
                self.cell(text, trimmed=True) if named else pl.lit(text)
                for text, named in template_parts(rule.template)
            ]
            return pl.concat_str(parts) if parts else pl.lit("")
        return self.cell(rule.column or rule.json_column or "", trimmed=rule.trim)

    def sql(self, name: str, text: str) -> tuple[pl.Expr, pl.DataType]:
        """A guarded SQL column and the type of its values."""
        expression = sql_expression(text)
        self._program.guarded[name] = expression
        probe = pl.LazyFrame(schema=dict(self._schema)).select(expression.alias(name))
        try:
            dtype = probe.collect_schema()[name]
        except pl.exceptions.PolarsError as error:
            raise UnfitError(f"this SQL does not fit the columns: {first_line(error)}") from None
        if not is_usable(dtype):
            raise UnfitError(f"this SQL gives {dtype}, which no payload can hold")
        return pl.col(name), dtype

    def filter(self, where: str | None) -> str | None:
        """The guarded column of the filter; None where there is none.

        A row that it cannot be computed for is invalid: to leave it out would lose it.
        """
        if where is None:
            return None
        try:
            _, dtype = self.sql("__where", where)
        except UnfitError as error:
            self._findings.error(("where",), "where", str(error), part="value")
            return None
        if not isinstance(dtype, pl.Boolean | pl.Null):
            message = f"this SQL gives {dtype}, and a filter is true or false"
            self._findings.error(("where",), "where", message, part="value")
        self._program.checks.append(
            CellCheck(
                mask=pl.col("__where!"),
                path="where",
                column=", ".join(sql_columns(where)) or None,
                value=None,
                expected="cells that this SQL can be computed with",
                read=sql_columns(where),
            )
        )
        return "__where"

    @property
    def program(self) -> Program:
        """What has been compiled so far."""
        return self._program

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        """The source's columns with their types."""
        return self._schema

    @property
    def null_values(self) -> list[str]:
        """Texts that stand for nothing."""
        return self._nulls
