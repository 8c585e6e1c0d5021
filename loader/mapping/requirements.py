"""Checks of required fields, added to a program behind its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from loader.mapping.expressions import columns_of
from loader.mapping.model import EXTERNAL_ID_PATH
from loader.mapping.program import CellCheck
from loader.mapping.tree import EachNode, Leaf, ListNode, ObjectNode, child_nodes, is_constant, unfillable

if TYPE_CHECKING:
    from loader.mapping.program import Program
    from loader.mapping.tree import Node


def add_requirements(program: Program, node: Node, has_input: pl.Expr | None = None) -> None:
    """Add checks of required fields, where the objects around them are there at all.

    Args:
        program: It has the values of all leaves below the node.
        node: A part of the mapping's tree.
        has_input: Whether the optional object around the node has anything in it; None: no such object.
    """
    if isinstance(node, Leaf):
        _require(program, node, has_input)
    elif isinstance(node, ListNode):
        for item in node.items:
            add_requirements(program, item)
    elif isinstance(node, ObjectNode):
        is_optional = node.item or (node.path and not node.target.required)
        inside = _has_input(program, node) if is_optional else has_input
        for member in node.members.values():
            add_requirements(program, member, inside)


def _require(program: Program, leaf: Leaf, has_input: pl.Expr | None) -> None:
    value = program.values[leaf.path]
    if not leaf.target.required or not unfillable(leaf.target, leaf.path):
        return
    if value.column is None or value.default is not None:
        return
    mask = pl.col(value.column).is_null() & ~value.wrong
    program.checks.append(
        CellCheck(
            mask=mask if has_input is None else mask & has_input,
            path=leaf.path,
            column=", ".join(columns_of(leaf.rule)) or None,
            value=None,
            code="external_id.empty" if leaf.path == EXTERNAL_ID_PATH else "required.empty",
        )
    )


def _has_input(program: Program, node: Node) -> pl.Expr:
    """Return whether an optional object or list item has anything in it.

    A constant keeps an object, but not an item of a list: that is there for its cells, if it reads any.
    """
    if isinstance(node, Leaf | EachNode):
        return program.values[node.path].has_input
    if isinstance(node, ObjectNode) and _is_kept(program, node):
        return pl.lit(value=True)
    parts = [_has_input(program, child) for child in child_nodes(node)]
    return pl.any_horizontal(parts) if parts else pl.lit(value=False)


def _is_kept(program: Program, node: ObjectNode) -> bool:
    """Return whether an object is there whatever the row's cells are."""
    return (
        is_constant(node) if node.item else any(_has_constant(program, child) for child in child_nodes(node))
    )


def _has_constant(program: Program, node: Node) -> bool:
    if isinstance(node, Leaf | EachNode):
        value = program.values[node.path]
        return (value.constant or value.default) is not None
    return any(_has_constant(program, child) for child in child_nodes(node))
