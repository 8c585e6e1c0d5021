"""The table of formats: every format is registered once, under the name that options and files have."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from loader.errors import SourceError
from loader.settings import FORMAT_TRAITS, Format, SourceOptions
from loader.source.formats import FORMATS, format_of

if TYPE_CHECKING:
    from pathlib import Path

    from loader.source.formats import SourceFormat


def test_every_name_is_registered_once() -> None:
    """The names of the table are those that a file may have, and that an option may name."""
    names = [known.name for known in FORMATS]
    assert sorted(names) == sorted(get_args(Format))
    assert {*FORMAT_TRAITS} == {*names, None}
    assert [SourceOptions(format=name).format for name in names] == names


def test_endings_mean_one_format() -> None:
    """No ending means two formats."""
    endings = [ending for known in FORMATS for ending in known.endings]
    assert len(endings) == len(set(endings))


def test_any_text_may_be_the_last_one() -> None:
    """Only the last format takes what no other one matches."""
    assert [known.matches is None for known in FORMATS] == [False] * (len(FORMATS) - 1) + [True]


@pytest.mark.parametrize(
    ("ending", "known"), [(ending, known) for known in FORMATS for ending in known.endings]
)
def test_endings_decide(tmp_path: Path, ending: str, known: SourceFormat) -> None:
    """A file has the format of its ending, in any case and behind other endings."""
    path = tmp_path / f"rows.old{ending.upper()}"
    path.write_bytes(b"text")
    assert format_of(str(path), None) is known


def test_options_decide_before_names(tmp_path: Path) -> None:
    """An option wins over the name, and the name over the content."""
    path = tmp_path / "rows.csv"
    path.write_bytes(b'{"a": 1}\n')
    assert format_of(str(path), None).name == "csv"
    assert format_of(str(path), "ndjson").name == "ndjson"
    assert format_of(str(path.rename(tmp_path / "rows")), None).name == "ndjson"


def test_a_proven_format_is_not_overruled(tmp_path: Path) -> None:
    """A zip archive is never text, whatever an option or a name says."""
    path = tmp_path / "rows.csv"
    path.write_bytes(b"PK\x03\x04rest")
    with pytest.raises(SourceError, match="a zip archive or an Excel workbook that is damaged"):
        format_of(str(path), "csv")
