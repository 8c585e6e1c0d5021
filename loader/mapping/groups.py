"""Records made of several rows: what `group_by`, `each` and `rows` mean, checked and compiled.

What a row becomes is a mapping of its own, compiled for the columns of its file: an object with one member,
the item. So whatever a rule may do for a record it may do for an item.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from loader.mapping.check import check_columns
from loader.mapping.compiler import Compiler
from loader.mapping.expressions import columns_of, is_list, is_nested, is_usable
from loader.mapping.program import Program, Value
from loader.mapping.tree import EachNode, Leaf, ObjectNode, each_nodes, leaves
from loader.records import GROUP
from loader.resources.fields import Field, FieldKind
from loader.settings import SourceOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.mapping import CompiledMapping, MappingPlan
    from loader.mapping.document import Path
    from loader.mapping.findings import Findings
    from loader.mapping.grammar import MappingSpec

ITEM: Final = "item"
"""The one member of what a row becomes."""
_NOTHING: Final = Field(
    path="", kind=FieldKind.OBJECT, required=True, required_on_page=False, description="", children={}
)


@dataclass(frozen=True, slots=True)
class Join:
    """How the rows of a second file find their records.

    Attributes:
        file: The second file, as the mapping names it.
        key: Its column that says whose row it is.
        equals: The source's column that it is compared with.
        source: How to read it.
    """

    file: str
    key: str
    equals: str
    source: SourceOptions = field(default_factory=SourceOptions)

    @property
    def name(self) -> str:
        """What its rows are called in `Batch.children`."""
        return f"{self.file}: {self.key} = {self.equals}"


@dataclass(frozen=True, slots=True)
class Items:
    """A list with one item for every row.

    Attributes:
        path: The list's path in the payload.
        column: The column of a record's frame that holds the list's JSON; null where it has no item.
        child: Which of `Batch.children` its rows are.
        file: The second file that they stand in; None: the source.
        rows: What a row becomes: an object whose member `ITEM` is the item, or `{}`.
    """

    path: str
    column: str
    child: str
    file: str | None
    rows: CompiledMapping


@dataclass(frozen=True, slots=True)
class Grouping:
    """How a mapping makes records of several rows.

    Attributes:
        group_by: The column whose cells tell which rows are one record; None: every row is one.
        items: The lists with an item for every row.
        shared: The columns that the record itself is made of, each with the path that reads it: they must
            not differ within a group.
        filter: The mapping's `where` alone; None where there is none.
    """

    group_by: str | None
    items: tuple[Items, ...]
    shared: tuple[tuple[str, str], ...]
    filter: CompiledMapping | None


def join_of(node: EachNode) -> Join | None:
    """How a list's rows find their records; None where they are the group's own."""
    said = node.said
    if said.rows is None or said.key is None:
        return None
    return Join(said.rows, said.key, said.equals or said.key, said.source)


def joins_of(tree: ObjectNode) -> tuple[Join, ...]:
    """The joins of all lists, each once."""
    found = [join for node in each_nodes(tree) if (join := join_of(node))]
    return tuple({join.name: join for join in found}.values())


def joined_columns(tree: ObjectNode, file: str) -> frozenset[str]:
    """The columns of a second file that a mapping reads, keys among them."""
    used: set[str] = set()
    for node in each_nodes(tree):
        if (join := join_of(node)) and join.file == file:
            used.add(join.key)
            used.update(name for leaf in leaves(node.item) for name in columns_of(leaf.rule))
    return frozenset(used)


# --- checking ------------------------------------------------------------------------------------------


def check_several(file: MappingSpec, tree: ObjectNode, findings: Findings) -> None:
    """Checks what can be known of lists of rows without a source, once their rules are checked."""
    nodes = list(each_nodes(tree))
    for node in nodes:
        if file.group_by is None and node.said.rows is None:
            findings.error(
                (*node.place, "each"),
                node.path,
                "each makes an item for every row of a record, and nothing says which rows are one record",
                suggestion="say group_by: COLUMN, or take the rows of a second file: rows: FILE, key: COLUMN",
            )
        sound = not findings.wrong_at(node.place)
        if sound and not any(columns_of(leaf.rule) for leaf in leaves(node.item)):
            findings.error((*node.place, "each"), node.path, "each reads no column of its rows")
    _check_one_way(nodes, findings)
    if file.group_by is not None and all(node.said.rows for node in nodes):
        findings.add(
            "warning",
            ("group_by",),
            "group_by",
            "nothing says each: of the rows of a group only the first is used",
        )


def _check_one_way(nodes: Sequence[EachNode], findings: Findings) -> None:
    """A second file is read in one way, however many lists take its rows."""
    ways: dict[str, SourceOptions] = {}
    for node in nodes:
        name = node.said.rows
        if name is not None and ways.setdefault(name, node.said.source) != node.said.source:
            wrong = f"{name} is read in two ways; say the same source: wherever it is named"
            findings.error((*node.place, "source"), node.path, wrong)


def check_joined_columns(
    file: MappingSpec,
    tree: ObjectNode,
    schemas: Mapping[str, Mapping[str, pl.DataType]],
    findings: Findings,
) -> None:
    """Checks the columns of second files, as far as these are known.

    Args:
        file: What the mapping's file says.
        tree: Its fields.
        schemas: The columns of second files with their types, by the name that the mapping has for them.
        findings: What is found goes in here.
    """
    for name, schema in schemas.items():
        nodes = [node for node in each_nodes(tree) if node.said.rows == name]
        keys = [(node.said.key or "", (*node.place, "key"), node.path) for node in nodes]
        rules = [leaf for node in nodes for leaf in leaves(node.item)]
        check_columns(file, rules, schema, findings, also=keys, file=name)
        check_key_types(keys, schema, findings)


def columns_beside_rules(file: MappingSpec, tree: ObjectNode) -> tuple[tuple[str, Path, str], ...]:
    """The source's columns that `group_by` and `equals` name, with their places and labels."""
    grouped: list[tuple[str, Path, str]] = []
    if file.group_by is not None:
        grouped.append((file.group_by, ("group_by",), "group_by"))
    joined = [
        (join.equals, (*node.place, "equals" if node.said.equals else "key"), node.path)
        for node in each_nodes(tree)
        if (join := join_of(node))
    ]
    return (*grouped, *joined)


def row_leaves(tree: ObjectNode) -> list[Leaf]:
    """The leaves that read rows of the source: the record's own, and items of its group's rows."""
    own = [leaf for node in each_nodes(tree) if node.said.rows is None for leaf in leaves(node.item)]
    return [*leaves(tree), *own]


def used_for_several(mapping: MappingPlan) -> frozenset[str]:
    """The source's columns that say which rows are one record, or that items are made of."""
    read = {name for leaf in row_leaves(mapping.tree) for name in columns_of(leaf.rule)}
    return frozenset(read.union(name for name, _, _ in columns_beside_rules(mapping.file, mapping.tree)))


def check_key_types(
    columns: Sequence[tuple[str, Path, str]], schema: Mapping[str, pl.DataType], findings: Findings
) -> None:
    """Checks that rows can be told apart by columns, given as `columns_beside_rules` gives them."""
    for name, place, label in columns:
        dtype = schema.get(name)
        if dtype is not None and (is_list(dtype) or is_nested(dtype) or not is_usable(dtype)):
            message = f"column {name!r} holds {dtype}, by which no rows can be told apart"
            findings.error(place, label, message, part="value")


# --- compiling -----------------------------------------------------------------------------------------


def is_several(mapping: MappingPlan) -> bool:
    """Whether records are made of more than one row."""
    return mapping.file.group_by is not None or next(each_nodes(mapping.tree), None) is not None


def list_values(mapping: MappingPlan) -> dict[str, Value]:
    """The lists of rows as values of the record, by path: they come computed, each in a column."""
    found: dict[str, Value] = {}
    for number, node in enumerate(each_nodes(mapping.tree), start=1):
        column = f"__each{number}"
        found[node.path] = Value(column=column, written="json", present=pl.col(column).is_not_null())
    return found


def compile_grouping(
    compiled: CompiledMapping, schema: Mapping[str, pl.DataType], findings: Findings
) -> Grouping | None:
    """Compiles the lists of rows.

    Args:
        compiled: The mapping, compiled but for these.
        schema: The source's columns with their types.
        findings: What does not fit goes in here.

    Returns:
        None where a record is one row.
    """
    mapping = compiled.mapping
    if not is_several(mapping):
        return None
    check_key_types(columns_beside_rules(mapping.file, mapping.tree), schema, findings)
    nodes = zip(each_nodes(mapping.tree), list_values(mapping).values(), strict=True)
    items = [_items(compiled, node, value.column or "", schema, findings) for node, value in nodes]
    return Grouping(
        group_by=mapping.file.group_by,
        items=tuple(each for each in items if each is not None),
        shared=_shared(mapping),
        filter=_filter(compiled, schema, findings),
    )


def _items(
    compiled: CompiledMapping,
    node: EachNode,
    column: str,
    schema: Mapping[str, pl.DataType],
    findings: Findings,
) -> Items | None:
    mapping, join = compiled.mapping, join_of(node)
    columns = schema if join is None else mapping.joined.get(join.file)
    if columns is None:
        return None
    mapping = _alone(mapping, ObjectNode("", _NOTHING, {ITEM: node.item}))
    if join is not None and join.source.null_values is not None:
        source = mapping.source.model_copy(update={"null_values": join.source.null_values})
        mapping = replace(mapping, file=mapping.file.model_copy(update={"source": source}))
    rows = _compiled(compiled, mapping, columns, findings)
    return Items(
        path=node.path,
        column=column,
        child=join.name if join else GROUP,
        file=join.file if join else None,
        rows=rows,
    )


def _alone(mapping: MappingPlan, tree: ObjectNode) -> MappingPlan:
    return replace(mapping, tree=tree, external_id=None)


def _compiled(
    compiled: CompiledMapping,
    mapping: MappingPlan,
    schema: Mapping[str, pl.DataType],
    findings: Findings,
    where: str | None = None,
) -> CompiledMapping:
    nulls = mapping.source.null_values
    program = Program()
    compiler = Compiler(schema, ("",) if nulls is None else nulls, program, findings)
    compiler.tree(mapping.tree)
    kept = compiler.filter(where)
    return replace(compiled, mapping=mapping, program=program, where=kept, warnings=())


def _filter(
    compiled: CompiledMapping, schema: Mapping[str, pl.DataType], findings: Findings
) -> CompiledMapping | None:
    where = compiled.mapping.file.where
    if where is None or compiled.mapping.file.group_by is None or findings.wrong_at(("where",)):
        return None
    mapping = _alone(compiled.mapping, ObjectNode("", _NOTHING))
    return _compiled(compiled, mapping, schema, findings, where)


def _shared(mapping: MappingPlan) -> tuple[tuple[str, str], ...]:
    """Columns read outside `each`, with the first path that reads them; the group's own column left out."""
    found: dict[str, str] = {}
    if mapping.external_id is not None:
        found |= dict.fromkeys(columns_of(mapping.external_id), "external_id")
    for leaf in leaves(mapping.tree):
        for name in columns_of(leaf.rule):
            found.setdefault(name, leaf.path)
    for name, _, label in columns_beside_rules(mapping.file, mapping.tree):
        found.setdefault(name, label)
    found.pop(mapping.file.group_by or "", None)
    return tuple(found.items())
