"""Computed values as the JSON bodies of rows, column-wise.

A body is one `concat_str` over as few pieces as can be: what every row of the batch has is written straight
into its surroundings, and neighbouring constants become one. Only a value that some rows lack is put
together by itself, so that it can be left out where it is null.
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
    from loader.resources.fields import Field

Piece = str | pl.Expr
"""A part of a text: a constant, or a column of texts; where a row has null, the part is left out."""


@dataclass(frozen=True, slots=True)
class _Json:
    """A JSON value of every row, in pieces.

    Attributes:
        pieces: What it is put together from.
        in_every_row: Whether every row has it. Else it is one expression, null in the rows that have none.
    """

    pieces: tuple[Piece, ...]
    in_every_row: bool = True


def body(ready: pl.DataFrame, compiled: CompiledMapping) -> pl.Expr:
    """Return the JSON of each record, without the bulk-load fields.

    Args:
        ready: The computed columns of the rows to write; which of them have nulls decides how it is written.
        compiled: The mapping.
    """
    writer = _Writer(ready, compiled)
    members = writer.members(compiled.mapping.tree)
    value = compiled.program.values.get(EXTERNAL_ID_PATH)
    if value is not None:
        members.append(("sys_external_id", writer.value(value)))
    return _joined(_enclosed(members, "{", "}").pieces)


_Member = tuple[str | None, _Json | None]
"""A member's name (None for an item of a list) and its value (None where no row has one)."""


def _enclosed(members: Sequence[_Member], opening: str, closing: str) -> _Json:
    """Return members or items between brackets, with commas between those that are there.

    Each member brings the comma before it. Where the first one is in every row, its comma is cut off here
    once; else which member is first differs from row to row, and the comma is stripped from each.
    """
    parts = [_member(name, value) for name, value in members if value is not None]
    if not parts:
        return _Json((opening + closing,))
    pieces = [piece for part in parts for piece in part.pieces]
    if parts[0].in_every_row:
        first, *rest = pieces
        return _Json((opening, str(first)[1:], *rest, closing))
    return _Json((opening, _joined(pieces).str.strip_prefix(","), closing))


def _member(name: str | None, value: _Json) -> _Json:
    """Return a member with a comma before it."""
    label = "," if name is None else f",{json.dumps(name, ensure_ascii=False)}:"
    if value.in_every_row:
        return _Json((label, *value.pieces))
    return _Json((_joined([label, *value.pieces], ignore_nulls=False),), in_every_row=False)


def _joined(pieces: Sequence[Piece], *, ignore_nulls: bool = True) -> pl.Expr:
    """Return pieces as one text."""
    parts = [pl.lit(piece) if isinstance(piece, str) else piece for piece in _merged(pieces)]
    return parts[0] if len(parts) == 1 else pl.concat_str(parts, ignore_nulls=ignore_nulls)


def _merged(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Yield the pieces, neighbouring constants as one."""
    constant = ""
    for piece in pieces:
        if isinstance(piece, str):
            constant += piece
            continue
        if constant:
            yield constant
        constant = ""
        yield piece
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
        """Return an object's members, what is required and unmapped among them."""
        members: list[_Member] = [(name, self._node(child)) for name, child in node.members.items()]
        for name, field in (node.target.children or {}).items():
            if field.required and name not in node.members:
                members.append((name, _Json((_empty(field),))))
        return members

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
        text = _enclosed(members, "{", "}")
        if node.item:
            return _where(self._has_input(node), text)
        return text if node.target.required else _unless_empty(members, text, "{}")

    def _list(self, node: ListNode) -> _Json | None:
        items: list[_Member] = [(None, self._node(item)) for item in node.items]
        text = _enclosed(items, "[", "]")
        return text if node.target.required else _unless_empty(items, text, "[]")

    def _has_input(self, node: Node) -> pl.Expr:
        """Return whether an item has a cell that is not null, or reads none; defaults do not count."""
        if is_constant(node):
            return pl.lit(True)  # noqa: FBT003 - an expression's value
        return pl.any_horizontal([self._values[leaf.path].has_input for leaf in leaves(node)])

    def value(self, value: Value) -> _Json | None:
        """Return a computed value as JSON, with its default; None where no row has one."""
        if value.column is None:
            return None if value.constant is None else _Json((value.constant,))
        cells = self._ready[value.column]
        missing = cells.null_count()
        if value.is_list:
            missing = int(cells.list.len().fill_null(0).eq(0).sum())
        text = None
        if missing < len(cells) or not len(cells):
            text = _Json(self._items(value) if value.is_list else self._single(value))
            if missing or not len(cells):
                column = pl.col(value.column)
                text = _where(column.list.len() > 0 if value.is_list else column.is_not_null(), text)
        return text if value.default is None else _with_default(text, value.default)

    def _single(self, value: Value) -> tuple[Piece, ...]:
        column = pl.col(value.column or "")
        if value.encoding == "json":
            return (column,)
        return ('"', escape(column) if value.column in self._escaped else column, '"')

    def _items(self, value: Value) -> tuple[Piece, ...]:
        column = pl.col(value.column or "")
        if value.encoding == "json":
            return ("[", column.list.join(","), "]")
        if value.column in self._escaped:
            column = column.list.eval(escape(pl.element()))
        return ('["', column.list.join('","'), '"]')


def _where(condition: pl.Expr, text: _Json) -> _Json:
    """Return a value of only those rows for which an expression is true."""
    return _Json((pl.when(condition).then(_joined(text.pieces)),), in_every_row=False)


def _with_default(value: _Json | None, default: str) -> _Json:
    """Return a value that every row has: its own or the default."""
    if value is None:
        return _Json((default,))
    if value.in_every_row:
        return value
    return _Json((_joined(value.pieces).fill_null(pl.lit(default)),))


def _unless_empty(members: Sequence[_Member], text: _Json, empty: str) -> _Json | None:
    """Return an object or list that is left out of the rows where it has nothing in it."""
    values = [value for _, value in members if value is not None]
    if not values:
        return None
    if any(value.in_every_row for value in values):
        return text
    joined = _joined(text.pieces)
    return _Json((pl.when(joined != empty).then(joined),), in_every_row=False)


def _columns_to_escape(ready: pl.DataFrame, values: dict[str, Value]) -> frozenset[str]:
    """Return the text columns with a character that JSON text cannot hold as it is."""
    texts = {value.column: value for value in values.values() if value.column and value.encoding == "text"}
    if not texts or not ready.height:
        return frozenset()
    hits = ready.select(
        [
            (pl.col(name).list.join("") if value.is_list else pl.col(name)).str.contains(ESCAPED).any()
            for name, value in texts.items()
        ]
    )
    return frozenset(name for name, hit in zip(hits.columns, hits.row(0), strict=True) if hit)


def _empty(field: Field) -> str:
    """Return the JSON of a required field that nothing maps: `[]`, or an object of such."""
    if field.kind is FieldKind.LIST:
        return "[]"
    required = {name: child for name, child in (field.children or {}).items() if child.required}
    return "{" + ",".join(f'"{name}":{_empty(child)}' for name, child in required.items()) + "}"
