"""The wording of findings about rows: records that cannot be read, groups of rows, external ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.findings import Finding
from loader.wording.cells import CELLS
from loader.wording.phrases import Wording, choose, counted, names_of, render, select

if TYPE_CHECKING:
    from collections.abc import Mapping

_HAVE: Final = {"first_record": "the first record has", "most_records": "most records have"}
_EVIDENCE: Final = {
    "too_far": "is not closed within {limit}",
    "text_follows": "is not closed before other text follows",
    "next_quote": "is not closed before the next quoted line, which is a complete record",
    "records_follow": "is not closed before lines that are complete records",
}
_READ_JSON: Final = "Correct these lines: each must be one JSON object."


def _ragged(finding: Finding) -> str:
    columns = finding.params.get("columns", "…")
    have = _HAVE.get(str(finding.params.get("basis")), "the header has")
    return f"has {counted(finding.params.get('cells'), 'cell')}, but {have} {columns}"


def _as_many_cells(finding: Finding) -> str:
    return counted(finding.params.get("columns"), "cell")


_LONG: Final = choose("length", "has {length}; ", "is too long; ")
_MOST: Final = choose("max_cells", "at most {limit} and {max_cells} cells", "at most {limit}")
_KEPT: Final = choose("kept", ", and only the first {kept} are kept", "")


def _too_long(finding: Finding) -> str:
    return f"{render(_LONG, finding)}a record has {render(_MOST, finding)}{render(_KEPT, finding)}"


def _bad_bytes(finding: Finding) -> str:
    params = finding.params
    position = params.get("position")
    where = f" at position {position}" if position else ""
    column = f" in column '{finding.column}'" if finding.column else ""
    return f"the bytes {params.get('bytes', '…')}{where}{column} are not valid {params.get('encoding', '…')}"


def _not_fixed_reason(finding: Finding) -> str:
    """What the record was rejected for; codes that a person has written into the file are left out."""
    known = {**ROWS, **CELLS}
    causes = [name for name in names_of(finding, "causes") if name in known]
    reasons = [render(known[name].reason or known[name].message, Finding(name)) for name in causes]
    return f"not fixed since it was rejected: {'; '.join(reasons)}" if reasons else "not fixed yet"


def _not_fixed(finding: Finding) -> str:
    # The rejects file has no more than this sentence, and nothing in the record shows how to let it pass.
    way_out = render("if it is right as it is, empty its {marker} cell", finding)
    return f"{_not_fixed_reason(finding)} ({way_out})"


ROWS: Final[Mapping[str, Wording]] = {
    "row.too_few_cells": Wording(
        message=_ragged,
        expected=_as_many_cells,
        fix="Add the missing cells in the file, or correct `source.delimiter` and `source.quote`.",
        reason="fewer cells than columns",
    ),
    "row.too_many_cells": Wording(
        message=_ragged,
        expected=_as_many_cells,
        fix="Quote the cells that contain the delimiter, or remove the extra cells.",
        reason="more cells than columns",
    ),
    "row.unclosed_quote": Wording(
        message=select(
            "evidence",
            {name: f"a quote opened in line {{line}} {text}" for name, text in _EVIDENCE.items()},
            "a quote opened in line {line} is never closed",
        ),
        expected="a closing quote",
        fix="Close or double the quote, or set `source.quote` to null if quotes are plain text.",
        reason="a quote that is never closed",
    ),
    "row.text_after_quote": Wording(
        message="text follows the closing quote of cell {cell}: {found}",
        expected="a delimiter or a line end after the closing quote",
        fix="Double the quotes inside of these cells, or set `source.quote` to null.",
        reason="text after a closing quote",
    ),
    "row.bad_bytes": Wording(
        message=_bad_bytes,
        expected="bytes that are valid {encoding}",
        fix="Set `source.encoding` to the encoding of the file, such as cp1252, or correct these bytes.",
        reason="bytes that do not match the file's encoding",
    ),
    "row.nul_byte": Wording(
        message=choose("cell", "cell {cell} holds a NUL byte", "character {position} is a NUL byte"),
        expected="text without NUL bytes",
        fix="Remove the NUL bytes from the file, or correct `source.encoding`.",
        reason="a NUL byte",
    ),
    "row.cell_too_long": Wording(
        message="cell {cell} has {length}; a cell has at most {limit}",
        expected="at most {limit} in a cell",
        fix="Check the quotes around this cell, or shorten it.",
        reason="a cell that is too long",
    ),
    "row.too_long": Wording(
        message=_too_long,
        expected="at most {limit} in a record",
        fix="Check the quotes and line ends around this record.",
        reason="a record that is too long",
    ),
    "row.repeated_header": Wording(
        message="repeats the header; it is left out",
        fix="No action is needed: this line is the header of another export.",
        reason="repeats the header",
    ),
    "row.not_json": Wording(
        message="not valid JSON: {words} (character {position})",
        expected="a JSON object",
        fix=_READ_JSON,
        reason="not valid JSON: {words}",
    ),
    "row.not_object": Wording(
        message="the line is {got}, not a JSON object",
        expected="a JSON object",
        fix=_READ_JSON,
        reason="not a JSON object",
    ),
    "row.duplicate_key": Wording(
        message="has the key '{key}' twice",
        expected="each key once",
        fix="Correct these lines: keep one of the two keys.",
        reason="a key that is used twice",
    ),
    "row.not_a_number": Wording(
        message="holds {number}, a number that JSON cannot hold",
        expected="finite numbers",
        fix="Correct these lines, or write null for such numbers.",
        reason="a number that JSON cannot hold",
    ),
    "row.too_deep": Wording(
        message="the JSON is nested too deeply",
        expected="fewer levels",
        fix="Correct these lines: use fewer levels of lists and objects.",
    ),
    "row.surrogate": Wording(
        message="has half of a surrogate pair, which is not a character",
        expected="text of whole characters",
        fix="Correct these lines: remove the half, or complete the pair.",
        reason="half of a surrogate pair",
    ),
    "rejects.not_fixed": Wording(
        message=_not_fixed,
        expected="a fixed record",
        fix="Fix these records, or empty their {marker} cell if they are right as they are.",
        reason=_not_fixed_reason,
    ),
    "rejects.raw_not_fixed": Wording(
        message="the text in {marker} is not fixed yet",
        expected="a JSON object as text",
        fix="Correct the text in {marker}: it must be one JSON object.",
        reason="rejected lines that are not fixed yet",
    ),
    "external_id.duplicate": Wording(
        message=choose(
            "file",
            "external id {found} is already used in {file}, record {record_no}",
            "external id {found} is already used in record {record_no}",
        ),
        expected="an external id that no other row has",
        fix="Keep one of these rows, or give the others their own id; the first row counts.",
        reason="an external id that several rows have",
        with_field=False,
    ),
    "external_id.in_doubt_elsewhere": Wording(
        message="load {load_id} sent this external id (record {record_no}), but it is unknown whether it "
        "was stored",
        expected="an external id with a known outcome",
        fix="Run `loader reconcile {load_id}`, then load these rows again.",
        reason="sent by load {load_id}, and in doubt there",
        with_field=False,
    ),
    "external_id.already_loaded": Wording(
        message="created by load {load_id}",
        fix="No action is needed: the record exists.",
        reason="created by an earlier load",
        with_field=False,
    ),
    "changed.payload": Wording(
        message="load {load_id} created it from another payload; it is not sent again",
        expected="the payload that was sent",
        fix="Compare these records with the service, and update them there if the change matters.",
        reason="changed since an earlier load created it",
        with_field=False,
    ),
    "group.key_empty": Wording(
        message="{source_column} is empty, so it is unknown which record the row belongs to",
        expected="a value in each row",
        fix="Fill in {source_column}, or leave such rows out with `where`.",
        reason="it is unknown which record the row belongs to",
    ),
    "group.neighbour_unreadable": Wording(
        message="the row {side} it (record {record_no}) cannot be read, and may belong to this record",
        expected="all rows of the record",
        fix="Fix the rows beside these that cannot be read.",
        reason="a row beside it cannot be read, and may belong to it",
    ),
    "group.neighbour_without_key": Wording(
        message="the row {side} it (record {record_no}) has an empty {source_column}, and may belong to this "
        "record",
        expected="all rows of the record",
        fix="Fill in {source_column} of the rows beside these.",
        reason="a row beside it has no key, and may belong to it",
    ),
    "group.in_two_files": Wording(
        message="{found} is also used in {file}, record {record_no}",
        expected="all rows of a record in one file",
        fix="Put all rows of a record into one file.",
        reason="the rows of its record are in several files",
    ),
    "group.record_rejected": Wording(
        message="its record, which begins with record {record_no}, is {state}",
        fix="Fix the other rows of this record; nothing is wrong with this one.",
        reason="its record is {state}",
    ),
}
