"""What is wrong with lists that have an item for every row, and with the columns that rows are joined by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader.mapping.check_columns import check_columns
from loader.mapping.expressions import columns_of, is_list, is_nested, is_usable
from loader.mapping.joins import ColumnReference
from loader.mapping.tree import each_nodes, leaves
from loader.mapping.type_words import type_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from loader.mapping.findings import Findings
    from loader.mapping.grammar import MappingSpec
    from loader.mapping.model import MappingDraft
    from loader.mapping.tree import EachNode, ObjectNode
    from loader.settings import SourceOptions


def check_groups(spec: MappingSpec, tree: ObjectNode, findings: Findings) -> None:
    """Check lists of rows without a source; the rules of their items are checked before."""
    nodes = list(each_nodes(tree))
    for node in nodes:
        if spec.group_by is None and node.spec.rows is None:
            findings.add("each.no_group", (*node.yaml_path, "each"), node.path)
        has_errors = findings.wrong_at(node.yaml_path)
        if not has_errors and not any(columns_of(leaf.rule) for leaf in leaves(node.item)):
            findings.add("each.no_column", (*node.yaml_path, "each"), node.path)
    _check_sources(nodes, findings)
    if spec.group_by is not None and all(node.spec.rows for node in nodes):
        findings.add("group.unused", ("group_by",), "group_by")


def _check_sources(nodes: Sequence[EachNode], findings: Findings) -> None:
    """Check that all lists of a second file's rows read it by the same options."""
    options: dict[str, SourceOptions] = {}
    for node in nodes:
        name = node.spec.rows
        if name is not None and options.setdefault(name, node.spec.source) != node.spec.source:
            findings.add("each.two_sources", (*node.yaml_path, "source"), node.path, second_file=name)


def check_joined_columns(
    draft: MappingDraft, joined: Mapping[str, Mapping[str, pl.DataType]], findings: Findings
) -> None:
    """Check the columns of second files, as far as these are known.

    Args:
        draft: The mapping.
        joined: The columns of second files with their types, by the name that the mapping has for them.
        findings: What is wrong goes in here.
    """
    for name, schema in joined.items():
        nodes = [node for node in each_nodes(draft.tree) if node.spec.rows == name]
        keys = [ColumnReference(node.spec.key or "", (*node.yaml_path, "key"), node.path) for node in nodes]
        rules = [leaf for node in nodes for leaf in leaves(node.item)]
        check_columns(draft, rules, keys, schema, findings, name)
        check_key_types(keys, schema, findings)


def check_key_types(
    columns: Sequence[ColumnReference], schema: Mapping[str, pl.DataType], findings: Findings
) -> None:
    """Check that the cells of columns can be compared, to know which rows belong together."""
    for column in columns:
        dtype = schema.get(column.name)
        if dtype is not None and (is_list(dtype) or is_nested(dtype) or not is_usable(dtype)):
            findings.add(
                "column.not_comparable",
                column.yaml_path,
                column.field,
                part="value",
                column=column.name,
                type=type_in_words(dtype),
            )
