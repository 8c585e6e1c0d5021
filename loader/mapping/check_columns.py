"""What is wrong between a mapping's rules and the columns of a source or a second file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from loader.mapping.expressions import (
    TextError,
    column_in_sql,
    column_in_template,
    columns_of,
    ignored,
    is_list,
    is_nested,
    is_usable,
    sql_columns,
)
from loader.mapping.joins import ColumnReference
from loader.mapping.type_words import type_in_words
from loader.resources.fields import TAKES, FieldKind
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loader.findings import JsonValue
    from loader.mapping.findings import Findings
    from loader.mapping.model import MappingDraft
    from loader.mapping.tree import Leaf


def check_columns(
    draft: MappingDraft,
    rules: Iterable[Leaf],
    beside: Sequence[ColumnReference],
    schema: Mapping[str, pl.DataType],
    findings: Findings,
    second_file: str | None = None,
) -> None:
    """Check names and types of columns that a mapping reads, and note those that it does not use.

    Args:
        draft: The mapping.
        rules: Those that read this file.
        beside: Columns of it that the mapping names elsewhere.
        schema: Its columns with their types.
        findings: What is wrong goes in here.
        second_file: The second file; None: the source.
    """
    used = {reference.name for reference in beside}
    _check_names(beside, schema, findings, second_file)
    for leaf in rules:
        has_errors = findings.wrong_at(leaf.yaml_path)
        references = _references(leaf)
        used.update(reference.name for reference in references)
        _check_names(references, schema, findings, second_file)
        if not has_errors:
            _check_types(leaf, references, schema, findings)
    where = draft.spec.where
    if second_file is None and where is not None and not findings.wrong_at(("where",)):
        references = [
            ColumnReference(name, ("where",), "where", column_in_sql(where, name))
            for name in sql_columns(where)
        ]
        used.update(reference.name for reference in references)
        _check_names(references, schema, findings)
    unused: list[JsonValue] = [
        name for name in schema if name not in used and not ignored(name, draft.spec.ignore)
    ]
    if unused:
        findings.add("mapping.unused_columns", ("fields",), "fields", names=unused, second_file=second_file)


def _references(leaf: Leaf) -> list[ColumnReference]:
    """Return the columns that a rule reads, each once, with their places; none where its text has errors."""
    try:
        names = columns_of(leaf.rule)
    except TextError:
        return []
    return [_reference(leaf, name) for name in names]


def _reference(leaf: Leaf, name: str) -> ColumnReference:
    rule, place = leaf.rule, leaf.yaml_path
    if rule.columns and name in rule.columns:
        return ColumnReference(name, (*place, "columns", rule.columns.index(name)), leaf.path)
    if rule.template is not None:
        return ColumnReference(name, (*place, "template"), leaf.path, column_in_template(rule.template, name))
    if rule.sql is not None:
        return ColumnReference(name, (*place, "sql"), leaf.path, column_in_sql(rule.sql, name))
    return ColumnReference(name, (*place, "json" if rule.json_column is not None else "column"), leaf.path)


def _check_names(
    references: Sequence[ColumnReference],
    schema: Mapping[str, pl.DataType],
    findings: Findings,
    second_file: str | None = None,
) -> None:
    for reference in references:
        if reference.name not in schema:
            findings.add(
                "mapping.unknown_column",
                reference.yaml_path,
                reference.field,
                part="value",
                span=reference.span,
                column=reference.name,
                second_file=second_file,
                allowed=[*schema],
                suggestion=nearest(reference.name, list(schema)),
            )


def _check_types(
    leaf: Leaf,
    references: Sequence[ColumnReference],
    schema: Mapping[str, pl.DataType],
    findings: Findings,
) -> None:
    if leaf.rule.origin == "sql":
        return  # its result counts, not what it reads
    for reference in references:
        dtype = schema.get(reference.name)
        if dtype is not None and (misfit := _misfit(leaf, dtype)):
            code, params = misfit
            findings.add(
                code,
                reference.yaml_path,
                reference.field,
                part="value",
                span=reference.span,
                column=reference.name,
                type=type_in_words(dtype),
                params=params,
            )


_Misfit = tuple[str, dict[str, "JsonValue"]]


def _misfit(leaf: Leaf, dtype: pl.DataType) -> _Misfit | None:
    """Return code and parameters of what is wrong between a column's type and a rule; None: nothing."""
    if not is_usable(dtype):
        return "column.unusable_type", {}
    if is_list(dtype) or is_nested(dtype):
        return _misfit_of_nested(leaf, dtype)
    if leaf.rule.origin not in {"column", "lookup"} or isinstance(dtype, pl.Null):
        return None
    if leaf.target.kind is FieldKind.LIST and not leaf.rule.split:
        return "column.not_a_list", {}
    if leaf.item.kind is FieldKind.OBJECT and not leaf.rule.relative_date:
        return "column.not_objects", {"relative_date": leaf.item.is_relative_date or None}
    return None


def _misfit_of_nested(leaf: Leaf, dtype: pl.DataType) -> _Misfit | None:
    """Return the same for a column of lists or objects."""
    origin, kind = leaf.rule.origin, leaf.target.kind
    if origin == "lookup" and is_nested(dtype):
        return "column.lookup_key_type", {}
    if origin not in {"column", "json", "lookup"}:
        return "column.nested_type", {"origin": origin}
    if kind not in {FieldKind.LIST, FieldKind.OBJECT, FieldKind.ANY}:
        return "column.takes_one", {"takes": TAKES[kind]}
    return None
