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
from loader.mapping.check import check_columns, check_rule_alone, check_tree, check_where
from loader.mapping.columns import sql_expression
from loader.mapping.compile import Compiler
from loader.mapping.document import Document, read_document
from loader.mapping.each import (
    Grouping,
    check_joined_columns,
    check_several,
    columns_beside_rules,
    compile_grouping,
    list_values,
    own_lists,
)
from loader.mapping.findings import Findings, validation_findings
from loader.mapping.program import Program
from loader.mapping.spec import MappingFile, Rule
from loader.mapping.tree import Leaf, ObjectNode, build_tree, leaves, unlisted
from loader.resources import Record, record_type
from loader.resources.fields import Kind, field_tree

if TYPE_CHECKING:
    from collections.abc import Mapping as Map

    import polars as pl

    from loader.records import MappingFinding
    from loader.settings import SourceOptions

EXTERNAL_ID_PATH: Final = "sys_external_id"
_NULL_VALUES: Final = ("",)


@dataclass(frozen=True, slots=True)
class Mapping:
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
    file: MappingFile
    record: type[Record]
    tree: ObjectNode
    external_id: Rule | None
    warnings: tuple[MappingFinding, ...]
    document: Document
    joined: Map[str, Map[str, pl.DataType]] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def source(self) -> SourceOptions:
        """How to read, as far as the mapping says."""
        return self.file.source


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

    mapping: Mapping
    program: Program
    where: str | None
    warnings: tuple[MappingFinding, ...]
    grouping: Grouping | None = None


def parse_mapping(text: str, name: str = "mapping") -> Mapping:
    """Reads a mapping and checks all that can be known without a source.

    Args:
        text: The YAML.
        name: The file's name, for messages.

    Raises:
        MappingError: With every error found.
    """
    document = read_document(text, name)
    findings = Findings(document)
    for path, (line, _) in document.repeated:
        label = ".".join(str(part) for part in path)
        findings.error(path, label, f"the key {path[-1]!r} stands twice; the second is in line {line}")
    file = _parse_file(document, findings)
    try:
        record = record_type(file.resource)
    except ConfigurationError as error:
        findings.error(("resource",), "resource", error.message)
        raise MappingError(findings.of("error")) from None
    tree = build_tree(file.fields, field_tree(record), findings)
    external_id = _external_id(file.external_id, findings)
    check_where(file.where, findings)
    check_tree(tree, findings)
    if not findings.of("error"):
        check_several(file, tree, findings)
    if errors := findings.of("error"):
        raise MappingError(errors)
    if external_id is None:
        findings.add(
            "warning",
            (),
            "external_id",
            "there is none: rows are known by file and record number only, so a later load cannot tell "
            "which rows it has sent before",
        )
    warnings = tuple(findings.of("warning", "note"))
    return Mapping(text, name, file, record, tree, external_id, warnings, document)


def _parse_file(document: Document, findings: Findings) -> MappingFile:
    data = document.data
    if not isinstance(data, dict):
        findings.error((), "", "a mapping is a YAML object with the keys resource and fields")
        raise MappingError(findings.of("error"))
    try:
        return MappingFile.model_validate(data)
    except ValidationError as error:
        findings.extend(validation_findings(error, (), "", MappingFile))
        raise MappingError(findings.of("error")) from None


def _external_id(value: Any, findings: Findings) -> Rule | None:
    if value is None:
        return None
    if isinstance(value, str):
        return Rule(column=value)
    try:
        rule = Rule.model_validate(value)
    except ValidationError as error:
        findings.extend(validation_findings(error, ("external_id",), "external_id", Rule))
        return None
    check_rule_alone(rule, ("external_id",), "external_id", findings)
    return rule


def compile_mapping(mapping: Mapping, schema: Map[str, pl.DataType]) -> CompiledMapping:
    """Holds a mapping against a source's columns and compiles it.

    Args:
        mapping: A sound mapping.
        schema: The source's columns with their types.

    Raises:
        MappingError: It names columns that are not there, or that hold what its fields cannot take.
    """
    findings = Findings(mapping.document)
    key = None if mapping.external_id is None else _external_id_leaf(mapping.external_id)
    rules = [*([key] if key else []), *leaves(mapping.tree)]
    rules += [leaf for node in own_lists(mapping) for leaf in leaves(node.item)]
    check_columns(mapping.file, rules, schema, findings, also=tuple(columns_beside_rules(mapping)))
    check_joined_columns(mapping, mapping.joined, findings)
    if errors := findings.of("error"):
        raise MappingError(errors)
    program = Program(values=list_values(mapping))
    nulls = mapping.source.null_values
    compiler = Compiler(schema, _NULL_VALUES if nulls is None else nulls, program, findings)
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


def _external_id_leaf(rule: Rule) -> Leaf:
    """The external id as a field that every row must fill: no text is no id, whatever `null_values` say."""
    rule = rule.model_copy(update={"null_if": (*rule.null_if, "")})
    return Leaf(
        EXTERNAL_ID_PATH,
        replace(unlisted(EXTERNAL_ID_PATH), kind=Kind.TEXT, required=True),
        rule,
        ("external_id",),
    )


__all__ = [
    "EXTERNAL_ID_PATH",
    "CompiledMapping",
    "Mapping",
    "compile_mapping",
    "leaves",
    "parse_mapping",
    "sql_expression",
]
