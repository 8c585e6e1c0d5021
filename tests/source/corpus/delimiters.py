"""Delimiters: which sign makes a table of the lines, and how many lines must agree."""

from __future__ import annotations

from typing import Final

from tests.source.corpus.case import Case, case, lines

CASES: Final[dict[str, Case]] = {
    # --- what is common ----------------------------------------------------------------------------------
    "comma": case("id,name,sum\n1,Ann,5\n2,Bob,6\n", columns="id|name|sum", records=2, delimiter=","),
    "semicolon": case("id;name;sum\n1;Ann;5\n2;Bob;6\n", columns="id|name|sum", records=2),
    "tab": case("id\tname\tsum\n1\tAnn\t5\n2\tBob\t6\n", columns="id|name|sum", records=2, delimiter="\t"),
    "pipe": case("id|name|sum\n1|Ann|5\n2|Bob|6\n", columns="id|name|sum", records=2, delimiter="|"),
    "colon": case("id:name:sum\n1:Ann:5\n2:Bob:6\n", columns="id|name|sum", records=2, delimiter=":"),
    "unit separator": case(
        "id\x1fname\x1fsum\n1\x1fAnn\x1f5\n", columns="id|name|sum", records=1, delimiter="\x1f"
    ),
    "two pipes": case("id||name||sum\n1||Ann||5\n", columns="id|name|sum", records=1, delimiter="||"),
    "one column": case("name\nAnn\nBob\n", columns="name", records=2, delimiter=","),
    "decimal commas beside semicolons": case(
        "id;net;gross\n1;1,50;1,80\n2;2,50;2,98\n", columns="id|net|gross", records=2
    ),
    "one column of decimal commas": case("amount\n1,50\n2,75\n", columns="amount", records=2),
    "one column of text and decimal commas": case(
        "sum in euro\n1,50\n2,75\n", columns="sum in euro", records=2
    ),
    # --- signs of ordinary text --------------------------------------------------------------------------
    "a colon in two lines": case("id:name\n1:Ann\n", columns="id|name", records=1, delimiter=":"),
    "a colon in the only line": case("Note: paid\n", columns="Note: paid", records=0, delimiter=","),
    "blanks in three lines": case("id name\n1 Ann\n2 Bob\n", columns="id|name", records=2, delimiter=" "),
    "blanks in two lines": case("id name\n1 Ann\n", columns="id name", records=1, delimiter=","),
    "commas in three words below a title": case(
        "Members\nfirst,last,city\nAnn,Lee,Bonn\nBob,May,Ulm\n",
        columns="first|last|city",
        records=2,
        preamble=1,
        delimiter=",",
    ),
    "commas in two words below a word": case(
        "Members\nfirst,last\nAnn,Lee\nBob,May\n", columns="Members", records=3, rejected=3, delimiter=","
    ),
    "commas in two words below a word and a blank line": case(
        "Members\n\nfirst,last\nAnn,Lee\nBob,May\n",
        columns="first|last",
        records=2,
        preamble=2,
        delimiter=",",
    ),
    # --- at least half of the lines fit ------------------------------------------------------------------
    "semicolons fit 60 % of the lines, colons of times fit all": case(
        lines(6, "{};10:30;x") + lines(4, "{};10:30", first=7), columns=3, records=10, rejected=4
    ),
    "colons fit all lines, semicolons of the text fit 47 %": case(
        "Key:Value; more values\n" + lines(9, "key{}:one value") + lines(7, "key{}:one value; another", 10),
        columns="Key|Value; more values",
        records=16,
        delimiter=":",
    ),
    # --- nearly all lines fit ----------------------------------------------------------------------------
    "two pipes fit 97 % of the lines": case(
        "id||name||sum\n" + lines(60, "{}||Ann||5") + lines(2, "{}||cut", first=61),
        columns="id|name|sum",
        records=62,
        rejected=2,
        delimiter="||",
    ),
    "with CR as line end 80 % of the lines fit, with LF all": case(
        "id;name\rof member;sum\n" + lines(20, '{};"Ann";5') + lines(5, "{};x\ry;5", first=21),
        columns="id|name of member|sum",
        records=25,
    ),
    "with CR as line end 80 % of the lines fit, with LF 97 %": case(
        "id;name\rof member;sum\n"
        + lines(60, '{};"Ann";5')
        + lines(15, "{};x\ry;5", first=61)
        + lines(2, "{};cut", first=76),
        columns="id|name of member|sum",
        records=77,
        rejected=2,
    ),
    # --- quotes that a delimiter would tear apart --------------------------------------------------------
    "commas fit all lines, and tear 2 of 13 apart in quotes": case(
        "id;name, first name;sum\n"
        + lines(9, "{};Smith, John;5")
        + lines(2, '{};"Lee; Sons, Ltd";5', first=10)
        + "12;Smith, John\n",
        columns="id|name, first name|sum",
        records=12,
        rejected=1,
    ),
    "commas fit all lines, and tear 1 of 7 apart in quotes": case(
        "id;name, first name;sum\n" + lines(4, "{};Smith, John;5") + '5;"Lee; Sons, Ltd";5\n6;Smith, John\n',
        columns="id|name, first name|sum",
        records=6,
        rejected=1,
    ),
    "commas fit all lines, and one of 13 has inch signs": case(
        "id,name; nickname,width,height\n" + lines(11, "{},Ann; Anny,5,6") + '12,Ann; Anny,5",6"\n',
        columns="id|name; nickname|width|height",
        records=12,
        delimiter=",",
    ),
    # --- delimiters of several characters ----------------------------------------------------------------
    "five characters": case(
        "id|~#~|name|~#~|sum\n1|~#~|Ann|~#~|5\n2|~#~|Bob|~#~|6\n",
        columns="id|name|sum",
        records=2,
        delimiter="|~#~|",
    ),
    "six characters are more than a delimiter has": case(
        "id||||||name||||||sum\n1||||||Ann||||||5\n2||||||Bob||||||6\n",
        columns="id|column_2|name|column_4|sum",
        records=2,
        delimiter="|||",
    ),
    "two semicolons in each line, without a header": case(
        "1;;Ann;;5\n2;;Bob;;6\n3;;Eva;;7\n", columns=3, records=3, delimiter=";;"
    ),
    "an empty second cell in each line, without a header": case(
        "1;;Ann\n2;;Bob\n3;;Eva\n", columns=3, records=3
    ),
    # --- a first line of names ---------------------------------------------------------------------------
    "a title of two names with a comma": case(
        "Members,Bonn\nid;name;sum\n" + lines(9, "{};Ann;5"), columns="id|name|sum", records=9, preamble=1
    ),
    "three names with commas, above damaged records": case(
        "id,name,note\n" + lines(3, "{},Ann,good; paid") + lines(5, "{},Ann,old, good; paid", first=4),
        columns="id|name|note",
        records=8,
        rejected=5,
        delimiter=",",
    ),
    "a name of 40 characters": case(
        "id,name of the member who pays for the note,note\n"
        + lines(3, "{},Ann,good; paid")
        + lines(5, "{},Ann,old, good; paid", first=4),
        columns="id|name of the member who pays for the note|note",
        records=8,
        rejected=5,
        delimiter=",",
    ),
    "a title of three phrases, the first of 43 characters": case(
        "All the members of the club that met in May,their names,their sums\nid;name;sum\n1;Ann;5\n2;Bob;6\n",
        columns="id|name|sum",
        records=2,
        preamble=1,
    ),
}
