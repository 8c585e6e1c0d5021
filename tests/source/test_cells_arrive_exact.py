"""Cells arrive byte for byte: from the file through the mapping into the payload, by both parsers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from loader.pipeline.authoring import preview_payloads
from loader.pipeline.events import SilentObserver
from loader.pipeline.rows import open_inputs, read_mapping
from loader.records import CORE, PROBLEM
from loader.resources import BUILT_IN
from tests.source.source_cases import ragged, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

CELLS: Final = (
    "007",
    "0",
    "-0",
    "1e5",
    "1E400",
    "123456789012345678901234567890",
    "0.1000000000000000055511151231257827",
    "1,000.50",
    "0x1F",
    "NaN",
    "inf",
    "NULL",
    "null",
    "None",
    "true",
    "TRUE",
    "2019-03-31",
    "31/03/2019",
    "1_000",
    "+49 30 1234",
    "=1+1",
    "'x",
    "é",
    "e\u0301",
    "\u00a0x\u00a0",
    "\ufeffx",
    "a\u2028b",
    "\U0001f600",
    "tab\there",
    "back\\slash",
    "#comment",
)
BLANK: Final = ("  x  ", " x", "x\t", "\u3000x")
LINES: Final = ("a\nb", "a\r\nb", 'say "hi"', "a,b", '""', ",", "\n")
MAPPING: Final = """\
resource: billing-run
external_id: Key
fields:
  name: {column: Text, trim: false}
  status: {value: draft}
  drop_options.drop_notice_id: {column: Second, trim: false}
  application_expiration_options.expiration_date_range_start: {value: "2019-01-01"}
  application_expiration_options.expiration_date_range_end: {value: "2019-12-31"}
  training_provider_billing_options.invoice_template_id: {value: INV-STD}
  training_provider_billing_options.payment_terms_id: {value: NET30}
"""


def quoted(text: str) -> str:
    """Return a cell between quotes."""
    return '"' + text.replace('"', '""') + '"'


def payloads(folder: Path, content: str) -> list[dict[str, str]]:
    """Return the bodies that the rows of a CSV become."""
    (folder / "runs.yaml").write_text(MAPPING, encoding="utf-8")
    path = folder / "runs.csv"
    path.write_bytes(content.encode())
    inputs = open_inputs(*read_mapping(folder / "runs.yaml"), [str(path)], {"delimiter": ","}, types=BUILT_IN)
    bodies = []
    for _, batch in preview_payloads(inputs, None, SilentObserver()):
        assert batch.findings.height == 0
        bodies += [json.loads(body) for body in batch.rows[CORE]]
    return bodies


@pytest.mark.parametrize("tail", ["", 'bad,"x" y,z\n'], ids=["fast", "strict"])
def test_texts_reach_the_payload_as_they_are(tmp_path: Path, tail: str) -> None:
    """No number, date or word is taken for anything but its text, bare or quoted; blanks stay."""
    texts = [*CELLS, *BLANK, *LINES]
    rows = [
        f"K{number},{quoted(text)},{text if text in CELLS and ',' not in text else quoted(text)}\n"
        for number, text in enumerate(texts)
    ]
    if tail:  # a record that only the strict parser can read, next to each of the others
        got = read_bytes(tmp_path, ("Key,Text,Second\n" + tail.join(rows) + tail).encode(), delimiter=",")
        sound = [cells for cells, problem in zip(got.cells, got.problems, strict=True) if problem is None]
        assert sound == [(f"K{number}", text, text) for number, text in enumerate(texts)]
        return
    found = payloads(tmp_path, "Key,Text,Second\n" + "".join(rows))
    assert [item["name"] for item in found] == texts
    assert [item["drop_options"]["drop_notice_id"] for item in found] == texts  # type: ignore[index] # a nested object


@pytest.mark.parametrize("more", [b"", b'bad,"x" y\n'], ids=["fast", "strict"])
def test_empty_cells(tmp_path: Path, more: bytes) -> None:
    """An empty cell is an empty text, quoted or not; only a cell that is not there is null."""
    got = read_bytes(tmp_path, b'a,b\n"",\n,""\n,\n"",""\n" ", \n""\n' + more, delimiter=",")
    assert got.cells[:6] == [("", "")] * 4 + [(" ", " "), ("", None)]
    assert got.problems[:6] == [None] * 5 + [ragged(1, 2)]
    assert PROBLEM in got.batches[0].rows.columns
