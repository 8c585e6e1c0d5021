"""Make the sample data: `python sample_data/make.py` writes both files beside itself, the same each time.

A made-up association moves from its old membership program to the platform.

`billing-templates.parquet` is like the export of a database tool: 60 templates in typed columns (booleans,
lists, structs, decimals, times), with the legacy key as text with leading zeros. Two relative dates are
structs, two are phrases such as "30 days before the end of the month". WRONG_TEMPLATES lists two wrong rows.

`billing-runs.csv` is like the old program's own export. It has 2,000 records in Windows-1252 with typographic
quotes, `;` between cells and CRLF. Two title lines are above the header, and a line with the total is below
the last record. It also has:

- dates as 31.03.2019 and, from an older import, as 2019-03-31; flags as J/N, and sometimes as Y/N
- lists in one cell; notes with line breaks and doubled quotes; spaces around text; NULL and n/a for no value
- keys with leading zeros; numbered columns for up to three reminders
- records in state TEST, the old program's own trials, which the mapping's `where` filters out

WRONG_RUNS lists the records that are wrong on purpose, with the reason: the demo shows the loader's findings.
Nearly every run names its template. WAITING_RUNS lists the runs of the two wrong templates: they are blocked.

Nothing in the files is about a real person or organisation.
"""
# ruff: noqa: INP001 - a script, not a package
# ruff: noqa: RUF001 - the typographic signs are the point
# ruff: noqa: S311 - chance is seeded, nothing is secret

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

HERE: Final = Path(__file__).parent
SEED: Final = 20261122
RUNS: Final = 2000
TEMPLATES: Final = 60
ENCODING: Final = "cp1252"

COLUMNS: Final = (
    "RunId", "Run Name", "State", "Run Date", "Scheduled Run", "Prepared On", "OWNER_EMAIL", "Office E-Mail",
    "Programs", "ProgramRule", "AppTypes", "Status Reasons", "TrainingProviders", "TPRule",
    "Expires From", "Expires To", "Activate?", "Expire?", "Drop?", "Forecast?", "Bill TP", "Mail Invoices",
    "InvoiceTemplate", "Net Days", "ActivationNotice", "DropNotice", "Grace Days", "Forecast Fee",
    "Reminders?", "Reminder1Notice", "Reminder1Name", "Reminder2Notice", "Reminder2Name",
    "Reminder3Notice", "Reminder3Name", "Options", "Series", "Created At", "Created By", "TemplateKey",
    "Notes", "Old_Region", "Old_Flag",
)  # fmt: skip

WRONG_RUNS: Final = {
    57: "Run Date is 31.02.2021, a day that does not exist",
    118: "Run Date is a text: nach Ostern",
    163: "State is Q, which is not in the table",
    224: "State is d, in lower case",
    301: "Expires To is missing",
    302: "Expires To says n/a",
    377: "Expires From and Expires To are both missing",
    410: "Bill TP is X, which is not a flag",
    455: "Activate? is Ja, which is not a flag of this program",
    512: "RunId is empty",
    513: "RunId is spaces only",
    640: "RunId is the one of record 12",
    715: "one cell too many: a note with a semicolon lost its quotes",
    716: "ten cells are missing at the end: the line was cut off",
    803: "InvoiceTemplate is missing",
    804: "InvoiceTemplate is a dash, which means no template",
    901: "Run Name is missing",
    985: "Forecast Fee is 12,5,0, which is not a number",
    1044: "Grace Days is a text: zwei Wochen",
    1102: "Created At is 31.03.2019 02:30, an hour that the clocks skipped",
    1203: "Created At is 27.10.2019 02:30, an hour that the clocks repeated",
    1377: "Reminder2 has a name and no notice",
    1490: "ProgramRule is *, which is not in the table",
    1555: "Options is broken JSON",
    1707: "four errors: State, Run Date, Bill TP, InvoiceTemplate",
    1893: "Scheduled Run is 2021/13/45",
}
"""Record number -> what is wrong with it."""

WRONG_TEMPLATES: Final = {
    23: "visit_from is not a relative date: some time in May",
    41: "title is missing, and notice_to is neither before, after nor on",
}
"""Row number from 1 -> what is wrong with it."""

WAITING_RUNS: Final = {
    88: "00023",
    482: "00041",
    1009: "00023",
    1460: "00041",
    1722: "00023",
    1999: "00041",
}
"""Record number -> its template, which is not loaded until its row is fixed."""

TOWNS: Final = (
    "München",
    "Zürich",
    "Köln",
    "Orléans",
    "Liège",
    "Malmö",
    "Graz",
    "A Coruña",
    "Tromsø",
    "Hull",
)
SUBJECTS: Final = ("Pflege", "Erste Hilfe", "Jugendförderung", "Café & Küche", "Übungsleitung", "Fundraising")
PEOPLE: Final = (
    "Jörg Weiß",
    "Zoë Brûlé",
    "Ana Núñez",
    "Søren Ågård",
    "Lena Groß",
    "Ian O'Neill",
    "Eva Šimková",
)
SEASONS: Final = ("Frühjahrslauf", "Sommerlauf", "Herbstlauf", "Winterlauf")
NOTES: Final = (
    "Rücksprache mit Frau Groß: „bitte erst nach Ostern“ – Betrag 12,50 €",
    'Siehe Protokoll "Vorstand 2019"; Anlage 3',
    "Zeile eins\r\nZeile zwei; mit Semikolon\r\n\r\nZeile vier",
    "Achtung:\nSammellauf",
    '"',
    "geprüft… ok’",
)
STATES: Final = ("C",) * 12 + ("D", "D", "S", "S", "X", "E", "R")
PREAMBLE: Final = ("MITRA 4.2 – Export „Abrechnungsläufe“", "Stand: 22.11.2026 10:15; Mandant 001; Währung €")


# --- Billing runs -------------------------------------------------------------------------------------


def runs_csv() -> bytes:
    """Return the whole CSV file."""
    chance = random.Random(SEED)
    records = [_record_line(number, _run(chance, number)) for number in range(1, RUNS + 1)]
    lines = [*PREAMBLE, ";".join(COLUMNS), *records, f"Summe: {RUNS} Läufe"]
    return "".join(f"{line}\r\n" for line in lines).encode(ENCODING)


def _run(chance: random.Random, number: int) -> dict[str, str]:
    begins = date(2016, 1, 1) + timedelta(days=number + chance.randrange(60))
    test = number % 97 == 0 and number not in WRONG_RUNS
    cells = {
        "RunId": f"{number + 400:06}",
        "Run Name": _name(chance, begins),
        "State": "TEST" if test else chance.choice(STATES),
        **_when(chance, begins),
        **_who(chance),
        **_what(chance),
        **_flags(chance),
        **_money(chance),
        **_reminders(chance),
        **_history(chance, number, begins),
    }
    return {column: cells[column] for column in COLUMNS}


def _rarely(chance: random.Random, text: str, instead: tuple[str, ...], odds: int = 12) -> str:
    """Return the text, or once in `odds` one of the others."""
    return chance.choice(instead) if chance.randrange(odds) == 0 else text


def _day(chance: random.Random, when: date) -> str:
    return when.strftime(_rarely(chance, "%d.%m.%Y", ("%Y-%m-%d",), odds=9))


def _name(chance: random.Random, begins: date) -> str:
    season, subject = SEASONS[(begins.month - 1) // 3], chance.choice(SUBJECTS)
    name = f"{season} {begins.year} – {subject} {chance.choice(TOWNS)}"
    spoken = (
        f'Lauf "{subject}" {begins.year}',
        f"„{subject}“, {chance.choice(TOWNS)}",
        f"  {name} ",
        f"{name}; Teil 2",
    )
    return _rarely(chance, name, spoken, odds=7)


def _when(chance: random.Random, begins: date) -> dict[str, str]:
    prepared = begins - timedelta(days=chance.randrange(1, 20))
    return {
        "Run Date": _rarely(chance, _day(chance, begins), ("NULL", "")),
        "Scheduled Run": _rarely(chance, _day(chance, begins + timedelta(days=2)), ("n/a", "", " ")),
        "Prepared On": _rarely(chance, prepared.isoformat(), ("",), odds=4),
        "Expires From": _day(chance, date(begins.year, 1, 1)),
        "Expires To": _day(chance, date(begins.year, 12, 31)),
    }


def _who(chance: random.Random) -> dict[str, str]:
    owner = chance.choice(("J.Weiss", "zoe.brule", "ANA.NUNEZ", "s.aagaard", "Lena.Gross"))
    return {
        "OWNER_EMAIL": _rarely(
            chance, f"{owner}@Example.org", ("", "NULL", f" {owner}@example.org "), odds=5
        ),
        "Office E-Mail": "abrechnung@example.org",
        "Created By": chance.choice(PEOPLE),
    }


def _what(chance: random.Random) -> dict[str, str]:
    def some(prefix: str, most: int) -> list[str]:
        return [
            f"{prefix}{number:02}"
            for number in sorted(chance.sample(range(1, 40), chance.randrange(most + 1)))
        ]

    return {
        "Programs": _rarely(chance, ",".join(some("P", 5)), ("P07, P08 ,,P09", "NULL")),
        "ProgramRule": chance.choice(("+", "+", "-", "")),
        "AppTypes": chance.choice(("initial", "renewal", "initial,renewal", "")),
        "Status Reasons": chance.choice(("", "", "paid", "paid,waived")),
        "TrainingProviders": "|".join(some("TP-0", 4)),
        "TPRule": chance.choice(("+", "-", "", "")),
        "ActivationNotice": _rarely(chance, f"ACT-{chance.randrange(1, 9):03}", ("",), odds=4),
        "DropNotice": _rarely(chance, f"DRP-{chance.randrange(1, 5):03}", ("", "-"), odds=3),
        "Options": chance.choice(("", "", "", *_OPTIONS)),
    }


_OPTIONS: Final = (
    json.dumps({"months_ahead": 3, "letter": "Größe A4; gefaltet"}, ensure_ascii=False),
    json.dumps({"months_ahead": 6, "groups": ["01", "02"], "rate": 0.75}),
)


def _flags(chance: random.Random) -> dict[str, str]:
    def flag() -> str:
        return _rarely(chance, chance.choice(("J", "N")), ("Y", "N ", ""), odds=10)

    columns = ("Activate?", "Expire?", "Drop?", "Forecast?", "Bill TP", "Mail Invoices", "Reminders?")
    return {column: flag() for column in columns}


def _money(chance: random.Random) -> dict[str, str]:
    euros = f"{chance.randrange(0, 4000):,}".replace(",", ".")
    return {
        "InvoiceTemplate": _rarely(chance, "INV-STD", ("INV-EU", "INV-KURZ"), odds=3),
        "Net Days": chance.choice(("30", "30", "30", "14", "", "0")),
        "Grace Days": chance.choice(("0", "14", "030", "60", "")),
        "Forecast Fee": _rarely(chance, f"{euros},{chance.choice(('00', '50', '95'))}", ("", "0"), odds=5),
    }


def _reminders(chance: random.Random) -> dict[str, str]:
    count = chance.randrange(4)
    cells = {}
    for place in (1, 2, 3):
        there = place <= count
        cells[f"Reminder{place}Notice"] = f"REM-{place}{chance.randrange(10)}" if there else ""
        cells[f"Reminder{place}Name"] = (
            _rarely(chance, f"{place}. Erinnerung – {30 // place} Tage vorher", ("",), odds=6)
            if there
            else ""
        )
    return cells


def _history(chance: random.Random, number: int, begins: date) -> dict[str, str]:
    created = begins - timedelta(days=chance.randrange(30, 90))
    return {
        "Series": _rarely(chance, f"S{begins.year}", ("NULL",), odds=3),
        "Created At": f"{created:%d.%m.%Y} {chance.randrange(7, 19):02}:{chance.randrange(60):02}",
        "TemplateKey": _template_key(number),
        "Notes": _rarely(chance, "", NOTES, odds=4),
        "Old_Region": chance.choice(("Nord", "Süd", "")),
        "Old_Flag": chance.choice("01"),
    }


def _template_key(number: int) -> str:
    """Return the key of a run's template; a few runs have none."""
    if number % 40 == 0:
        return ("", "NULL")[number // 40 % 2]
    key = number % TEMPLATES + 1
    return WAITING_RUNS.get(number, f"{key + 1 if key in WRONG_TEMPLATES else key:05}")


_ERRORS: Final[dict[int, dict[str, str]]] = {
    57: {"Run Date": "31.02.2021"},
    118: {"Run Date": "nach Ostern"},
    163: {"State": "Q"},
    224: {"State": "d"},
    301: {"Expires To": ""},
    302: {"Expires To": "n/a"},
    377: {"Expires From": "", "Expires To": "NULL"},
    410: {"Bill TP": "X"},
    455: {"Activate?": "Ja"},
    512: {"RunId": ""},
    513: {"RunId": "   "},
    640: {"RunId": f"{12 + 400:06}"},
    715: {"Notes": "zurückgestellt; siehe Ablage"},
    803: {"InvoiceTemplate": ""},
    804: {"InvoiceTemplate": "-"},
    901: {"Run Name": "  "},
    985: {"Forecast Fee": "12,5,0"},
    1044: {"Grace Days": "zwei Wochen"},
    1102: {"Created At": "31.03.2019 02:30"},
    1203: {"Created At": "27.10.2019 02:30"},
    1377: {"Reminder2Notice": "", "Reminder2Name": "2. Erinnerung"},
    1490: {"ProgramRule": "*"},
    1555: {"Options": '{"months_ahead": 3, '},
    1707: {"State": "??", "Run Date": "00.00.0000", "Bill TP": "?", "InvoiceTemplate": "-"},
    1893: {"Scheduled Run": "2021/13/45"},
}
_NOT_QUOTED: Final = 715
_CUT_OFF: Final = 716


def _record_line(number: int, cells: dict[str, str]) -> str:
    """Return the record's line; the wrong ones get their error."""
    cells.update(_ERRORS.get(number, {}))
    if number == _NOT_QUOTED:
        return ";".join(cells.values())
    texts = [_quoted(cell) for cell in cells.values()]
    return ";".join(texts[:-10] if number == _CUT_OFF else texts)


def _quoted(cell: str) -> str:
    """Return the cell as the file has it: in quotes if it needs them."""
    if not any(sign in cell for sign in ';"\r\n'):
        return cell
    return '"' + cell.replace('"', '""') + '"'


# --- Billing templates --------------------------------------------------------------------------------

PHRASES: Final = (
    "30 days before the end of the month",
    "on the reference date",
    "2 weeks after the beginning of the quarter",
    "A month after the end of the year",
    "1 year before the Reference Date",
    "on the beginning of the week",
)
_DISTANCE: Final = pl.Struct(
    {"number": pl.Int64, "unit_of_time": pl.String, "position": pl.String, "relative_to": pl.String}
)
SCHEMA: Final[dict[str, Any]] = {
    "template_key": pl.String,
    "title": pl.String,
    "purpose": pl.String,
    "active": pl.Boolean,
    "advance": pl.Boolean,
    "notices": pl.Boolean,
    "team_notices": pl.Boolean,
    "notice_id": pl.String,
    "notice_from": _DISTANCE,
    "notice_to": _DISTANCE,
    "programs": pl.List(pl.String),
    "phases": pl.List(pl.String),
    "schools": pl.List(pl.String),
    "program_rule": pl.String,
    "visit_types": pl.List(pl.String),
    "visit_from": pl.String,
    "visit_to": pl.String,
    "fee": pl.Decimal(10, 2),
    "weight": pl.Float64,
    "valid_from": pl.Date,
    "base_version": pl.Int32,
    "contact": pl.String,
    "created": pl.Datetime("us", "UTC"),
    "row_checksum": pl.Int64,
}


def templates_frame() -> pl.DataFrame:
    """Return the whole Parquet file as a frame."""
    chance = random.Random(SEED + 1)
    rows = [_template(chance, number) for number in range(1, TEMPLATES + 1)]
    rows[22]["visit_from"] = "some time in May"
    rows[40]["title"] = None
    rows[40]["notice_to"]["position"] = "around"
    return pl.DataFrame(rows, schema=SCHEMA)


def _template(chance: random.Random, number: int) -> dict[str, Any]:
    def some(prefix: str) -> list[str] | None:
        return [f"{prefix}{item:02}" for item in chance.sample(range(1, 30), chance.randrange(4))] or None

    created = datetime(2012, 1, 2, 8, tzinfo=UTC) + timedelta(
        days=40 * number, seconds=chance.randrange(36_000)
    )
    return {
        "template_key": f"{number:05}",
        "title": f"{chance.choice(SEASONS)} – {chance.choice(SUBJECTS)} ({number})",
        "purpose": chance.choice(
            (None, "Für Schulen mit „Förderstatus“", "Line one\nLine two", 'Says "yes" \\ "no" 🎓')
        ),
        "active": chance.random() < 0.8,  # noqa: PLR2004 - four of five
        "advance": chance.choice((True, False, None)),
        "notices": chance.choice((True, False)),
        "team_notices": chance.choice((True, False, None)),
        "notice_id": chance.choice((None, f"FUN-{chance.randrange(1, 9):03}")),
        "notice_from": _distance(chance),
        "notice_to": _distance(chance),
        "programs": some("P"),
        "phases": some("PH"),
        "schools": some("SCH-0"),
        "program_rule": chance.choice(("INCLUDE", "Exclude", None)),
        "visit_types": some("V"),
        "visit_from": chance.choice(PHRASES),
        "visit_to": chance.choice(PHRASES),
        "fee": chance.choice((None, Decimal(chance.randrange(0, 90_000)) / 100)),
        "weight": chance.choice((None, 1.0, 0.25, 2.5)),
        "valid_from": created.date(),
        "base_version": chance.choice((None, 1, 2)),
        "contact": chance.choice(("Schulen@Example.org", " office@example.org ", None)),
        "created": created,
        "row_checksum": chance.randrange(2**48),
    }


def _distance(chance: random.Random) -> dict[str, Any]:
    if chance.randrange(4) == 0:
        return {"number": None, "unit_of_time": None, "position": "on", "relative_to": "the reference date"}
    return {
        "number": chance.choice((0, 1, 14, 30, 90)),
        "unit_of_time": chance.choice(("days", "weeks", "months", "years")),
        "position": chance.choice(("before", "after")),
        "relative_to": chance.choice(
            ("the end of the month", "the beginning of the year", "the reference date")
        ),
    }


def main() -> None:
    """Write both files."""
    (HERE / "billing-runs.csv").write_bytes(runs_csv())
    templates_frame().write_parquet(HERE / "billing-templates.parquet")


if __name__ == "__main__":
    main()
