"""The sample data are what their generator makes, and what their mappings and lists say they are."""

from __future__ import annotations

import csv
import importlib.util
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import yaml
from polars.testing import assert_frame_equal

from loader.resources import BUILT_IN
from tests.support.interpreter import Waiting, interpret
from tests.support.model_fields import MODELS

if TYPE_CHECKING:
    from loader.sandbox import RunningSandbox
    from tests.support.shell import Shell

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_data"


def _generator() -> Any:
    spec = importlib.util.spec_from_file_location("sample_data_make", SAMPLES / "make.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = _generator()


def _mapping(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "mappings" / f"{name}.yaml").read_text("utf-8"))
    return read


def _records() -> list[list[str]]:
    """The CSV's records with its header first, as Python's own reader has them."""
    text = (SAMPLES / "billing-runs.csv").read_bytes().decode("cp1252")
    lines = text.split("\r\n", 2)[2].removesuffix("\r\n")
    body = lines.rpartition("\r\n")[0] + "\r\n"
    return list(csv.reader(io.StringIO(body, newline=""), delimiter=";"))


def _results(mapping: dict[str, Any], rows: list[dict[str, Any]]) -> list[Any]:
    """What becomes of rows, where every template that is right has been loaded."""
    keys = [f"{number:05}" for number in range(1, make.TEMPLATES + 1) if number not in make.WRONG_TEMPLATES]
    ids = {"billing-template": dict.fromkeys(keys, "id")}
    return [interpret(mapping, MODELS[mapping["resource"]], row, ids) for row in rows]


def test_runs_are_reproduced_byte_for_byte() -> None:
    """The committed CSV is what the generator writes."""
    assert (SAMPLES / "billing-runs.csv").read_bytes() == make.runs_csv()


def test_templates_are_reproduced() -> None:
    """The committed Parquet file holds what the generator makes, types included."""
    assert_frame_equal(pl.read_parquet(SAMPLES / "billing-templates.parquet"), make.templates_frame())


def test_runs_file_has_what_legacy_exports_have() -> None:
    """Size, line ends, encoding, quoted line breaks and doubled quotes are as promised."""
    content = (SAMPLES / "billing-runs.csv").read_bytes()
    assert len(content) < 1_000_000
    assert content.count("€".encode("cp1252")) > 10
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")
    header, *records = _records()
    assert tuple(header) == make.COLUMNS
    assert len(records) == make.RUNS
    cells = [cell for record in records for cell in record]
    assert {"\r\n" in cell for cell in cells} == {True, False}
    assert any('"' in cell for cell in cells)
    assert any(cell != cell.strip() for cell in cells)


def test_runs_are_wrong_where_the_list_says_and_nowhere_else() -> None:
    """By the interpreter, by keys and by the number of cells, exactly the listed ones wait or are wrong."""
    header, *records = _records()
    mapping = _mapping("billing-run")
    ragged = {number for number, record in enumerate(records, 1) if len(record) != len(header)}
    rows = [dict(zip(header, record, strict=False)) for record in records]
    keys: dict[str, int] = {}
    repeated = {
        number
        for number, row in enumerate(rows, 1)
        if row["RunId"].strip() and keys.setdefault(row["RunId"], number) != number
    }
    results = list(enumerate(_results(mapping, rows), 1))
    waiting = {number for number, result in results if isinstance(result, Waiting)}
    invalid = {number for number, result in results if isinstance(result, frozenset)} - waiting
    tests = {number for number, row in enumerate(rows, 1) if row["State"] == "TEST"}
    assert {number: rows[number - 1]["TemplateKey"] for number in waiting} == make.WAITING_RUNS
    assert {int(key) for key in make.WAITING_RUNS.values()} == set(make.WRONG_TEMPLATES)
    assert any("template_id" not in result for _, result in results if isinstance(result, dict))
    assert ragged == {715, 716}
    assert repeated == {640}
    assert (invalid - tests) | ragged | repeated == set(make.WRONG_RUNS)
    assert len(tests) == 20
    assert not tests & set(make.WRONG_RUNS)


def test_templates_are_wrong_where_the_list_says_and_nowhere_else() -> None:
    """By the interpreter, exactly the two listed rows are wrong."""
    rows = pl.read_parquet(SAMPLES / "billing-templates.parquet").to_dicts()
    results = enumerate(_results(_mapping("billing-template"), rows), 1)
    wrong = {number: result for number, result in results if isinstance(result, frozenset)}
    assert set(wrong) == set(make.WRONG_TEMPLATES)
    assert wrong[23] == {"team_notice_options.visit_start_date_range_start"}


@pytest.mark.parametrize("name", ["billing-run", "billing-template"])
def test_shipped_examples_hold(name: str) -> None:
    """Each example of a shipped mapping gives what it says, by the interpreter."""
    mapping = _mapping(name)
    assert len(mapping["examples"]) >= 2
    for example in mapping["examples"]:
        keys = [item for item in example["row"].values() if isinstance(item, str)]
        ids = {item: {key: f"<{item} {key}>" for key in keys} for item in BUILT_IN}
        result = interpret(mapping, MODELS[name], example["row"], ids)
        if "errors" in example:
            assert result == frozenset(example["errors"])
        else:
            assert isinstance(result, dict)
            assert {key: float_free(result[key]) for key in example["payload"]} == example["payload"]


def float_free(value: Any) -> Any:
    """The value with its decimals as floats, as YAML has them."""
    if isinstance(value, dict):
        return {name: float_free(item) for name, item in value.items()}
    return float(value) if type(value).__name__ == "Decimal" else value


def test_waiting_runs_come_in_when_their_templates_are_mended(shell: Shell, sandbox: RunningSandbox) -> None:
    """The story of the demo, and its end: rejected templates, runs that wait; mended, loaded, resumed."""
    mappings = {name: ROOT / "mappings" / f"{name}.yaml" for name in ("billing-template", "billing-run")}
    where = ("--tenant", "acme", "--base-url", sandbox.url, "--json")
    templates = shell.run("load", mappings["billing-template"], SAMPLES / "billing-templates.parquet", *where)
    assert templates.rows == {"read": 60, "created": 58, "invalid": 2}, templates.err
    runs = shell.run("load", mappings["billing-run"], SAMPLES / "billing-runs.csv", *where)
    waiting, wrong = len(make.WAITING_RUNS), len(make.WRONG_RUNS)
    left = 2000 - 20 - waiting - wrong
    expected = {"read": 2000, "created": left, "filtered": 20, "invalid": wrong, "blocked": waiting}
    assert (runs.code, runs.rows) == (3, expected), runs.err

    rejects = pl.read_parquet(shell.folder / templates.summary["files"]["rejects"])
    right = make.templates_frame().row(0, named=True)
    mended = [
        pl.lit(right[name], dtype=rejects.schema[name]).alias(name)
        for name in ("title", "visit_from", "notice_to")
    ]
    rejects.with_columns(mended).write_parquet(shell.folder / "mended.parquet")
    assert shell.run("load", mappings["billing-template"], "mended.parquet", *where).code == 0
    resumed = shell.run("resume", runs.summary["load_id"], "--json")
    assert resumed.code == 3
    assert resumed.rows == {"read": 2000, "created": left + waiting, "filtered": 20, "invalid": wrong}
