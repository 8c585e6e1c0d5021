"""A mapping as values: as far as it is understood, ready to use, and compiled for a source's columns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from loader.mapping.expressions import columns_of, sql_columns
from loader.mapping.joins import columns_beside_rules, row_leaves
from loader.mapping.tree import Leaf, all_leaves, each_nodes, leaves
from loader.resources.fields import Field, FieldKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from loader.findings import Finding
    from loader.mapping.document import Document
    from loader.mapping.findings import Findings
    from loader.mapping.grammar import MappingSpec, Rule
    from loader.mapping.program import Program
    from loader.mapping.tree import ObjectNode
    from loader.resources import RecordType
    from loader.settings import SourceOptions

EXTERNAL_ID_PATH: Final = "sys_external_id"
"""The payload's field for a row's identity across loads."""

ITEM: Final = "item"
"""The one member of the object that a row of a list becomes."""

_EXTERNAL_ID: Final = Field(path=EXTERNAL_ID_PATH, kind=FieldKind.TEXT, required=True)
_DEFAULT_NULLS: Final = ("",)


@dataclass(frozen=True, slots=True)
class MappingDraft:
    """A mapping as far as it can be understood, and all that is wrong with it by itself.

    Attributes:
        document: The file with its places.
        spec: The keys of the file; wrong ones are left out.
        record_type: The record type; None where the mapping names none.
        tree: The fields with rules that can be understood.
        external_id: The rule of a row's identity across loads; None where there is none, or it is wrong.
        findings: All that is wrong with it, and more to know.
    """

    document: Document
    spec: MappingSpec
    record_type: RecordType | None
    tree: ObjectNode
    external_id: Rule | None
    findings: Findings

    @property
    def source(self) -> SourceOptions:
        """Return how to read the source, as far as the mapping says."""
        return self.spec.source

    @property
    def null_values(self) -> Sequence[str]:
        """Return the texts that are nulls in the source."""
        nulls = self.spec.source.null_values
        return _DEFAULT_NULLS if nulls is None else nulls

    @property
    def external_id_leaf(self) -> Leaf | None:
        """Return the external id as a field that every row must fill; None where there is none."""
        if self.external_id is None:
            return None
        # An empty text is no id, whatever `null_values` has.
        rule = self.external_id.model_copy(update={"null_if": (*self.external_id.null_if, "")})
        return Leaf(EXTERNAL_ID_PATH, _EXTERNAL_ID, rule, ("external_id",))

    @property
    def row_leaves(self) -> list[Leaf]:
        """Return the leaves that read rows of the source: of the external id, the fields and group items."""
        key = self.external_id_leaf
        return [*([key] if key else []), *row_leaves(self.tree)]

    @property
    def is_grouped(self) -> bool:
        """Return whether records are made of more than one row."""
        return self.spec.group_by is not None or next(each_nodes(self.tree), None) is not None


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """A mapping without errors of its own.

    Attributes:
        draft: What its file says.
        record_type: What its rows become.
        joined: The columns of second files with their types, by the name that the mapping has for them;
            empty before they are opened.
    """

    draft: MappingDraft
    record_type: RecordType
    joined: Mapping[str, Mapping[str, pl.DataType]] = field(default_factory=dict)

    def with_source(self, options: SourceOptions) -> MappingPlan:
        """Return the plan with other options for reading the source."""
        return self.derived(spec=self.spec.model_copy(update={"source": options}))

    def derived(self, **changes: Any) -> MappingPlan:
        """Return the plan with other values for attributes of its draft."""
        return replace(self, draft=replace(self.draft, **changes))

    @property
    def name(self) -> str:
        """Return the file's name, for messages."""
        return self.draft.document.file

    @property
    def text(self) -> str:
        """Return the file's text."""
        return self.draft.document.lines.text

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def document(self) -> Document:
        """Return the file with its places."""
        return self.draft.document

    @property
    def spec(self) -> MappingSpec:
        """Return the keys of the file."""
        return self.draft.spec

    @property
    def source(self) -> SourceOptions:
        """Return how to read the source, as far as the mapping says."""
        return self.draft.source

    @property
    def tree(self) -> ObjectNode:
        """Return the record type's fields as rules."""
        return self.draft.tree

    @property
    def external_id(self) -> Rule | None:
        """Return the rule of a row's identity across loads; None where there is none."""
        return self.draft.external_id

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Return what is not wrong and yet good to know, in the order of the file."""
        return tuple(self.draft.findings.of("warning", "note"))

    @property
    def is_grouped(self) -> bool:
        """Return whether records are made of more than one row."""
        return self.draft.is_grouped

    @property
    def lookups(self) -> dict[str, tuple[str, ...]]:
        """Return the record types that lookups name, each with the columns of its keys."""
        columns: dict[str, dict[str, None]] = {}
        for leaf in all_leaves(self.tree):
            if leaf.rule.lookup is not None:
                columns.setdefault(leaf.rule.lookup, {}).update(dict.fromkeys(columns_of(leaf.rule)))
        return {record_type: tuple(names) for record_type, names in columns.items()}

    @property
    def leaves(self) -> list[Leaf]:
        """Return the leaves that read the record's own row, its external id first, then in payload order."""
        key = self.draft.external_id_leaf
        return [*([key] if key else []), *leaves(self.tree)]

    @property
    def columns(self) -> frozenset[str]:
        """Return every column of the source that the record itself is made of, or `where` reads."""
        names = {name for leaf in self.leaves for name in columns_of(leaf.rule)}
        return frozenset(names.union(sql_columns(self.spec.where) if self.spec.where else ()))

    @property
    def grouping_columns(self) -> frozenset[str]:
        """Return the source's columns that rules or items read, or that decide which rows are one record."""
        names = {name for leaf in row_leaves(self.tree) for name in columns_of(leaf.rule)}
        beside = columns_beside_rules(self.spec, self.tree)
        return frozenset(names.union(reference.name for reference in beside))

    @property
    def field_order(self) -> dict[str, int]:
        """Return the record's own fields, each with its rank in the order of the mapping's file."""
        position = self.document.position
        ordered = sorted(leaves(self.tree), key=lambda leaf: position(leaf.yaml_path))
        return {leaf.path: rank for rank, leaf in enumerate(ordered)}


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """A mapping made ready for a source's columns.

    Attributes:
        mapping: What it was compiled from.
        program: What is computed for every batch.
        where: The computed column that is true for rows to keep; None: all are kept.
        warnings: Those of the mapping, and notes about the source's columns.
        grouping: How records are made of several rows; None where a row is a record.
    """

    mapping: MappingPlan
    program: Program
    where: str | None
    warnings: tuple[Finding, ...]
    grouping: Grouping | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """A list with one item for every row.

    Attributes:
        path: The list's path in the payload.
        column: The column of a record's frame that holds the list's JSON; null where it has no item.
        child: The name of its rows in `Batch.children`.
        file: The second file that the rows are in; None: the source.
        rows: What a row becomes: an object with the item as its member `ITEM`, or `{}`.
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
        group_by: The column that decides which rows are one record; None: every row is one.
        items: The lists with an item for every row.
        shared: The columns that the record itself is made of, each with the path that reads it: they must
            not differ within a group.
        filter: The mapping's `where` alone; None where there is none.
    """

    group_by: str | None
    items: tuple[Items, ...]
    shared: tuple[tuple[str, str], ...]
    filter: CompiledMapping | None
