"""Computed values as the JSON bodies of rows, column-wise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from loader.mapping import EXTERNAL_ID_PATH
from loader.mapping.conversions import ESCAPED, escape
from loader.mapping.tree import EachNode, Leaf, ListNode, Node, ObjectNode, leaves
from loader.resources.fields import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from loader.mapping import CompiledMapping
    from loader.mapping.program import Value


def body(ready: pl.DataFrame, compiled: CompiledMapping) -> pl.Expr:
    """The JSON of the record, without the bulk-load fields."""
    writer = _Writer(ready, compiled)
    pieces = writer.members(compiled.mapping.tree)
    value = compiled.program.values.get(EXTERNAL_ID_PATH)
    if value is not None:
        pieces.append(writer.member("sys_external_id", writer.value(value)))
    return _braced(pieces)


def _braced(pieces: list[pl.Expr]) -> pl.Expr:
    """Members, each with a comma before it or null, as an object."""
    if not pieces:
        return pl.lit("{}")
    inner = pl.concat_str(pieces, ignore_nulls=True).str.strip_prefix(",")
    return pl.concat_str(pl.lit("{"), inner, pl.lit("}"))


class _Writer:
    """Writes computed values as JSON; text that holds nothing to escape is not searched twice."""

    def __init__(self, ready: pl.DataFrame, compiled: CompiledMapping) -> None:
        self._values = compiled.program.values
        self._escaped = _columns_to_escape(ready, self._values)

    def members(self, node: ObjectNode) -> list[pl.Expr]:
        """An object's members, what is required and unmapped among them."""
        pieces = [self._member(name, each) for name, each in node.members.items()]
        for name, child in (node.target.children or {}).items():
            if child.required and name not in node.members:
                pieces.append(pl.lit(f',"{name}":{_empty(child)}'))
        return pieces

    def member(self, name: str, value: pl.Expr) -> pl.Expr:
        """A member with a comma before it; null where the value is null."""
        return pl.concat_str(pl.lit(f",{json.dumps(name, ensure_ascii=False)}:"), value)

    def _member(self, name: str, node: Node) -> pl.Expr:
        return self.member(name, self._node(node))

    def _node(self, node: Node) -> pl.Expr:
        if isinstance(node, Leaf | EachNode):
            return self._leaf(node)
        if isinstance(node, ListNode):
            return self._list(node)
        return self._object(node)

    def _leaf(self, leaf: Leaf | EachNode) -> pl.Expr:
        value = self.value(self._values[leaf.path])
        if leaf.target.kind in {Kind.LIST, Kind.OBJECT} and leaf.target.required:
            return value.fill_null(pl.lit(_empty(leaf.target)))
        return value

    def _object(self, node: ObjectNode) -> pl.Expr:
        written = _braced(self.members(node))
        if node.item:
            return pl.when(self._alive(node)).then(written)
        return written if node.target.required else pl.when(written != "{}").then(written)

    def _list(self, node: ListNode) -> pl.Expr:
        items = [self._node(item) for item in node.items]
        pieces = [pl.concat_str(pl.lit(","), item) for item in items]
        inner = pl.concat_str(pieces, ignore_nulls=True).str.strip_prefix(",") if pieces else pl.lit("")
        written = pl.concat_str(pl.lit("["), inner, pl.lit("]"))
        return written if node.target.required else pl.when(written != "[]").then(written)

    def _alive(self, node: Node) -> pl.Expr:
        """Whether an item has a cell that is not null; constants and defaults do not count."""
        return pl.any_horizontal([self._values[leaf.path].present for leaf in leaves(node)])

    def value(self, value: Value) -> pl.Expr:
        """A computed value as JSON, with its default; null where there is none."""
        if value.column is None:
            return pl.lit(value.constant, dtype=pl.String)
        column = pl.col(value.column)
        encode = self._encoder(value)
        if value.listed:
            items = column.list.eval(encode(pl.element())).list.join(",")
            written: pl.Expr = pl.when(column.list.len() > 0).then(
                pl.concat_str(pl.lit("["), items, pl.lit("]"))
            )
        else:
            written = encode(column)
        return written if value.default is None else written.fill_null(pl.lit(value.default))

    def _encoder(self, value: Value) -> Callable[[pl.Expr], pl.Expr]:
        if value.written == "json":
            return lambda cell: cell
        if value.written == "text" and value.column in self._escaped:
            return lambda cell: pl.concat_str(pl.lit('"'), escape(cell), pl.lit('"'))
        return lambda cell: pl.concat_str(pl.lit('"'), cell, pl.lit('"'))


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
    if kind is Kind.LIST:
        return "[]"
    below: dict[str, object] = getattr(child, "children", None) or {}
    members = [f'"{name}":{_empty(each)}' for name, each in below.items() if getattr(each, "required", False)]
    return "{" + ",".join(members) + "}"
