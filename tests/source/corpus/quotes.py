"""Quotes and escapes: what encloses cells, and how much of a file shows it."""

from __future__ import annotations

from typing import Final

from tests.source.corpus.case import Case, case, lines

ROWS: Final = "id;name;text\n1;Ann;x\n2;Bob;y\n"

CASES: Final[dict[str, Case]] = {
    # --- what is common ----------------------------------------------------------------------------------
    "quotation marks": case('id;name\n1;"Ann; Lee"\n2;"say ""hi"""\n', columns="id|name", records=2),
    "apostrophes that cells need": case(
        "id;name\n1;'Ann; Lee'\n2;Bob\n", columns="id|name", records=2, quote="'"
    ),
    "apostrophes around a whole column": case(
        "id;name\n1;'Ann'\n2;'Bob'\n3;'Eva'\n", columns="id|name", records=3, quote="'"
    ),
    "apostrophes around two cells are text": case(
        "id;name\n1;'Ann'\n2;'Bob'\n", columns="id|name", records=2
    ),
    "apostrophes of speech": case("id;name\n1;'tis\n2;it's\n3;'90s'\n", columns="id|name", records=3),
    "backslash as escape": case(
        'id;name\n1;"say \\"hi\\""\n2;"Bob"\n', columns="id|name", records=2, escape="\\"
    ),
    "backslash at the end of a path": case('id;path\n1;"c:\\"\n2;"d:\\"\n', columns="id|path", records=2),
    # --- quotes that make no sense -----------------------------------------------------------------------
    "9 broken quotes are faults of their records": case(
        "a;b\n" + '"x;1\n' * 9, columns="a|b", records=9, rejected=9
    ),
    "10 broken quotes are text": case("a;b\n" + '"x;1\n' * 10, columns="a|b", records=10, quote=None),
    "a sound quote behind 15 broken ones": case(
        "a;b\n" + '"x;1\n' * 15 + '"y z";5\n', columns="a|b", records=16, rejected=15
    ),
    "a sound quote behind 30 broken ones comes too late": case(
        "a;b\n" + '"x;1\n' * 30 + '"y z";5\n', columns="a|b", records=31, quote=None
    ),
    # --- quotes that are never closed --------------------------------------------------------------------
    "2 of the 5 lines behind a quote are records: text of a cell": case(
        ROWS + '3;Eva;"dear all;\n4;Lou;5\n5;Ida;6\nsee below\nyours;Eva";x;y\n6;Tom;z\n',
        columns="id|name|text",
        records=4,
        rejected=1,
    ),
    "3 of the 4 lines behind a quote are records: never closed": case(
        ROWS + '3;Eva;"dear all\n4;Lou;x\n5;Ida;y\ncut off\n6;Max;5" pipe\n7;Tom;z\n',
        columns="id|name|text",
        records=8,
        rejected=2,
    ),
    # --- how far is looked -------------------------------------------------------------------------------
    "apostrophes in record 60": case(
        "id;text;sum\n" + lines(59, "{};plain;7") + "60;'one; two';7\n" + lines(9, "{};plain;7", first=61),
        columns="id|text|sum",
        records=69,
        quote="'",
    ),
    "apostrophes in record 150 come too late": case(
        "id;text;sum\n" + lines(149, "{};plain;7") + "150;'one; two';7\n" + lines(9, "{};plain;7", first=151),
        columns="id|text|sum",
        records=159,
        rejected=1,
    ),
    "apostrophes after 60 KB": case(
        "id;text;notes\n" + lines(20, "{};plain;" + "n" * 3_000) + "21;'one; two';x\n",
        columns="id|text|notes",
        records=21,
        quote="'",
    ),
    "apostrophes after 300 KB come too late": case(
        "id;text;notes\n" + lines(30, "{};plain;" + "n" * 10_000) + "31;'one; two';x\n",
        columns="id|text|notes",
        records=31,
        rejected=1,
    ),
    "apostrophes after 360 KB, with 3 records in the first 128 KB": case(
        "id;text;notes\n" + lines(9, "{};plain;" + "n" * 40_000) + "10;'one; two';x\n",
        columns="id|text|notes",
        records=10,
        quote="'",
    ),
    "apostrophes after 216 KB come too late, with 5 records in the first 128 KB": case(
        "id;text;notes\n" + lines(9, "{};plain;" + "n" * 24_000) + "10;'one; two';x\n",
        columns="id|text|notes",
        records=10,
        rejected=1,
    ),
}
