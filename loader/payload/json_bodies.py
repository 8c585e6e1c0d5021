"""Computed values as the JSON bodies of rows, column-wise.

A body is one `concat_str` over as few pieces as can be: what stands in every row of the batch is written
straight into its surroundings, and neighbouring constants become one. Only a value that some rows lack is
put together by itself, so that it can be left out where it is null.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from loader.mapping import EXTERNAL_ID_PATH
from loader.mapping.conversions import ESCAPED, escape
from loader.mapping.tree import EachNode, Leaf, ListNode, Node, ObjectNode, is_constant, leaves
from loader.resources.fields import FieldKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loader.mapping import CompiledMapping
    from loader.mapping.program import Value

Piece = str | pl.Expr
"""A part of a text: a constant, or a column of texts; where a row has null, the part is left out."""


@dataclass(frozen=True, slots=True)
class _Json:
    """A JSON value of every row, in pieces.

    Attributes:
        pieces: What it is put together from.
        sure: Whether every row has it. Else it is one expression, null in the rows that have none.
    """

    pieces: tuple[Piece, ...]
    sure: bool = True


def body(ready: pl.DataFrame, compiled: CompiledMapping) -> pl.Expr:
    """The JSON of the record, without the bulk-load fields."""
    writer = _Writer(ready, compiled)
    members = writer.members(compiled.mapping.tree)
    value = compiled.program.values.get(EXTERNAL_ID_PATH)
    if value is not None:
        members.append(("sys_external_id", writer.value(value)))
    return _joined(_braced(members, "{", "}").pieces)


_Member = tuple[str | None, _Json | None]
"""A member's name (None for an item of a list) and its value (None where no row has one)."""


def _braced(members: Sequence[_Member], opening: str, closing: str) -> _Json:
    """Members or items between brackets, commas between those that are there."""
    written = [_member(name, value) for name, value in members if value is not None]
    if not written:
        return _Json((opening + closing,))
    if written[0].sure:
        first, *rest = (piece for each in written for piece in each.pieces)
        return _Json((opening, str(first)[1:], *rest, closing))
    inner = _joined([piece for each in written for piece in each.pieces]).str.strip_prefix(",")
    return _Json((opening, inner, closing))


def _member(name: str | None, value: _Json) -> _Json:
    """A member with a comma before it."""
    label = "," if name is None else f",{json.dumps(name, ensure_ascii=False)}:"
    if value.sure:
        return _Json((label, *value.pieces))
    return _Json((_joined([label, *value.pieces], ignore_nulls=False),), sure=False)


def _joined(pieces: Sequence[Piece], *, ignore_nulls: bool = True) -> pl.Expr:
    """Pieces as one text."""
    parts = [pl.lit(each) if isinstance(each, str) else each for each in _merged(pieces)]
    return parts[0] if len(parts) == 1 else pl.concat_str(parts, ignore_nulls=ignore_nulls)


def _merged(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Pieces with neighbouring constants made one."""
    constant = ""
    for each in pieces:
        if isinstance(each, str):
            constant += each
            continue
        if constant:
            yield constant
        constant = ""
        yield each
    if constant:
        yield constant


class _Writer:
    """Writes computed values as JSON.

    Text that holds nothing to escape is not searched twice, and a column is asked once how many rows lack it.
    """

    def __init__(self, ready: pl.DataFrame, compiled: CompiledMapping) -> None:
        self._ready = ready
        self._values = compiled.program.values
        self._escaped = _columns_to_escape(ready, self._values)

    def members(self, node: ObjectNode) -> list[_Member]:
        """An object's members, what is required and unmapped among them."""
        written: list[_Member] = [(name, self._node(each)) for name, each in node.members.items()]
        for name, child in (node.target.children or {}).items():
            if child.required and name not in node.members:
                written.append((name, _Json((_empty(child),))))
        return written

    def _node(self, node: Node) -> _Json | None:
        if isinstance(node, Leaf | EachNode):
            return self._leaf(node)
        if isinstance(node, ListNode):
            return self._list(node)
        return self._object(node)

    def _leaf(self, leaf: Leaf | EachNode) -> _Json | None:
        value = self.value(self._values[leaf.path])
        if leaf.target.kind in {FieldKind.LIST, FieldKind.OBJECT} and leaf.target.required:
            return _with_default(value, _empty(leaf.target))
        return value

    def _object(self, node: ObjectNode) -> _Json | None:
        members = self.members(node)
        written = _braced(members, "{", "}")
        if node.item:
            return _where(self._alive(node), written)
        return written if node.target.required else _unless_empty(members, written, "{}")

    def _list(self, node: ListNode) -> _Json | None:
        items: list[_Member] = [(None, self._node(item)) for item in node.items]
        written = _braced(items, "[", "]")
        return written if node.target.required else _unless_empty(items, written, "[]")

    def _alive(self, node: Node) -> pl.Expr:
        """Whether an item has a cell that is not null, or asks none; defaults do not count."""
        if is_constant(node):
            return pl.lit(True)  # noqa: FBT003 - an expression's value
        return pl.any_horizontal([self._values[leaf.path].present for leaf in leaves(node)])

    def value(self, value: Value) -> _Json | None:
        """A computed value as JSON, with its default; None where no row has one."""
        if value.column is None:
            return None if value.constant is None else _Json((value.constant,))
        cells = self._ready[value.column]
        missing = cells.null_count()
        if value.listed:
            missing = int(cells.list.len().fill_null(0).eq(0).sum())
        written = None
        if missing < len(cells) or not len(cells):
            pieces = self._listed(value) if value.listed else self._single(value)
            written = _Json(pieces)
            if missing or not len(cells):
                column = pl.col(value.column)
                there = column.list.len() > 0 if value.listed else column.is_not_null()
                written = _where(there, written)
        return written if value.default is None else _with_default(written, value.default)

    def _single(self, value: Value) -> tuple[Piece, ...]:
        column = pl.col(value.column or "")
        if value.written == "json":
            return (column,)
        return ('"', escape(column) if value.column in self._escaped else column, '"')

    def _listed(self, value: Value) -> tuple[Piece, ...]:
        column = pl.col(value.column or "")
        if value.written == "json":
            return ("[", column.list.join(","), "]")
        if value.column in self._escaped:
            column = column.list.eval(escape(pl.element()))
        return ('["', column.list.join('","'), '"]')


def _where(there: pl.Expr, written: _Json) -> _Json:
    """A value of only those rows for which an expression is true."""
    return _Json((pl.when(there).then(_joined(written.pieces)),), sure=False)


def _with_default(value: _Json | None, default: str) -> _Json:
    """A value that every row has: its own or the default."""
    if value is None:
        return _Json((default,))
    if value.sure:
        return value
    return _Json((_joined(value.pieces).fill_null(pl.lit(default)),))


def _unless_empty(members: Sequence[_Member], written: _Json, empty: str) -> _Json | None:
    """An object or list that is left out where it has nothing in it."""
    there = [value for _, value in members if value is not None]
    if not there:
        return None
    if any(value.sure for value in there):
        return written
    whole = _joined(written.pieces)
    return _Json((pl.when(whole != empty).then(whole),), sure=False)


def _columns_to_escape(ready: pl.DataFrame, values: dict[str, Value]) -> frozenset[str]:
    """The text columns that hold something that JSON text cannot hold as it is."""
    texts = [value for value in values.values() if value.column and value.written == "text"]
    if not texts or not ready.height:
        return frozenset()
    found = ready.select(
        [
            (
                pl.col(value.column).list.join("").str.contains(ESCAPED)
                if value.listed
                else pl.col(value.column).str.contains(ESCAPED)
            )
            .any()
            .alias(value.column)
            for value in texts
            if value.column
        ]
    )
    return frozenset(name for name, hit in zip(found.columns, found.row(0), strict=True) if hit)


def _empty(child: object) -> str:
    """What stands for a required field that nothing maps: `[]`, or an object of such."""
    kind = getattr(child, "kind", None)
    if kind is FieldKind.LIST:
        return "[]"
    below: dict[str, object] = getattr(child, "children", None) or {}
    members = [f'"{name}":{_empty(each)}' for name, each in below.items() if getattr(each, "required", False)]
    return "{" + ",".join(members) + "}"
