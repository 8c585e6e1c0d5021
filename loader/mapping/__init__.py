"""The mapping language: a YAML file says how rows of a source become records of a record type.

`parse_mapping` reads a file's text and finds what is wrong in it by itself; `compile_mapping` holds it
against a source's columns and gives what the payload room runs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from loader.errors import ConfigurationError, MappingError
from loader.mapping.check import (
    check_columns,
    check_required,
    check_rule_alone,
    check_tree,
    check_where,
)
from loader.mapping.check_lookup import check_references
from loader.mapping.compiler import Compiler
from loader.mapping.document import Document, read_document
from loader.mapping.expressions import columns_of, sql_columns, sql_expression
from loader.mapping.findings import Findings, validation_findings
from loader.mapping.grammar import MappingSpec, Rule
from loader.mapping.groups import (
    Grouping,
    check_joined_columns,
    check_key_types,
    check_several,
    columns_beside_rules,
    compile_grouping,
    list_values,
    row_leaves,
)
from loader.mapping.program import Program
from loader.mapping.prune import without_wrong
from loader.mapping.tree import Leaf, ObjectNode, all_leaves, build_tree, leaves, read_rule, unlisted
from loader.resources import TYPES, Record, record_type
from loader.resources.fields import FieldKind, field_tree
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from loader.records import MappingFinding
    from loader.settings import SourceOptions

EXTERNAL_ID_PATH: Final = "sys_external_id"
_NULL_VALUES: Final = ("",)


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """A mapping that is sound by itself.

    Attributes:
        text: The file's text.
        name: The file's name, for messages.
        file: What the file says.
        record: The record type's model.
        tree: Its fields as rules.
        external_id: The rule of a row's identity across loads; None where there is none.
        warnings: What is not wrong and yet worth saying.
        document: The file with its places, for further messages.
        joined: The columns of second files with their types, by the name that the mapping has for them;
            empty before they are opened.
    """

    text: str
    name: str
    file: MappingSpec
    record: type[Record]
    tree: ObjectNode
    external_id: Rule | None
    warnings: tuple[MappingFinding, ...]
    document: Document
    joined: Mapping[str, Mapping[str, pl.DataType]] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def source(self) -> SourceOptions:
        """How to read, as far as the mapping says."""
        return self.file.source

    @property
    def lookups(self) -> dict[str, tuple[str, ...]]:
        """The record types whose ids are looked up, each with the columns of its keys."""
        found: dict[str, dict[str, None]] = {}
        for leaf in all_leaves(self.tree):
            if leaf.rule.lookup is not None:
                found.setdefault(leaf.rule.lookup, {}).update(dict.fromkeys(columns_of(leaf.rule)))
        return {record_type: tuple(columns) for record_type, columns in found.items()}

    @property
    def leaves(self) -> list[Leaf]:
        """The leaves that read the record's own row, its external id first, then in payload order."""
        return [*([_external_id_leaf(self.external_id)] if self.external_id else []), *leaves(self.tree)]

    @property
    def columns(self) -> frozenset[str]:
        """Every column that the mapping reads, for whatever purpose."""
        rules = [leaf.rule for leaf in leaves(self.tree)]
        rules += [self.external_id] if self.external_id else []
        read = {name for rule in rules for name in columns_of(rule)}
        return frozenset(read.union(sql_columns(self.file.where) if self.file.where else ()))


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """A mapping made ready for a source's columns.

    Attributes:
        mapping: Where it comes from.
        program: What is computed for every batch.
        where: The computed column that is true for rows to keep; None: all are kept.
        warnings: Those of the mapping, and notes about the source's columns.
        grouping: How records are made of several rows; None where a row is a record.
    """

    mapping: MappingPlan
    program: Program
    where: str | None
    warnings: tuple[MappingFinding, ...]
    grouping: Grouping | None = None


@dataclass(frozen=True, slots=True)
class MappingDraft:
    """A mapping as far as it can be understood, and all that is wrong with it by itself.

    Attributes:
        text: The file's text.
        name: The file's name, for messages.
        file: What the file says; keys that are wrong are left out.
        record: The record type's model; None where it names none.
        tree: The fields whose rules can be understood.
        external_id: The rule of a row's identity across loads; None where there is none, or it is wrong.
        document: The file with its places.
        findings: What was found.
    """

    text: str
    name: str
    file: MappingSpec
    record: type[Record] | None
    tree: ObjectNode
    external_id: Rule | None
    document: Document
    findings: Findings

    @property
    def leaves(self) -> list[Leaf]:
        """The rules that read the source's rows: the external id's, if there is one, and the fields'."""
        return [*([_external_id_leaf(self.external_id)] if self.external_id else []), *row_leaves(self.tree)]


def examine(text: str, name: str = "mapping") -> MappingDraft:
    """Reads a mapping and finds all that can be known to be wrong without a source.

    Args:
        text: The YAML.
        name: The file's name, for messages.

    Raises:
        MappingError: It is not YAML, or no object: nothing more can be said of it.
    """
    document = read_document(text, name)
    findings = Findings(document)
    for path, (line, _) in document.repeated:
        label = ".".join(str(part) for part in path)
        findings.error(path, label, f"the key {path[-1]!r} stands twice; the second is in line {line}")
    file, wrong = _parse_file(document, findings)
    record = None if "resource" in wrong else _record(file.resource, findings)
    tree = build_tree(file.fields, field_tree(record) if record else unlisted("", FieldKind.OBJECT), findings)
    external_id = _external_id(file.external_id, findings)
    check_where(file.where, findings)
    check_tree(tree, findings)
    check_several(file, tree, findings)
    if record is not None:
        check_references(tree, record.references, findings)
    if "fields" not in wrong:
        check_required(tree, findings)
    if file.external_id is None:
        findings.add(
            "warning",
            (),
            "external_id",
            "there is none: rows are known by file and record number only, so a later load cannot tell "
            "which rows it has sent before",
        )
    return MappingDraft(text, name, file, record, tree, external_id, document, findings)


def parse_mapping(text: str, name: str = "mapping") -> MappingPlan:
    """Reads a mapping and checks all that can be known without a source.

    Args:
        text: The YAML.
        name: The file's name, for messages.

    Raises:
        MappingError: With every error found.
    """
    found = examine(text, name)
    errors = found.findings.of("error")
    if errors or found.record is None:
        raise MappingError(errors)
    warnings = tuple(found.findings.of("warning", "note"))
    return MappingPlan(
        text, name, found.file, found.record, found.tree, found.external_id, warnings, found.document
    )


def _parse_file(document: Document, findings: Findings) -> tuple[MappingSpec, set[str]]:
    """What the file says, and which of its keys are wrong or missing."""
    data = document.data
    if not isinstance(data, dict):
        findings.error((), "", "a mapping is a YAML object with the keys resource and fields")
        raise MappingError(findings.of("error"))
    try:
        return MappingSpec.model_validate(data), set()
    except ValidationError as error:
        findings.extend(validation_findings(error, (), "", MappingSpec))
        places = [each["loc"] for each in error.errors(include_url=False)]
        return MappingSpec.model_validate(without_wrong(data, places)), {str(loc[0]) for loc in places}


def _record(name: str, findings: Findings) -> type[Record] | None:
    """The record type of that name, or else the one that was meant, for further checks."""
    try:
        return record_type(name)
    except ConfigurationError:
        meant = nearest(name, list(TYPES))
        advice = f"did you mean {meant!r}?" if meant else f"there are {', '.join(TYPES)}"
        message = f"unknown record type {name!r}"
        findings.error(("resource",), "resource", message, suggestion=advice, part="value")
        return TYPES[meant] if meant else None


def _external_id(value: Any, findings: Findings) -> Rule | None:
    if value is None:
        return None
    if isinstance(value, str):
        return Rule(column=value)
    rule = read_rule(value, ("external_id",), "external_id", findings)
    if rule is not None:
        check_rule_alone(rule, ("external_id",), "external_id", findings)
    return rule


def compile_mapping(mapping: MappingPlan, schema: Mapping[str, pl.DataType]) -> CompiledMapping:
    """Holds a mapping against a source's columns and compiles it.

    Args:
        mapping: A sound mapping.
        schema: The source's columns with their types.

    Raises:
        MappingError: It names columns that are not there, or that hold what its fields cannot take.
    """
    findings = Findings(mapping.document)
    key = None if mapping.external_id is None else _external_id_leaf(mapping.external_id)
    rules = [*([key] if key else []), *row_leaves(mapping.tree)]
    beside = columns_beside_rules(mapping.file, mapping.tree)
    check_columns(mapping.file, rules, schema, findings, also=beside)
    check_joined_columns(mapping.file, mapping.tree, mapping.joined, findings)
    if errors := findings.of("error"):
        raise MappingError(errors)
    program = Program(values=list_values(mapping))
    compiler = Compiler(schema, _null_values(mapping.file), program, findings)
    if key:
        compiler.tree(key)
    compiler.tree(mapping.tree)
    where = compiler.filter(mapping.file.where)
    compiled = CompiledMapping(
        mapping=mapping, program=program, where=where, warnings=(*mapping.warnings, *findings.of("note"))
    )
    grouping = compile_grouping(compiled, schema, findings)
    if errors := findings.of("error"):
        raise MappingError(errors)
    return compiled if grouping is None else replace(compiled, grouping=grouping)


def examine_columns(
    found: MappingDraft,
    schema: Mapping[str, pl.DataType],
    joined: Mapping[str, Mapping[str, pl.DataType]] | None = None,
) -> Findings:
    """Finds all that is wrong between a mapping and a source's columns; what is wrong by itself is left out.

    Args:
        found: The mapping.
        schema: The source's columns with their types.
        joined: Those of second files, by the name that the mapping has for them, as far as they are known.
    """
    findings = Findings(found.document, found.findings)
    beside = columns_beside_rules(found.file, found.tree)
    check_columns(found.file, found.leaves, schema, findings, also=beside)
    check_key_types(beside, schema, findings)
    check_joined_columns(found.file, found.tree, joined or {}, findings)
    compiler = Compiler(schema, _null_values(found.file), Program(), findings)
    for leaf in found.leaves:
        if not findings.wrong_at(leaf.place):
            compiler.tree(leaf)
    if not findings.wrong_at(("where",)):
        compiler.filter(found.file.where)
    return findings


def _null_values(file: MappingSpec) -> tuple[str, ...]:
    return _NULL_VALUES if file.source.null_values is None else file.source.null_values


def _external_id_leaf(rule: Rule) -> Leaf:
    """The external id as a field that every row must fill: no text is no id, whatever `null_values` say."""
    rule = rule.model_copy(update={"null_if": (*rule.null_if, "")})
    return Leaf(
        EXTERNAL_ID_PATH,
        replace(unlisted(EXTERNAL_ID_PATH), kind=FieldKind.TEXT, required=True),
        rule,
        ("external_id",),
    )


__all__ = [
    "EXTERNAL_ID_PATH",
    "CompiledMapping",
    "MappingDraft",
    "MappingPlan",
    "compile_mapping",
    "examine",
    "examine_columns",
    "leaves",
    "parse_mapping",
    "sql_expression",
]
