"""Check a mapping against a source's columns, and compile it to Polars expressions.

What a row of a list becomes is compiled like a record: an object with one member, the item. So whatever a
rule can do for a record it can do for an item.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.mapping.cell_reader import CellReader, UnfitError
from loader.mapping.check_columns import check_columns
from loader.mapping.check_groups import check_joined_columns, check_key_types
from loader.mapping.conversions import constant_json
from loader.mapping.expressions import columns_of, sql_columns
from loader.mapping.field_compiler import FieldCompiler
from loader.mapping.findings import Findings
from loader.mapping.joins import columns_beside_rules, join_of
from loader.mapping.model import ITEM, CompiledMapping, Grouping, Items
from loader.mapping.program import CellCheck, Program, Value
from loader.mapping.requirements import add_requirements
from loader.mapping.tree import ObjectNode, each_nodes, leaves
from loader.mapping.type_words import type_in_words
from loader.records import GROUP
from loader.resources.fields import Field, FieldKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.mapping.model import MappingDraft, MappingPlan
    from loader.mapping.tree import EachNode, Leaf, Node

    Schema = Mapping[str, pl.DataType]

_WHERE: Final = "__where"
_NO_FIELDS: Final = Field(path="", kind=FieldKind.OBJECT, required=True, children={})


def compile_mapping(mapping: MappingPlan, schema: Schema) -> CompiledMapping:
    """Check a mapping against a source's columns and compile it.

    Args:
        mapping: The mapping.
        schema: The source's columns with their types.

    Raises:
        MappingError: It names columns that are not there, or that hold what its fields cannot take.
    """
    findings = Findings(mapping.document)
    parts = _compile(mapping.draft, schema, mapping.joined, findings)
    findings.raise_errors()

    def compiled(rows: _Rows) -> CompiledMapping:
        return CompiledMapping(replace(mapping, draft=rows.draft), rows.program, rows.where, ())

    warnings = (*mapping.warnings, *findings.of("warning", "note"))
    whole = replace(compiled(parts.records), warnings=warnings)
    if not mapping.is_grouped:
        return whole
    grouping = Grouping(
        group_by=mapping.spec.group_by,
        items=tuple(_items(node, column, compiled(rows)) for node, column, rows in parts.items),
        shared=_shared_columns(mapping.draft),
        filter=None if parts.filter is None else compiled(parts.filter),
    )
    return replace(whole, grouping=grouping)


def check_schema(draft: MappingDraft, schema: Schema, joined: Mapping[str, Schema] | None = None) -> Findings:
    """Return all that is wrong between a mapping and a source's columns, without what is wrong by itself.

    Args:
        draft: The mapping; rules with errors are not looked at.
        schema: The source's columns with their types.
        joined: Those of second files, by the name that the mapping has for them, as far as they are known.
    """
    findings = Findings(draft.document, draft.findings)
    _compile(draft, schema, joined or {}, findings)
    return findings


# --- The steps of both -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is computed of the rows of one file."""

    draft: MappingDraft
    program: Program
    where: str | None


@dataclass(frozen=True, slots=True)
class _Parts:
    """A compiled mapping: its records, the items of its lists with their columns, and its filter alone."""

    records: _Rows
    items: tuple[tuple[EachNode, str, _Rows], ...]
    filter: _Rows | None


def _compile(draft: MappingDraft, schema: Schema, joined: Mapping[str, Schema], findings: Findings) -> _Parts:
    """Check a mapping against columns, and compile its rules; the result is for use only without errors."""
    beside = columns_beside_rules(draft.spec, draft.tree)
    check_columns(draft, draft.row_leaves, beside, schema, findings)
    check_key_types(beside, schema, findings)
    check_joined_columns(draft, joined, findings)
    lists = _list_values(draft.tree)
    records = _compile_rows(draft, Program(values=dict(lists)), schema, findings, draft.spec.where)
    items = []
    for node, value in zip(each_nodes(draft.tree), lists.values(), strict=True):
        join = join_of(node)
        columns = schema if join is None else joined.get(join.file)
        if columns is not None:
            rows = _compile_rows(_item_draft(draft, node), Program(), columns, findings)
            items.append((node, value.column or "", rows))
    group_filter = None
    if draft.spec.where is not None and draft.spec.group_by is not None and not findings.wrong_at(("where",)):
        alone = replace(draft, tree=ObjectNode("", _NO_FIELDS), external_id=None)
        group_filter = _compile_rows(alone, Program(), schema, findings, draft.spec.where)
    return _Parts(records, tuple(items), group_filter)


def _compile_rows(
    draft: MappingDraft, program: Program, schema: Schema, findings: Findings, where: str | None = None
) -> _Rows:
    compiler = _RowCompiler(CellReader(schema, draft.null_values, program), findings)
    key = draft.external_id_leaf
    nodes: list[Node] = [*([key] if key else []), draft.tree]
    for node in nodes:
        for leaf in leaves(node):
            compiler.compile_leaf(leaf)
    column = compiler.compile_filter(where) if where is not None else None
    # The checks of required fields read the values of all fields: they can be made only if all have one.
    if not findings.wrong_at(()):
        for node in nodes:
            add_requirements(program, node)
    return _Rows(draft, program, column)


class _RowCompiler:
    """Compiles rules that read the rows of one file."""

    def __init__(self, reader: CellReader, findings: Findings) -> None:
        self._reader = reader
        self._findings = findings
        self._numbers = count(1)

    def compile_leaf(self, leaf: Leaf) -> None:
        """Add a leaf's value to the program, or a finding; nothing where its rule has errors."""
        if self._findings.wrong_at(leaf.yaml_path):
            return
        rule = leaf.rule
        if rule.origin == "value":
            constant = None if rule.value is None else constant_json(rule.value)
            self._reader.program.values[leaf.path] = Value(column=None, encoding="json", constant=constant)
            return
        try:
            value = FieldCompiler(self._reader, leaf, f"__v{next(self._numbers)}").compile()
        except UnfitError as error:
            self._findings.add_error(error, (*leaf.yaml_path, rule.origin), leaf.path)
        else:
            self._reader.program.values[leaf.path] = value

    def compile_filter(self, where: str) -> str | None:
        """Add the column of the filter to the program, and return its name; None where it has errors.

        A row for which it cannot be computed is invalid: to leave the row out would lose it.
        """
        if self._findings.wrong_at(("where",)):
            return None
        try:
            _, dtype = self._reader.sql(_WHERE, where)
        except UnfitError as error:
            self._findings.add_error(error, ("where",), "where")
            return None
        if not isinstance(dtype, pl.Boolean | pl.Null):
            self._findings.add(
                "sql.not_boolean", ("where",), "where", part="value", type=type_in_words(dtype)
            )
            return None
        columns = sql_columns(where)
        self._reader.program.checks.append(
            CellCheck(
                mask=pl.col(f"{_WHERE}!"),
                path="where",
                column=", ".join(columns) or None,
                value=None,
                code="sql.failed",
                read=columns,
            )
        )
        return _WHERE


# --- Records of several rows -----------------------------------------------------------------------------


def _list_values(tree: ObjectNode) -> dict[str, Value]:
    """Return the lists of rows as values of the record, by path; their JSON comes from outside."""
    values: dict[str, Value] = {}
    for number, node in enumerate(each_nodes(tree), start=1):
        column = f"__each{number}"
        values[node.path] = Value(column=column, encoding="json", has_input=pl.col(column).is_not_null())
    return values


def _item_draft(draft: MappingDraft, node: EachNode) -> MappingDraft:
    """Return the mapping of one row of a list."""
    tree = ObjectNode("", _NO_FIELDS, {ITEM: node.item})
    spec, join = draft.spec, join_of(node)
    if join is not None and join.source.null_values is not None:
        source = spec.source.model_copy(update={"null_values": join.source.null_values})
        spec = spec.model_copy(update={"source": source})
    return replace(draft, spec=spec, tree=tree, external_id=None)


def _items(node: EachNode, column: str, rows: CompiledMapping) -> Items:
    join = join_of(node)
    return Items(
        path=node.path,
        column=column,
        child=join.name if join else GROUP,
        file=join.file if join else None,
        rows=rows,
    )


def _shared_columns(draft: MappingDraft) -> tuple[tuple[str, str], ...]:
    """Return columns read outside `each`, with the first field that reads them; without `group_by`'s own."""
    columns: dict[str, str] = {}
    if draft.external_id is not None:
        columns |= dict.fromkeys(columns_of(draft.external_id), "external_id")
    for leaf in leaves(draft.tree):
        for name in columns_of(leaf.rule):
            columns.setdefault(name, leaf.path)
    for reference in columns_beside_rules(draft.spec, draft.tree):
        columns.setdefault(reference.name, reference.field)
    columns.pop(draft.spec.group_by or "", None)
    return tuple(columns.items())
