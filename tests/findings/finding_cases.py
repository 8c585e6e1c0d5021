"""A finding of every code, with a value for every parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.findings import CODES, Finding, dump_findings

if TYPE_CHECKING:
    from loader.findings import Code, JsonValue

PARAMS: Final[dict[str, JsonValue]] = {
    "allowed": ["draft", "completed"],
    "at": "2026-11-22T10:15:00Z",
    "basis": "header",
    "became": '"draft"',
    "brace": "}",
    "by": "ann",
    "bytes": "FC",
    "causes": ["row.too_few_cells"],
    "cell": 3,
    "cells": 4,
    "character": "'\\x00'",
    "columns": 5,
    "decimal": ",",
    "diff": "- a\n+ b",
    "empty": True,
    "encoding": "utf-8",
    "error": "#N/A",
    "evidence": "too_far",
    "example": 2,
    "expected_type": "billing-template",
    "file": "b.csv",
    "findings": dump_findings([Finding("required.empty", "name", "Name")]),
    "first": "old",
    "format": "%d.%m.%Y",
    "formats": ["%d.%m.%Y", "%Y-%m-%d"],
    "got": "5",
    "has": "both",
    "kept": 4096,
    "key": "delimiter",
    "keys": ["date", "number"],
    "kind": "text",
    "length": 70_000_000,
    "limit": 64 * 2**20,
    "line": 7,
    "load_id": "20261122T101500Z-8f3a2c1d",
    "marker": "_code",
    "max_cells": 100_000,
    "member": "[].name",
    "minimum": 0.0,
    "name": "nmae",
    "names": ["Notes", "Old"],
    "needs": "map",
    "next_step": "Check that the export wrote this file.",
    "number": "1e999",
    "origin": "template",
    "parent": "options",
    "part": "6",
    "pattern": "Old_*",
    "place": "[0].name",
    "position": 12,
    "record_no": 41,
    "record_type": "billing-run",
    "relative_date": True,
    "role": "default",
    "second_file": "reminders.csv",
    "side": "below",
    "sign": ",",
    "sources": ["a.csv"],
    "state": "invalid",
    "status": 422,
    "suggestion": "name",
    "takes": "a number",
    "target": "https://other.example",
    "tenant": "acme",
    "thousands": ".",
    "timezone": "Europe/Berlin",
    "type": "a list of text",
    "url": "http://127.0.0.1:8080/x",
    "word": "J",
    "words": "name must not be blank",
}
"""A value of each parameter."""

OTHERS: Final[dict[str, JsonValue]] = {
    "at": "2027-01-01T00:00:00Z",
    "bytes": "E4",
    "cell": 17,
    "cells": 1,
    "evidence": "next_quote",
    "file": "c.csv",
    "first": None,
    "got": "8",
    "key": "Name",
    "length": 99,
    "line": 13,
    "load_id": "20270101T000000Z-aaaaaaaa",
    "number": "NaN",
    "part": "9",
    "place": "[1].name",
    "position": 90,
    "record_no": 77,
    "side": "above",
    "suggestion": "title",
    "words": "<html>",
}
"""Another value of each parameter that may vary."""


def example(code: Code, **changes: JsonValue) -> Finding:
    """Return a finding with every parameter of its code, and some of them as given."""
    own: dict[str, JsonValue] = {}
    if code.name == "mapping.invalid_value":
        own["takes"] = ["a number", "true or false"]
    params = {name: {**PARAMS, **own, **changes}[name] for name in code.params}
    return Finding(code.name, "options.name", "Run Name", "31.13.2019", params)


EXAMPLES: Final = [example(code) for code in CODES.values()]
