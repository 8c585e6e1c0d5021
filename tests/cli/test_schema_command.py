"""`loader schema`: record types, fields and codes, for people and as JSON."""

from __future__ import annotations

import json

import pytest

from loader.cli import run
from loader.findings import CODES
from loader.resources import BUILT_IN


def test_codes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each code has a line with what it is about, its severity and its meaning."""
    assert run(["schema", "--codes"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["code", "about", "severity", "meaning"]
    for line, code in zip(lines, CODES.values(), strict=True):
        assert line.split(maxsplit=3)[:3] == [code.name, code.subject, code.severity]
        assert len(line.split(maxsplit=3)) == 4, code.name


def test_codes_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Each code has its sentences, its parameters, and what to do next."""
    assert run(["schema", "--codes", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["code"] for entry in entries] == list(CODES)
    for entry in entries:
        assert set(entry) == {"code", "subject", "severity", "meaning", "expected", "fix", "params"}
        assert entry["meaning"]
        assert entry["fix"].endswith(".")
    by_code = {entry["code"]: entry for entry in entries}
    assert by_code["date.format"]["params"] == ["formats"]
    assert "date format" in by_code["date.format"]["meaning"]


@pytest.mark.parametrize("words", [["billing-run"], ["--mapping"]])
def test_codes_go_with_no_record_type(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The list of codes has no form for a record type or a mapping."""
    assert run(["schema", "--codes", *words]) == 2
    assert "--codes takes no record type" in capsys.readouterr().err


def test_requests_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON Schemas are those of what may be sent, of one type or of all."""
    assert run(["schema", "--json"]) == 0
    schemas = {name: record_type.request_schema for name, record_type in BUILT_IN.items()}
    assert json.loads(capsys.readouterr().out) == schemas
    assert run(["schema", "billing-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == schemas["billing-run"]


def test_an_unknown_record_type_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """The next command lists those that there are."""
    assert run(["schema", "billing-runs"]) == 2
    captured = capsys.readouterr().err
    assert "did you mean 'billing-run'?" in captured
    assert captured.splitlines()[-1] == "next: loader schema"
