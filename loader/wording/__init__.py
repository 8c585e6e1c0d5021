"""Sentences about findings: nothing else builds them, and nothing reads them back.

A sentence is for people only: it may change with any version, and codes do not. The tables are in the modules
beside this one, one for each subject; every code of `loader.codes` has an entry in one of them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from loader.findings import Finding, load_findings, load_params
from loader.wording.answers import ANSWERS, READBACKS
from loader.wording.cells import CELLS
from loader.wording.examples import EXAMPLES
from loader.wording.mapping import COLUMNS, DOCUMENT, FIELDS
from loader.wording.misfits import CONSTANTS
from loader.wording.phrases import Wording, names_of, one_line, render
from loader.wording.rows import ROWS
from loader.wording.rules import LISTS, LOOKUPS, RULES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import Location

WORDINGS: Final[Mapping[str, Wording]] = MappingProxyType(
    {
        **CELLS,
        **ROWS,
        **DOCUMENT,
        **FIELDS,
        **COLUMNS,
        **RULES,
        **LOOKUPS,
        **LISTS,
        **CONSTANTS,
        **EXAMPLES,
        **ANSWERS,
        **READBACKS,
    }
)
"""Every wording by its code."""


def message(finding: Finding) -> str:
    """Return what was found, in one line without a full stop.

    It begins with the row where that is not the record's first one, and it ends with the nearest real name
    where there is one. It names the field only where `WORDINGS[code].with_field` is False.
    """
    return one_line(f"{_place(finding)}{_body(finding)}")


def line(finding: Finding) -> str:
    """Return the message with its field in front, for places that do not show the field beside it."""
    prefix = f"{finding.field}: " if finding.field and WORDINGS[finding.code].with_field else ""
    return one_line(f"{_place(finding)}{prefix}{_body(finding)}")


def expected(finding: Finding) -> str | None:
    """Return what was expected, to read on from "expected"; None where the message says it."""
    text = WORDINGS[finding.code].expected
    return (one_line(render(text, finding)) or None) if text else None


def fix(finding: Finding) -> str:
    """Return what to do next, as one sentence; it holds for the whole group of a finding."""
    return one_line(render(WORDINGS[finding.code].fix, finding))


def reason(finding: Finding) -> str:
    """Return the cause in a few words, for the whole group of a finding: nothing that varies between rows."""
    wording = WORDINGS[finding.code]
    return one_line(render(wording.reason or wording.message, finding))


def detail(finding: Finding) -> str:
    """Return more lines for people: a difference line by line, or the findings of an example."""
    if difference := finding.params.get("diff"):
        return str(difference)
    if became := finding.params.get("became"):
        return f"{finding.field} becomes {became}"
    inner = finding.params.get("findings")
    return "\n".join(line(other) for other in load_findings(inner)) if isinstance(inner, str) else ""


def message_and_expected(
    code: str,
    field: str,
    column: str | None,
    value: str | None,
    params: str | None,
    location: Location | None = None,
) -> tuple[str, str | None]:
    """Return both sentences for a line of a frame of findings; its parameters are JSON.

    Raises:
        ValueError: The code is unknown, or the parameters are not a JSON object.
    """
    finding = Finding(code, field, column, value, load_params(params), location)
    return message(finding), expected(finding)


def _place(finding: Finding) -> str:
    """The row that a record of several rows is wrong in, or the sources that a mapping does not fit."""
    if sources := names_of(finding, "sources"):
        return f"{', '.join(sources)}: "
    place = finding.location
    if place is None or place.record_no is None:
        return ""
    file = f"{place.file}, " if place.file else ""
    at_line = f", line {place.line}" if place.line is not None else ""
    return f"{file}record {place.record_no}{at_line}: "


def _body(finding: Finding) -> str:
    body = render(WORDINGS[finding.code].message, finding)
    suggestion = finding.params.get("suggestion")
    return f"{body}; did you mean '{suggestion}'?" if suggestion else body


__all__ = [
    "WORDINGS",
    "Wording",
    "detail",
    "expected",
    "fix",
    "line",
    "message",
    "message_and_expected",
    "reason",
]
