"""The catalogue of findings: every code, what it is about, how bad it is, and which parameters it has.

Codes are public and stable: none is renamed, and none is used again for something else. A new one is an entry
here and one in a table of `loader.wording`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Severity = Literal["error", "warning", "note"]
"""An `error` keeps a row from being sent, or a mapping from being used; the others do not."""

Subject = Literal["cell", "row", "record", "mapping", "answer"]
"""What a finding is about: `record` is one that is made of several rows, `answer` what a service replied."""


@dataclass(frozen=True, slots=True)
class Code:
    """An entry of the catalogue.

    Attributes:
        name: Dotted, lower case, such as `date.format`.
        subject: What its findings are about.
        severity: How bad they are.
        params: The names that `Finding.params` may have; some are optional.
        varying: Those of them that differ from row to row, and so are not part of a group's key.
    """

    name: str
    subject: Subject
    severity: Severity
    params: tuple[str, ...]
    varying: frozenset[str]


def _codes(subject: Subject, severity: Severity, table: Mapping[str, str]) -> Iterator[Code]:
    """Read a table of name -> parameters; a star marks a parameter that varies from row to row."""
    for name, listed in table.items():
        params = listed.split()
        varying = frozenset(param[:-1] for param in params if param.endswith("*"))
        yield Code(name, subject, severity, tuple(param.rstrip("*") for param in params), varying)


_CELLS: Final = {
    "boolean.default_word": "",
    "boolean.word": "allowed",
    "date.format": "formats",
    "date.iso_format": "",
    "date.out_of_range": "",
    "datetime.format": "formats timezone",
    "datetime.not_once": "timezone",
    "enum.value": "allowed suggestion*",
    "excel.error_value": "cell* error",
    "excel.formula_without_value": "cell*",
    "external_id.empty": "",
    "group.cells_differ": "first*",
    "json.date_out_of_range": "",
    "json.duplicate_key": "key",
    "json.invalid": "place* member words part*",
    "json.minimum": "place* member minimum part*",
    "json.missing_field": "place* member",
    "json.not_a_number": "number*",
    "json.surrogate": "",
    "json.syntax": "words position*",
    "json.too_deep": "",
    "json.unknown_field": "place* member suggestion",
    "json.wrong_type": "place* member takes part*",
    "json.wrong_value": "place* member allowed part* suggestion*",
    "lookup.in_doubt": "record_type load_id",
    "lookup.no_id": "record_type load_id",
    "lookup.not_found": "record_type tenant",
    "map.no_entry": "allowed suggestion*",
    "number.format": "decimal thousands",
    "number.minimum": "minimum",
    "number.not_finite": "",
    "number.plain_format": "",
    "relative_date.phrase": "",
    "required.empty": "",
    "sql.failed": "",
}

_ROWS: Final = {
    "external_id.duplicate": "record_no* file*",
    "external_id.in_doubt_elsewhere": "load_id record_no*",
    "rejects.not_fixed": "causes marker",
    "rejects.raw_not_fixed": "marker",
    "row.bad_bytes": "encoding bytes* position*",
    "row.cell_too_long": "cell* length* limit",
    "row.duplicate_key": "key*",
    "row.not_a_number": "number*",
    "row.not_json": "words position*",
    "row.not_object": "got*",
    "row.nul_byte": "cell* position*",
    "row.surrogate": "",
    "row.text_after_quote": "cell*",
    "row.too_deep": "",
    "row.too_few_cells": "cells* columns basis",
    "row.too_long": "length* limit max_cells kept",
    "row.too_many_cells": "cells* columns basis",
    "row.unclosed_quote": "line* evidence* limit",
}

_RECORDS: Final = {
    "group.in_two_files": "file* record_no*",
    "group.key_empty": "",
    "group.neighbour_unreadable": "record_no* side*",
    "group.neighbour_without_key": "record_no* side*",
}

_MAPPING: Final = {
    "column.lookup_key_type": "type sources",
    "column.nested_type": "type origin sources",
    "column.not_a_list": "type sources",
    "column.not_comparable": "type sources",
    "column.not_objects": "type relative_date sources",
    "column.takes_one": "type takes sources",
    "column.unusable_type": "type sources",
    "constant.enum": "role key got place part allowed suggestion",
    "constant.invalid": "role key got place words part",
    "constant.minimum": "role key got place part minimum",
    "constant.missing_field": "role key got place",
    "constant.unknown_field": "role key got place suggestion",
    "constant.wrong_type": "role key got place part takes",
    "each.lone_key": "keys",
    "each.nested": "",
    "each.no_column": "",
    "each.no_group": "",
    "each.no_key": "",
    "each.not_a_list": "takes",
    "each.several_rules": "",
    "each.two_sources": "second_file",
    "example.cell_type": "example type",
    "example.differs": "example suggestion diff",
    "example.filtered": "example",
    "example.no_error": "example suggestion became",
    "example.no_payload": "example state findings",
    "example.payload_or_errors": "example has",
    "example.row_or_rows": "",
    "example.rows_without_group": "",
    "example.unexpected_error": "example findings",
    "example.unknown_second_file": "second_file suggestion",
    "external_id.not_from_row": "",
    "external_id.not_text": "",
    "lookup.conversion": "key",
    "lookup.enum_field": "allowed",
    "lookup.field_type": "takes",
    "lookup.key_type": "key got",
    "lookup.no_column": "",
    "mapping.duplicate_rule": "",
    "mapping.external_id_field": "",
    "mapping.invalid_value": "key takes got words suggestion",
    "mapping.loader_field": "",
    "mapping.missing_key": "key",
    "mapping.no_members": "takes",
    "mapping.not_a_list": "takes",
    "mapping.not_a_rule": "empty",
    "mapping.not_object": "",
    "mapping.required_null": "",
    "mapping.required_unmapped": "",
    "mapping.second_file": "words next_step",
    "mapping.server_field": "",
    "mapping.unknown_column": "second_file allowed suggestion sources",
    "mapping.unknown_field": "name parent allowed record_type suggestion",
    "mapping.unknown_key": "key allowed suggestion",
    "mapping.unknown_record_type": "record_type allowed suggestion",
    "rule.ambiguous_word": "word",
    "rule.bad_format": "format kind",
    "rule.conversion_misfit": "key takes",
    "rule.conversions_conflict": "keys",
    "rule.empty_key": "key",
    "rule.idle_conversion": "key origin",
    "rule.incomplete_format": "format kind",
    "rule.list_expected": "",
    "rule.needs_key": "key needs",
    "rule.no_origin": "allowed",
    "rule.objects_expected": "relative_date",
    "rule.same_signs": "sign key",
    "rule.several_origins": "keys allowed",
    "rule.split_misfit": "",
    "rule.unknown_timezone": "timezone",
    "source.unreadable": "words next_step",
    "sql.columns": "words sources",
    "sql.list": "type sources",
    "sql.many_rows": "",
    "sql.not_boolean": "type sources",
    "sql.syntax": "words",
    "sql.unusable_type": "type sources",
    "template.brace": "brace",
    "yaml.bad_character": "character",
    "yaml.duplicate_key": "key line",
    "yaml.surrogate": "",
    "yaml.syntax": "words",
    "yaml.too_large": "",
}

_MAPPING_WARNINGS: Final = {
    "example.filled_field": "",
    "example.more_errors": "example findings",
    "example.unread_column": "suggestion",
    "group.unused": "",
    "lookup.nothing_created": "record_type tenant names",
    "lookup.wrong_reference": "record_type expected_type",
    "mapping.idle_pattern": "pattern",
    "mapping.no_external_id": "",
    "mapping.server_state": "",
}

_MAPPING_NOTES: Final = {
    "lookup.not_tried": "record_type names",
    "lookup.own_type": "record_type names",
    "mapping.unused_columns": "names second_file sources",
}

_ANSWERS: Final = {
    "answer.bad_id": "status got*",
    "answer.connection_lost": "words",
    "answer.forbidden": "status words",
    "answer.missing_reference": "status words",
    "answer.no_id": "status",
    "answer.not_found": "status words",
    "answer.not_http": "words",
    "answer.not_json": "status words*",
    "answer.redirected": "status target words",
    "answer.refused": "status words",
    "answer.request_lost": "status words",
    "answer.server_error": "status words",
    "answer.throttled": "status words",
    "answer.timeout": "words",
    "answer.token_refused": "status words",
    "answer.unexpected_status": "status words",
    "connection.bad_url": "words",
    "connection.failed": "words",
    "connection.none_free": "words",
    "connection.proxy_failed": "words",
    "connection.timeout": "words",
    "readback.failed": "url words",
    "readback.loop": "url",
    "readback.no_id": "url",
    "readback.no_load_id": "url",
    "readback.no_record_no": "url",
    "readback.no_value": "",
    "readback.not_json": "url",
    "readback.not_list": "url",
    "readback.refused": "url status words",
    "sending.cut_off": "",
    "sending.process_ended": "",
}

_ANSWER_NOTES: Final = {
    "reconcile.not_stored": "",
    "reconcile.reported_created": "by at*",
    "reconcile.reported_unsent": "by at*",
    "sending.interrupted": "",
    "sending.not_started": "",
    "sending.stopped": "words",
    "sending.waiting": "",
}

_TABLES: Final[tuple[tuple[Subject, Severity, Mapping[str, str]], ...]] = (
    ("cell", "error", _CELLS),
    ("row", "error", _ROWS),
    ("row", "warning", {"changed.payload": "load_id*"}),
    ("row", "note", {"external_id.already_loaded": "load_id*", "row.repeated_header": ""}),
    ("record", "error", _RECORDS),
    ("record", "note", {"group.record_rejected": "record_no* state"}),
    ("mapping", "error", _MAPPING),
    ("mapping", "warning", _MAPPING_WARNINGS),
    ("mapping", "note", _MAPPING_NOTES),
    ("answer", "error", _ANSWERS),
    ("answer", "note", _ANSWER_NOTES),
)

CODES: Final[Mapping[str, Code]] = MappingProxyType(
    {code.name: code for subject, severity, table in _TABLES for code in _codes(subject, severity, table)}
)
"""Every code by its name."""
