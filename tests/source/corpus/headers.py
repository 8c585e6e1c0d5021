"""Headers: which line names the columns, whether any does, and what is above it."""

from __future__ import annotations

from typing import Final

from tests.source.corpus.case import Case, case, lines

CASES: Final[dict[str, Case]] = {
    # --- what is common ----------------------------------------------------------------------------------
    "header": case("id;name\n1;Ann\n2;Bob\n", columns="id|name", records=2),
    "no header": case("1;Ann\n2;Bob\n3;Eva\n", columns=2, records=3),
    "nothing but words": case("first;last\nAnn;Lee\nBob;May\n", columns="first|last", records=2),
    "years as names": case("Name;2023;2024\nAnn;1;2\nBob;3;4\n", columns="Name|2023|2024", records=2),
    "a title and a blank line": case(
        "All members\n\nid;name;sum\n1;Ann;5\n2;Bob;6\n", columns="id|name|sum", records=2, preamble=2
    ),
    "sep=": case("sep=;\nid;name\n1;Ann\n", columns="id|name", records=1, preamble=1),
    # --- how far down ------------------------------------------------------------------------------------
    "39 remarks above the header": case(
        lines(39, "# remark {}") + "id;name;sum\n" + lines(9, "{};Ann;5"),
        columns="id|name|sum",
        records=9,
        preamble=39,
    ),
    "41 remarks above the header are too many": case(
        lines(41, "# remark {}") + "id;name;sum\n" + lines(9, "{};Ann;5"),
        columns="# remark 1",
        records=50,
        delimiter=",",
    ),
    # --- how many lines below must fit -------------------------------------------------------------------
    "80 % of the lines below fit the header": case(
        "All members\nid;name;sum\n" + lines(7, "{};Ann;5") + lines(2, "{};Ann", first=8) + "10;Ann;5\n",
        columns="id|name|sum",
        records=10,
        rejected=2,
        preamble=1,
    ),
    "67 % of the remarks have a semicolon": case(
        "remark\nfine; paid\n" + "fine; late\nold\nfine; later\n" * 7,
        columns="remark",
        records=22,
        delimiter=",",
    ),
    "50 of the first 60 records fit, and 10 of the first 20": case(
        "All members\nid;name;city;sum\n" + lines(10, "{};Ann;Bonn") + lines(60, "{};Ann;Bonn;5", first=11),
        columns="id|name|city|sum",
        records=70,
        rejected=10,
        preamble=1,
    ),
    "59 of the first 60 records fit, and half of all": case(
        "All members\nid;name;city;sum\n"
        + lines(59, "{};Ann;Bonn;5")
        + lines(50, "{};Ann;Bonn", first=60)
        + lines(5, "{};Ann;Bonn;5", first=110),
        columns="id|name|city|sum",
        records=114,
        rejected=50,
        preamble=1,
    ),
    "4 lines of text below 4 records": case(
        "All members\nid;name;sum\n" + lines(4, "{};Ann;5") + "one\ntwo\nthree\nfour\n",
        columns="id|name|sum",
        records=8,
        rejected=4,
        preamble=1,
    ),
    "7 remarks without a semicolon below 2 with one": case(
        "remark\npaid; thanks\nopen; call first\nlost\nmoved\ndone\nlate\nsent\nsigned\nclosed\n",
        columns="remark",
        records=9,
        delimiter=",",
    ),
    "one record below the header, and a title": case(
        "Members\nfirst;last;city\nAnn;Lee;Bonn\n", columns="Members", records=2, delimiter=","
    ),
    "two records below the header, and a title": case(
        "Members\nfirst;last;city\nAnn;Lee;Bonn\nBob;May;Ulm\n",
        columns="first|last|city",
        records=2,
        preamble=1,
    ),
    # --- what is above -----------------------------------------------------------------------------------
    "a fact of two cells above a header of four": case(
        "Report;Members\nfirst;last;street;city\nAnn;Lee;Weg;Bonn\nBob;May;Ring;Ulm\n",
        columns="first|last|street|city",
        records=2,
        preamble=1,
    ),
    "two names above records of three words": case(
        "first;last\nAnn;Lee;Bonn\nBob;May;Ulm\nEva;Fox;Kiel\n", columns="first|last", records=3, rejected=3
    ),
    "two titles above three records without a header": case(
        "Export of members\nAll of them\n1;Ann;5\n2;Bob;6\n3;Eva;7\n", columns=3, records=3, preamble=2
    ),
    "three titles above two records without a header are too many": case(
        "Export of members\nAll of them\nMade by hand\n1;Ann;5\n2;Bob;6\n",
        columns="Export of members",
        records=4,
        delimiter=",",
    ),
    "three titles with empty cells above two records are too many": case(
        "Export of members;;\nAll of them;;\nMade by hand;;\n1;Ann;5\n2;Bob;6\n", columns=3, records=5
    ),
    # --- names or a record -------------------------------------------------------------------------------
    "a new number outweighs 4 texts above numbers": case(
        "1001;open;none;soon;new\n" + lines(8, "100{};5;6;7;8", first=2), columns=5, records=9
    ),
    "5 names above numbers outweigh a new number": case(
        "2024;Jan;Feb;Mar;Apr;May\n" + lines(8, "100{};5;6;7;8;9", first=2),
        columns="2024|Jan|Feb|Mar|Apr|May",
        records=8,
    ),
    "a number of the same length outweighs 2 texts above numbers": case(
        "10;open;none\n" + lines(8, "20;5;{}", first=2), columns=3, records=9
    ),
    "3 names above numbers outweigh a number of the same length": case(
        "24;Jan;Feb;Mar\n" + lines(8, "20;5;6;{}", first=2), columns="24|Jan|Feb|Mar", records=8
    ),
    "a number above a column with 90 % numbers": case(
        "5;Ann\n6;Bob\n7;Eva\n8;Tom\n9;Max\n10;Lea\n11;Ida\nnone;Jim\n12;Kay\n13;Lou\n14;Mia\n",
        columns=2,
        records=11,
    ),
    "a number above a column with 80 % numbers": case(
        "5;Ann\n6;Bob\n7;Eva\nopen;Tom\n9;Max\n10;Lea\n11;Ida\nnone;Jim\n12;Kay\n13;Lou\n14;Mia\n",
        columns="5|Ann",
        records=10,
    ),
    "codes with two digits are data": case("A12;x\nB13;y\nC14;z\n", columns=2, records=3),
    "words with one digit may be names": case("A1;x\nB2;y\nC3;z\n", columns="A1|x", records=2),
    "a new number outweighs 2 texts above two records": case(
        "1001;open;none\n1002;5;6\n1003;5;6\n", columns=3, records=3
    ),
    "2 names outweigh a new number above one record": case(
        "1001;open;none\n1002;5;6\n", columns="1001|open|none", records=1
    ),
    "a single year is no name": case("Name;2024\nAnn;1\nBob;2\n", columns=2, records=3),
    "a text again in one of two records": case("Ann;x\nAnn;y\nBob;z\n", columns=2, records=3),
    "a text again in the only record": case("Ann;x\nAnn;y\n", columns="Ann|x", records=1),
}
