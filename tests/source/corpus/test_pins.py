"""The corpus pins the tuned constants of the detection: a noticeably different value fails a case of it.

A constant that is pinned here may still be changed. Then a file of the corpus is read in another way, and
its label says which: look whether that is better, and move the case or the constant. A constant that
moves to another module, or is renamed, is changed in `MODULES` or `PINS`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

import pytest

from loader.errors import LoaderError
from tests.source.corpus.case import detect
from tests.source.corpus.cases import CASES

if TYPE_CHECKING:
    from pathlib import Path

KB: Final = 1024

MODULES: Final = {
    "sniff": "loader.source.csv.sniff",
    "trial split": "loader.source.csv.trial_splitter",
    "header": "loader.source.csv.header",
    "footer": "loader.source.csv.footer",
    "footer window": "loader.source.csv.footer",
    "dialect": "loader.source.csv.dialect",
    "open": "loader.source.csv.open",
    "encoding": "loader.source.encoding",
    "code pages": "loader.source.code_pages",
}

PINS: Final[list[tuple[str, str, float, str]]] = [
    # --- module, constant, another value, the case that fails with it ------------------------------------
    ("sniff", "_HALF", 0.3, "delimiters: colons fit all lines, semicolons of the text fit 47 %"),
    ("sniff", "_HALF", 0.7, "delimiters: semicolons fit 60 % of the lines, colons of times fit all"),
    ("sniff", "_NEARLY_ALL", 0.6, "delimiters: with CR as line end 80 % of the lines fit, with LF all"),
    ("sniff", "_NEARLY_ALL", 0.99, "delimiters: with CR as line end 80 % of the lines fit, with LF 97 %"),
    ("sniff", "_NEARLY_ALL", 0.99, "delimiters: two pipes fit 97 % of the lines"),
    ("sniff", "_LONGEST", 4, "delimiters: five characters"),
    ("sniff", "_LONGEST", 6, "delimiters: six characters are more than a delimiter has"),
    ("sniff", "_FEW_NAMES", 1, "delimiters: a title of two names with a comma"),
    ("sniff", "_FEW_NAMES", 3, "delimiters: three names with commas, above damaged records"),
    ("sniff", "_BROKEN", 3, "quotes: 9 broken quotes are faults of their records"),
    ("sniff", "_BROKEN", 20, "quotes: 10 broken quotes are text"),
    ("sniff", "_ROWS", 30, "quotes: apostrophes in record 60"),
    ("sniff", "_ROWS", 480, "quotes: apostrophes in record 150 come too late"),
    ("trial split", "_MOST_BAD", 12, "quotes: a sound quote behind 15 broken ones"),
    ("trial split", "_MOST_BAD", 50, "quotes: a sound quote behind 30 broken ones comes too late"),
    ("dialect", "_WINDOW", 32 * KB, "quotes: apostrophes after 60 KB"),
    ("dialect", "_WINDOW", 512 * KB, "quotes: apostrophes after 300 KB come too late"),
    ("dialect", "_FEW", 3, "quotes: apostrophes after 360 KB, with 3 records in the first 128 KB"),
    (
        "dialect",
        "_FEW",
        8,
        "quotes: apostrophes after 216 KB come too late, with 5 records in the first 128 KB",
    ),
    ("header", "HEAD_ROWS", 20, "headers: 39 remarks above the header"),
    ("header", "HEAD_ROWS", 80, "headers: 41 remarks above the header are too many"),
    ("header", "_SOUND", 0.5, "headers: 67 % of the remarks have a semicolon"),
    ("header", "_SOUND", 0.9, "headers: 80 % of the lines below fit the header"),
    ("header", "_COMPARED", 20, "headers: 50 of the first 60 records fit, and 10 of the first 20"),
    ("header", "_COMPARED", 240, "headers: 59 of the first 60 records fit, and half of all"),
    ("header", "_FOOTER", 2, "headers: 4 lines of text below 4 records"),
    ("header", "_FOOTER", 10, "headers: 7 remarks without a semicolon below 2 with one"),
    ("header", "_DISTINCT", 4, "headers: a new number outweighs 4 texts above numbers"),
    ("header", "_DISTINCT", 6, "headers: 5 names above numbers outweigh a new number"),
    ("header", "_SAME_SHAPE", 2, "headers: a number of the same length outweighs 2 texts above numbers"),
    ("header", "_SAME_SHAPE", 4, "headers: 3 names above numbers outweigh a number of the same length"),
    ("footer", "_MOST", 5, "footers: 10 lines"),
    ("footer", "_MOST", 20, "footers: 11 lines are too many"),
    ("footer", "_ABOVE", 20, "footers: a count below a record of 30 lines"),
    ("footer", "_ABOVE", 80, "footers: a count below a record of 50 lines is not found"),
    ("footer window", "TAIL", 16 * KB, "footers: a count below a record of 40 KB"),
    ("footer window", "TAIL", 256 * KB, "footers: a count below a record of 100 KB is not found"),
    ("open", "_SAMPLE", 256 * KB, "charsets: a letter after 900 KB"),
    (
        "open",
        "_SAMPLE",
        4096 * KB,
        "charsets: a letter after 1.4 MB, between the places that are looked at",
    ),
    ("open", "_BLOCKS", 4, "charsets: a letter 32 KB behind a sixteenth of the file"),
    ("open", "_BLOCKS", 64, "charsets: a letter after 1.4 MB, between the places that are looked at"),
    ("open", "_BLOCK", 16 * KB, "charsets: a letter 32 KB behind a sixteenth of the file"),
    (
        "open",
        "_BLOCK",
        256 * KB,
        "charsets: a letter after 1.4 MB, between the places that are looked at",
    ),
    ("encoding", "_WIDE_SAMPLE", 64, "charsets: UTF-16 that begins with Greek"),
    (
        "encoding",
        "_WIDE_SAMPLE",
        4 * KB,
        "charsets: UTF-16 that begins with ASCII and goes on in Greek",
    ),
    ("code pages", "_UNLIKELY", 0.2, "charsets: one Russian word"),
    ("code pages", "_UNLIKELY", 0.6, "charsets: two Polish words, one of them in capitals and accents"),
    ("code pages", "_ODD", 0.35, "charsets: three Hungarian words"),
    ("code pages", "_ODD", 0.7, "charsets: Croatian beside Romanian"),
    ("code pages", "_WRONG", 0.8, "charsets: Portuguese beside Estonian in cp850"),
    ("code pages", "_WRONG", 1.6, "charsets: one Russian word"),
    ("code pages", "_CONTROL", 1.0, "charsets: Danish beside French in Mac Roman"),
    ("code pages", "_CONTROL", 10.0, "charsets: German in cp1252 with one damaged byte"),
    ("code pages", "_MARGIN", 0.03, "charsets: footnotes speak against cp1252, names do not"),
    ("code pages", "_MARGIN", 0.2, "charsets: four Czech words"),
    ("code pages", "_PLACES", 5_000, "charsets: Polish behind 12,000 letters that cp1252 has"),
    (
        "code pages",
        "_PLACES",
        80_000,
        "charsets: Polish behind 25,000 letters that cp1252 has comes too late",
    ),
]


@pytest.mark.parametrize(("module", "constant", "value", "name"), PINS)
def test_another_value_fails_its_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, constant: str, value: float, name: str
) -> None:
    """With another value of a tuned constant, its file is detected otherwise than its label says."""
    case = CASES[name]
    monkeypatch.setattr(importlib.import_module(MODULES[module]), constant, value)
    try:
        found = detect(tmp_path, case.content)
    except LoaderError:
        return
    assert found != case.label
