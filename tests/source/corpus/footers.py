"""Footers: which lines at the end are no records, and how many of them are looked for."""

from __future__ import annotations

from typing import Final

from tests.source.corpus.case import Case, case, lines

ROWS: Final = "id;name;text\n1;Ann;x\n2;Bob;y\n"
TEN: Final = "Total: 2\nSum: 2\nCount: 2\nRows: 2\nRecords: 2\nLines: 2\n2 rows\n2 records\n2 lines\n# end\n"

CASES: Final[dict[str, Case]] = {
    # --- what is common ----------------------------------------------------------------------------------
    "no footer": case(ROWS, columns="id|name|text", records=2),
    "a count": case(ROWS + "Total: 2\n", columns="id|name|text", records=2, footer=1),
    "rows affected": case(ROWS + "(2 rows affected)", columns="id|name|text", records=2, footer=1),
    "a ruler and a sum": case(ROWS + "---\nSumme: 2\n", columns="id|name|text", records=2, footer=2),
    "a ruler of two signs is none": case(
        ROWS + "--\nSumme: 2\n", columns="id|name|text", records=4, rejected=2
    ),
    "a record that was cut off": case(ROWS + "3;Tot", columns="id|name|text", records=3, rejected=1),
    "a remark": case(ROWS + "checked by hand\n", columns="id|name|text", records=3, rejected=1),
    # --- totals in the columns ---------------------------------------------------------------------------
    "a total that leaves half of the cells empty": case(
        "id;name;city;sum\n1;Ann;Bonn;5\n2;Bob;Ulm;6\nTotal;;;11\n",
        columns="id|name|city|sum",
        records=2,
        footer=1,
    ),
    "a total that leaves a third of the cells empty may be a record": case(
        "id;name;sum\n1;Ann;5\n2;Bob;6\nTotal;;11\n", columns="id|name|sum", records=3
    ),
    # --- how far is looked -------------------------------------------------------------------------------
    "10 lines": case(ROWS + TEN, columns="id|name|text", records=2, footer=10),
    "11 lines are too many": case(
        ROWS + "Grand total: 2\n" + TEN, columns="id|name|text", records=13, rejected=11
    ),
    "a count below a record of 30 lines": case(
        ROWS + '3;Eva;"' + lines(30, "line {}") + 'end"\nTotal: 3\n',
        columns="id|name|text",
        records=3,
        footer=1,
    ),
    "a count below a record of 50 lines is not found": case(
        ROWS + '3;Eva;"' + lines(50, "line {}") + 'end"\nTotal: 3\n',
        columns="id|name|text",
        records=4,
        rejected=1,
    ),
    "a count below a record of 40 KB": case(
        ROWS + "3;Eva;" + "t" * 40_000 + "\nTotal: 3\n", columns="id|name|text", records=3, footer=1
    ),
    "a count below a record of 100 KB is not found": case(
        ROWS + "3;Eva;" + "t" * 100_000 + "\nTotal: 3\n", columns="id|name|text", records=4, rejected=1
    ),
    "a count below a record of 24 KB in UTF-16": case(
        "\ufeff" + ROWS + "3;Eva;" + "t" * 12_000 + "\nTotal: 3\n",
        columns="id|name|text",
        records=3,
        footer=1,
        encoding="utf-16-le",
    ),
    "a count below a record of 48 KB in UTF-16 is not found": case(
        "\ufeff" + ROWS + "3;Eva;" + "t" * 24_000 + "\nTotal: 3\n",
        columns="id|name|text",
        records=4,
        rejected=1,
        encoding="utf-16-le",
    ),
}
