"""Random tables in random dialects, opened without options: cells identical.

Left out, because nothing in such a file could decide (each is read harmlessly otherwise, or rejected):

- Tables of one column, or of fewer than three records.
- First columns that are not numbered: a header differs from records by what is below it, so the first cell of
  each record is a whole number, and no name starts with a digit.
- Apostrophes as quotes, and backslashes as escapes, that the file makes no use of: every text is quoted
  there, and one has the quote in it.
- Signs of the delimiter, bare in the cells of a delimiter of several characters or of one that occurs in
  ordinary text (`:`, `~`, `^`, blank): these are quoted, and cells have no other such sign bare; so are empty
  cells between blanks. The same where no header shows which sign is the delimiter.
- Latin encodings without enough letters to decide: only letters that cp1252 has, in words.
- Headerless tables of two columns with a delimiter of one doubled sign, and those with an empty cell in the
  same places of all records: `1||x` may be two cells, or three.
- Lines above a table with a delimiter that occurs in ordinary text, or above one without a header, other than
  titles of several words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.source.source_cases import opened, read

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Written:
    """How the test's own writer writes a table."""

    delimiter: str
    quote: str
    escape: str | None
    newline: str
    encoding: str
    all_quoted: bool
    preamble: tuple[str, ...]
    has_header: bool
    ends_in_newline: bool


TITLES = ("Export vom 3. März 2024", "", "# made by hand", "Report of all members")
NAMES = ("Id", "Name", "Straße", "Run Date", "E-Mail", "Kürzel", "Betrag", "Notes (old)", "x_y", "Größe")
WORDS = (
    "Müller",
    "007",
    "1e5",
    "",
    " padded ",
    "12",
    "-3,5",
    "1.50",
    "Weg 1",
    "größer",
    "a;b",
    "c,d",
    "e|f",
    "x\ty",
)
MARKED = ('say "hi"', "it's", '"', "two\nlines", "cr\r\nlf", 'half"', "q'", "\\", "C:\\dir\\", ";;", ",,")
WEAK = {":", "~", "^", " "}

dialects = st.builds(
    Written,
    delimiter=st.sampled_from([",", ";", "\t", "|", ":", "~", "^", "\x1f", "||", "::", "~|~", "|;|", " "]),
    quote=st.sampled_from(['"', "'"]),
    escape=st.sampled_from([None, "\\"]),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(
        ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp1252", "cp850"]
    ),
    all_quoted=st.booleans(),
    preamble=st.lists(st.sampled_from(TITLES), max_size=3).map(tuple),
    has_header=st.booleans(),
    ends_in_newline=st.booleans(),
)


def cell(text: str, form: Written) -> str:
    """A cell as it is written."""
    signs = {*"\r\n", form.quote, *form.delimiter}
    bare = bool(text) or form.delimiter != " "
    if form.escape:
        signs.add(form.escape)
    if form.delimiter in WEAK or len(form.delimiter) > 1 or not form.has_header:
        signs |= {*";,\t|:~^ ", *form.delimiter}
    begins = text[:1] in {"'", '"'}
    if bare and not (form.all_quoted or form.escape or form.quote == "'" or begins or signs & {*text}):
        return text
    if form.escape:
        text = text.replace(form.escape, form.escape * 2).replace(form.quote, form.escape + form.quote)
    else:
        text = text.replace(form.quote, form.quote * 2)
    return f"{form.quote}{text}{form.quote}"


def written(names: list[str], table: list[list[str]], form: Written) -> bytes:
    """The file."""
    rows = [names, *table] if form.has_header else table
    lines = [*form.preamble, *(form.delimiter.join(cell(item, form) for item in row) for row in rows)]
    text = form.newline.join(lines) + (form.newline if form.ends_in_newline else "")
    return text.encode(form.encoding)


texts = st.sampled_from(WORDS + MARKED)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(texts, min_size=width, max_size=width), min_size=3, max_size=12)
)


@given(table=tables, names=st.permutations(NAMES), form=dialects)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_detected_tables_read_back(
    tmp_path: Path, table: list[list[str]], names: list[str], form: Written
) -> None:
    """What a table's cells were is what is read, in whatever way it was written."""
    doubled = len(form.delimiter) == 2
    assume(form.has_header or not doubled or len(table[0]) > 1)
    assume(not form.preamble or (form.delimiter not in WEAK and (form.has_header or all(form.preamble))))
    rows = [[str(1000 + number), *cells] for number, cells in enumerate(table)]
    if form.quote == "'" or form.escape:
        rows[0][-1] = f"a{form.quote}b"
    if form.encoding in ("cp1252", "cp850"):
        rows[1][-1] = "Müller Größe"
    if not form.has_header:
        rows[2][1] = "Müller"
    width = len(rows[0])
    source = opened(tmp_path, written(names[:width], rows, form))
    file = source.files[0]
    got = read(source)
    assert got.cells == [tuple(row) for row in rows], file.notes
    assert got.problems == [None] * len(rows)
    expected = names[:width] if form.has_header else [f"column_{place}" for place in range(1, width + 1)]
    assert list(file.schema) == expected
    assert file.dialect is not None
    assert (file.dialect.delimiter, file.dialect.header) == (form.delimiter, form.has_header)
    assert file.dialect.newline == form.newline
    assert file.dialect.footer == ""
