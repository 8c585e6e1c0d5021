"""Rejects of files with a detected dialect: read back with the same mapping, which does not name it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loader.findings import Finding
from loader.records import LINE, PROBLEM, RECORD_NO, Status
from loader.report import Rejected, RejectsWriter
from loader.settings import SourceOptions
from loader.source import open_source

if TYPE_CHECKING:
    from pathlib import Path

WRONG = Rejected(Status.INVALID, (Finding("enum.value", "f", "c", "x", {"allowed": ["y"]}),))


def written_and_read(folder: Path, content: bytes, number: int, **options: Any) -> tuple[Any, Any, Any, Any]:
    """A record as it was read and as it is read from the rejects, and both dialects."""
    path = folder / "in.csv"
    path.write_bytes(content)
    source = open_source([str(path)], SourceOptions(**options))
    (batch,) = source.batches(100)
    with RejectsWriter(folder / "out", source.files) as writer:
        writer.add(batch, {number: WRONG})
        rejects = writer.close()
    again = open_source([str(rejects)], SourceOptions(**options))
    (back,) = again.batches(100)
    own = (RECORD_NO, LINE, PROBLEM)
    assert back.rows[PROBLEM].to_list() == [None]
    return batch.rows.drop(own).row(number - 1), back.rows.drop(own), source.files[0], again.files[0]


CASES = {
    "a long delimiter": b"id||name||x\n1||Ann||5\n2||||6\n3||Bob||7\n",
    "another": b"id~|~name~|~x\n1~|~Ann~|~5\n2~|~~|~6\n",
    "a unit separator": b"id\x1fname\n1\x1fAnn\n2\x1fBob\n",
    "apostrophes": b"id;name\n'1';'a;b'\n'2';'it''s'\n'3';'plain'\n",
    "escapes": b'id;name\n1;"say \\"hi\\""\n2;"c:\\\\x;y"\n3;"z"\n',
    "no quotes": b'id;name\n1;"x\n2;"y\n3;"z\n4;"a\n',
    "lines above and below": "Läufe vom 3. März;;\r\n\r\nId;Näme;n\r\n1;Öl;5\r\n2;x;6\r\nSumme: 2\r\n".encode(
        "cp1252"
    ),
    "a separator line": b"sep=;\r\nid;name\r\n1;a,b\r\n2;c,d\r\n",
    "CR": b"id;name\r1;Ann\r2;Bob\r3;Eva\r",
    "no header": b"1;Ann;2020-01-01\n2;Bob;2020-01-02\n3;Eva;2020-01-03\n",
    "names twice, without, at the end": b"id;name;name;;x;;\n1;a;b;c;d;;\n2;a;b;c;d\n",
    "names with line breaks": b'id;"Run\nName"\n1;a\n2;b\n',
    "utf-16": "id;näme\n1;ä\n2;ö\n".encode("utf-16"),
    "utf-16 without a mark": "id;name\n1;a\n2;b\n".encode("utf-16-le"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("number", [1, 2])
def test_rejects_read_back(tmp_path: Path, case: str, number: int) -> None:
    """The record comes back as it was, under the same columns, and the dialect is detected again."""
    was, back, source, rejects = written_and_read(tmp_path, CASES[case], number)
    assert back.rows()[0][: len(was)] == was
    assert list(rejects.schema)[: len(was)] == list(source.schema)
    assert rejects.dialect == source.dialect
    if source.dialect.header:
        assert list(rejects.schema) == list(source.schema)


def test_two_header_lines(tmp_path: Path) -> None:
    """Where the mapping says two header lines, the rejects have two."""
    content = b";Address;\nid;street;city\n1;x;y\n2;z;w\n"
    was, back, source, rejects = written_and_read(tmp_path, content, 2, header=2)
    assert back.rows() == [was]
    assert list(rejects.schema) == list(source.schema) == ["id", "Address street", "city"]


def test_encoding_that_few_rows_do_not_tell(tmp_path: Path) -> None:
    """Rejects in an encoding that only the whole file shows name the option to load them with."""
    path = tmp_path / "in.csv"
    path.write_bytes("id;name\n1;Łódź\n2;Gdańsk\n3;Świętokrzyska\n4;x\n".encode("cp1250"))
    source = open_source([str(path)], SourceOptions())
    (batch,) = source.batches(10)
    with RejectsWriter(tmp_path / "out", source.files) as writer:
        writer.add(batch, {2: WRONG})
        rejects = writer.close()
        assert any("-s encoding=cp1250" in note for note in writer.notes)
    (back,) = open_source([str(rejects)], SourceOptions(encoding="cp1250")).batches(10)
    assert back.rows["name"].to_list() == ["Gdańsk"]
