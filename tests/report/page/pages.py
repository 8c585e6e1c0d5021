"""Pages to look at and to test with: a dry run's, a load's, and two that try to break the page."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from loader.records import Status
from loader.report.page import (
    BeforeAfter,
    Capped,
    ComparisonResult,
    Distinct,
    Effort,
    ExampleValue,
    FieldProfile,
    FindingGroup,
    LoadPageValues,
    MappingUsed,
    PageOrigin,
    Pause,
    Positions,
    ReconciledCounts,
    ReportPage,
    RowPlace,
    SamplePayload,
    SourceSummary,
    Throughput,
    ThroughputBin,
    ValueRow,
    ValueTable,
    dry_run_verdict,
    load_verdict,
)

NASTY = (
    "</style><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    "\x00\x1b\u202eoverturned\ud800 {{ 7 * 7 }}"
)
"""A cell that holds markup, quotes, control characters, a mark that turns the text, and half a surrogate."""

_MAPPING = """resource: billing-run
external_id: RunId
where: "COALESCE(State, '') <> 'TEST'"
fields:
  name: Run Name
  status: {column: State, map: {D: draft, C: completed}, default: draft}
"""


def dry_run_page(**changes: Any) -> ReportPage:
    """A dry run of 1,240 rows, 61 of them with errors."""
    rows = {"read": 1240, "valid": 1141, "already_loaded": 20, "filtered": 18, "invalid": 54, "blocked": 7}
    page = ReportPage(
        verdict=dry_run_verdict(rows),
        code="K7QM-3F2X",
        origin=PageOrigin(at=datetime(2026, 11, 22, 10, 15, 4, tzinfo=UTC), version="0.1.0", seconds=1.83),
        resource="billing-run",
        tenant="acme",
        rows=rows,
        sources=Capped.of([_source()]),
        mapping=MappingUsed(
            "billing-run.yaml", "9c41f2aa" * 8, text=_MAPPING, where="COALESCE(State, '') <> 'TEST'"
        ),
        findings=68,
        groups=Capped.of(_groups()),
        positions=Capped.of([_positions()]),
        fields=Capped.of(_fields()),
        profiled_rows=1161,
        unused=Capped.of(["Old_Region", "Printed By", "Batch Ref"]),
        ignored=Capped.of(["Notes", "Old_Flag", "TemplateKey"]),
        tables=Capped.of(_tables()),
        samples=_samples(),
        effort=Effort(requests=1141, basis="learnt", rates=(48.5,)),
        links=("findings.csv", "findings.parquet", "rejects.csv", "summary.json"),
    )
    return replace(page, **changes)


def load_page(**changes: Any) -> ReportPage:
    """A load that was slowed down, was interrupted once, and ended with some rows refused and in doubt."""
    rows = {
        "read": 1240,
        "created": 1119,
        "already_loaded": 20,
        "filtered": 18,
        "invalid": 54,
        "blocked": 7,
        "refused": 19,
        "in_doubt": 3,
        "pending": 0,
    }
    page = dry_run_page(
        verdict=load_verdict(rows, "finished"),
        rows=rows,
        effort=None,
        load=_load(),
        links=("results.csv", "rejects.csv", "summary.json"),
        origin=PageOrigin(at=datetime(2026, 11, 22, 10, 19, tzinfo=UTC), version="0.1.0", seconds=171.2),
    )
    return replace(page, **changes)


def clean_page() -> ReportPage:
    """A dry run without errors, and of which little else is known."""
    rows = {"read": 60, "valid": 60, "already_loaded": 0, "filtered": 0, "invalid": 0, "blocked": 0}
    return ReportPage(
        verdict=dry_run_verdict(rows),
        code="A2B3-C4D5",
        origin=PageOrigin(at=datetime(2026, 11, 22, tzinfo=UTC), version="0.1.0", seconds=0.2),
        resource="billing-template",
        tenant=None,
        rows=rows,
        sources=Capped.of(
            [SourceSummary("billing-templates.parquet", 48_112, "77" * 32, (("format", "Parquet"),), 60)]
        ),
        mapping=MappingUsed("billing-template.yaml", "5d" * 32),
        effort=Effort(requests=60, basis="none", rates=(50, 500)),
    )


def nasty_page(text: str = NASTY) -> ReportPage:
    """A load's page in which every text is `text`."""
    place = RowPlace(1, 2, text, text)
    table = ValueTable(
        text, text, "map", Capped.of([ValueRow(text, text, 1), ValueRow(text, None, 1, wrong=True)])
    )
    field = FieldProfile(
        text,
        text,
        (text,),
        required=True,
        filled=1,
        distinct=Distinct(1),
        smallest=text,
        largest=text,
        examples=(BeforeAfter(text, text),),
    )
    example = ExampleValue(text, place, text, RowPlace(2, 3, file=text))
    group = FindingGroup(
        Status.INVALID, text, text, text, 1, text, Capped.of([example]), text, text, text, http_status=400
    )
    source = SourceSummary(text, 1, text, ((text, text),), 1)
    throughput = Throughput(1, (ThroughputBin(1, 1),), Capped.of([Pause(0, 1, text)]))
    return load_page(
        code=text,
        resource=text,
        tenant=text,
        verdict=replace(load_page().verdict, sentence=text),
        origin=PageOrigin(datetime(2026, 11, 22, tzinfo=UTC), text, 1),
        sources=Capped.of([source, source]),
        mapping=MappingUsed(text, text, text, text),
        groups=Capped.of([group]),
        positions=Capped.of([Positions(text, 1, 1, (1,))]),
        fields=Capped.of([field]),
        unused=Capped.of([text]),
        ignored=Capped.of([text]),
        tables=Capped.of([table]),
        samples=(SamplePayload(place, Capped.of([(text, text)]), text, text),),
        links=(text,),
        load=replace(
            _load(),
            load_id=text,
            approved_code=text,
            refusals=Capped.of([group]),
            in_doubt=Capped.of([group]),
            throughput=throughput,
        ),
    )


def huge_page(text: str = '"' * 5_000, count: int = 10_000) -> ReportPage:
    """A load's page with `count` of everything, each text being `text`."""
    place = RowPlace(999_999_999, 999_999_999, text, text)
    page = nasty_page(text)
    table = replace(page.tables.items[0], rows=Capped((ValueRow(text, text, 10**9),) * 100, count))
    example = ExampleValue(text, place, text, RowPlace(999_999_999, 999_999_999, file=text))
    group = replace(page.groups.items[0], examples=Capped((example,) * 100, count), rows=10**9)
    field = replace(page.fields.items[0], examples=(BeforeAfter(text, text),) * 3, conversions=(text,) * 5)
    sample = SamplePayload(place, Capped((((text, text),) * 1_000), count), text * 100, text)
    assert page.load is not None
    return replace(
        page,
        sources=Capped((replace(page.sources.items[0], dialect=((text, text),) * 20),) * 500, count),
        mapping=MappingUsed(text, text, text * 100, text),
        groups=Capped((group,) * 500, count),
        positions=Capped((Positions(text, 100_000, 1_000, tuple(range(100))),) * 100, count),
        fields=Capped((field,) * 1_000, count),
        unused=Capped((text,) * 1_000, count),
        ignored=Capped((text,) * 1_000, count),
        tables=Capped((table,) * 500, count),
        samples=(sample,) * 3,
        links=(text,) * 100,
        load=replace(
            page.load,
            refusals=Capped((group,) * 500, count),
            in_doubt=Capped((group,) * 500, count),
            throughput=Throughput(
                3_600.0, (ThroughputBin(10**6, 10**3),) * 240, Capped((Pause(0, 1, text),) * 500, count)
            ),
            attempts=tuple((number, 10**6) for number in range(1, 100)),
        ),
    )


def _source() -> SourceSummary:
    dialect = (
        ("format", "CSV"),
        ("delimiter", ";"),
        ("quote", '"'),
        ("encoding", "cp1252"),
        ("lines above the header", "2"),
        ("lines below the last record", "1"),
    )
    return SourceSummary("billing-runs.csv", 412_388, "1f8d03be" * 8, dialect, 1240)


def _example(value: str | None, record_no: int, nearest: str | None = None) -> ExampleValue:
    return ExampleValue(value, RowPlace(record_no, record_no + 4, f"{record_no + 400:06}"), nearest)


def _groups() -> list[FindingGroup]:
    return [
        FindingGroup(
            Status.INVALID,
            "map.no_entry",
            "status",
            reason="not in the mapping's table",
            rows=31,
            column="State",
            expected="one of D, S, C, X, E, R",
            fix="Correct the values in column 'State', or add these values to `map` of status.",
            examples=Capped((_example("c", 14, "C"), _example("Q", 57), _example("comp.", 602, "C")), 31),
        ),
        FindingGroup(
            Status.INVALID,
            "required.empty",
            "application_expiration_options.expiration_date_range_end",
            reason="required, but empty",
            rows=14,
            column="Expires To",
            fix="Fill in column 'Expires To', or set a `default` in the mapping.",
            examples=Capped((_example(None, 88), _example(None, 91)), 14),
        ),
        FindingGroup(
            Status.INVALID,
            "date.format",
            "run_date",
            reason="does not match the date format DD.MM.YYYY or YYYY-MM-DD",
            rows=9,
            column="Run Date",
            expected="a date in the format %d.%m.%Y or %Y-%m-%d",
            fix="Correct the values in column 'Run Date', or add their format to `date` of run_date.",
            examples=Capped((_example("31.02.2019", 203), _example("12/31/2018", 204)), 9),
        ),
        FindingGroup(
            Status.BLOCKED,
            "lookup.not_found",
            "template_id",
            reason="names a billing-template that no load has created",
            rows=7,
            column="TemplateKey",
            fix="Load these billing-template records first, then load these rows again.",
            examples=Capped((_example("00061", 1190),), 7),
        ),
        FindingGroup(
            Status.INVALID,
            "boolean.word",
            "bill_training_providers",
            reason="not one of the words for true and false",
            rows=4,
            column="Bill TP",
            expected="one of J, Y, N",
            fix="Correct the values in column 'Bill TP', or add these words to `boolean`.",
            examples=Capped((_example("Ja", 2, "J"), _example("?", 9)), 4),
        ),
        FindingGroup(
            Status.INVALID,
            "group.cells_differ",
            "notification_email",
            reason="differs among the rows of one record",
            rows=2,
            column="OWNER_EMAIL",
            fix="Make the values in column 'OWNER_EMAIL' the same in all rows of a record.",
            examples=Capped(
                (replace(_example("abrechnung." * 12 + "@example.org", 700), row=RowPlace(702, 707)),), 2
            ),
        ),
        FindingGroup(
            Status.INVALID,
            "external_id.duplicate",
            "",
            reason="an external id that several rows have",
            rows=1,
            column="RunId",
            fix="Keep one of these rows, or give the others their own id; the first row counts.",
            examples=Capped((_example("000415", 1239),), 1),
        ),
    ]


def _positions() -> Positions:
    counts = [0, 1, 3, 0, 0, 2, 1, 0, 14, 9, 0, 1, 0, 0, 1, 2, 0, 0, 3, 0, 0, 1, 1, 0, 0, 5, 6, 2, 0, 1]
    return Positions("billing-runs.csv", 1240, 32, (*counts, 0, 0, 2, 0, 1, 0, 7, 3, 2))


def _fields() -> list[FieldProfile]:
    return [
        FieldProfile(
            "name",
            "column Run Name",
            ("blanks around it go",),
            required=True,
            filled=1161,
            distinct=Distinct(1104),
            smallest="1. Sammellauf 2016",
            largest="Überprüfung Winter 2024",
            examples=(
                BeforeAfter("  Frühjahrslauf 2019 ", "Frühjahrslauf 2019"),
                BeforeAfter("Sammellauf 2016, Orléans", "Sammellauf 2016, Orléans"),
                BeforeAfter("Winterlauf", "Winterlauf"),
            ),
        ),
        FieldProfile(
            "status",
            "column State",
            (
                "by table: D → draft, S → scheduled, C → completed, X → cancelled, E → error, R → running",
                "empty → draft",
            ),
            required=True,
            filled=1161,
            distinct=Distinct(6),
            smallest="cancelled",
            largest="scheduled",
            examples=(
                BeforeAfter("C", "completed"),
                BeforeAfter(None, "draft"),
                BeforeAfter("X", "cancelled"),
            ),
        ),
        FieldProfile(
            "run_date",
            "column Run Date",
            ("date: %d.%m.%Y or %Y-%m-%d",),
            filled=987,
            distinct=Distinct(412),
            smallest="2011-01-03",
            largest="2026-11-20",
            examples=(BeforeAfter("31.03.2019", "2019-03-31"), BeforeAfter("2016-02-05", "2016-02-05")),
        ),
        FieldProfile(
            "notification_email",
            "the first filled of OWNER_EMAIL, Office E-Mail",
            ("lower case",),
            filled=1150,
            distinct=Distinct(100_000, exact=False),
            smallest="abrechnung@example.org",
            largest="zoe@example.org",
            examples=(BeforeAfter("ANA.NUNEZ@Example.org", "ana.nunez@example.org"),),
        ),
        FieldProfile(
            "application_activation_options.program_ids",
            "column Programs",
            ("split at ,",),
            filled=640,
            distinct=Distinct(88),
            smallest="P01",
            largest="P77",
            examples=(BeforeAfter("P07, P08 ,,P09", '["P07", "P08", "P09"]'),),
        ),
        FieldProfile(
            "application_expiration_options.expiration_date_range_end",
            "column Expires To",
            ("date: %d.%m.%Y or %Y-%m-%d",),
            required=True,
            filled=1161,
            distinct=Distinct(31),
            smallest="2011-12-31",
            largest="2027-12-31",
            examples=(BeforeAfter("31.12.2016", "2016-12-31"),),
        ),
        FieldProfile(
            "application_reminder_options.reminders[0].id",
            "always 1",
            filled=802,
            distinct=Distinct(1),
            smallest="1",
            largest="1",
            examples=(BeforeAfter(None, "1"),),
        ),
        FieldProfile(
            "training_provider_billing_options.payment_terms_id",
            "SQL: CASE WHEN \"Net Days\" = '30' THEN 'NET30' ELSE 'DUE' END",
            required=True,
            filled=1161,
            distinct=Distinct(3),
            smallest="DUE",
            largest="NET30",
            examples=(BeforeAfter("30", "NET30"), BeforeAfter(None, "DUE")),
        ),
        FieldProfile(
            "renewal_forecasting_options.minimum_fee",
            "column Forecast Fee",
            ("number with a decimal comma",),
            filled=211,
            distinct=Distinct(140),
            smallest="12.5",
            largest="18250",
            examples=(BeforeAfter("2.353,50", "2353.5"),),
        ),
        FieldProfile("recurring_billing_run_id", "column Series", filled=0, distinct=Distinct(0)),
    ]


def _tables() -> list[ValueTable]:
    status = [
        ValueRow("C", "completed", 702),
        ValueRow("D", "draft", 210),
        ValueRow(None, "draft", 121),
        ValueRow("S", "scheduled", 96),
        ValueRow("X", "cancelled", 51),
        ValueRow("c", None, 22, wrong=True),
        ValueRow("Q", None, 8, wrong=True),
        ValueRow("comp.", None, 1, wrong=True),
    ]
    rules = [ValueRow("+", "include", 402), ValueRow(None, "none", 731), ValueRow("-", "exclude", 107)]
    many = [ValueRow(f"A{number:03}", f"NOTICE-{number}", 90 - number) for number in range(30)]
    return [
        ValueTable("status", "column State", "map", Capped.of(status)),
        ValueTable(
            "application_activation_options.program_restriction",
            "column ProgramRule",
            "map",
            Capped.of(rules),
        ),
        ValueTable(
            "application_activation_options.application_types",
            "column AppTypes",
            "enum",
            Capped.of([ValueRow("INITIAL", "INITIAL", 300), ValueRow("RENEWAL", "RENEWAL", 812)]),
        ),
        ValueTable(
            "application_activation_options.application_notice_id",
            "column ActivationNotice",
            "map",
            Capped.of(many, total=1270),
        ),
    ]


def _samples() -> tuple[SamplePayload, ...]:
    cells = (
        ("RunId", "000401"),
        ("Run Name", "Frühjahrslauf 2016, Übungsleitung Orléans"),
        ("State", "C"),
        ("Run Date", None),
        ("Prepared On", "2016-02-05"),
        ("OWNER_EMAIL", "ANA.NUNEZ@Example.org"),
        ("Programs", "P31,P34"),
        ("Options", '{"months_ahead": 3, "letter": "Größe A4; gefaltet"}'),
        ("Notes", "Achtung:\nSammellauf"),
        ("Created At", "24.11.2015 13:58"),
    )
    payload = {
        "sys_external_id": "000401",
        "name": "Frühjahrslauf 2016, Übungsleitung Orléans",
        "status": "completed",
        "preprocessing_date": "2016-02-05",
        "notification_email": "ana.nunez@example.org",
        "application_activation_options": {"program_ids": ["P31", "P34"], "program_restriction": "exclude"},
        "renewal_reminder_options": {"legacy_options": {"months_ahead": 3, "letter": "Größe A4; gefaltet"}},
        "sys_created_at": "2015-11-24T12:58:00Z",
    }
    text = json.dumps(payload, indent=2, ensure_ascii=False)
    return (
        SamplePayload(RowPlace(1, 4, "000401"), Capped(cells, 39), text, "has the most fields"),
        SamplePayload(
            RowPlace(33, 37, "000433"),
            Capped(cells[:5], 39),
            json.dumps({"sys_external_id": "000433", "name": "Herbstlauf", "status": "draft"}, indent=2),
            "has the fewest fields",
        ),
        SamplePayload(
            RowPlace(910, 915, "001310"),
            Capped(cells[2:8], 39),
            json.dumps({"sys_external_id": "001310", "status": "cancelled"}, indent=2),
            "has values that the others lack",
        ),
    )


def _answers(code: str, words: str, status: int, rows: int, record_nos: tuple[int, ...]) -> FindingGroup:
    return FindingGroup(
        Status.REFUSED,
        code,
        "",
        reason=f"HTTP {status}: {words}",
        rows=rows,
        fix="Correct these rows as the service asks, then load the rejects file.",
        examples=Capped(tuple(_example(None, number) for number in record_nos), rows),
        words=words,
        http_status=status,
    )


def _load() -> LoadPageValues:
    steady = [
        ThroughputBin(22),
        ThroughputBin(24),
        ThroughputBin(23, 2),
        ThroughputBin(17, 4),
        ThroughputBin(20),
    ]
    bins = (*steady * 5, ThroughputBin(11), *[ThroughputBin(0)] * 8, *steady * 5, ThroughputBin(9))
    waits = Pause(52.0, 68.0, "interrupted or ended, then resumed")
    return LoadPageValues(
        load_id="20261122T101500Z-8f3a2c1d",
        state="finished",
        sent=1207,
        retried=66,
        throttled=60,
        ids_known=1139,
        changed=4,
        refusals=Capped.of(
            [
                _answers(
                    "answer.missing_reference",
                    "invoice_template_id INV-ALT does not exist",
                    409,
                    12,
                    (88, 91, 120),
                ),
                _answers(
                    "answer.refused",
                    "run_date must not lie before the tenant's start of business",
                    422,
                    7,
                    (3,),
                ),
            ]
        ),
        in_doubt=Capped.of(
            [
                FindingGroup(
                    Status.IN_DOUBT,
                    "answer.connection_lost",
                    "",
                    reason="the connection was lost before the whole answer arrived",
                    rows=3,
                    fix="Run `loader reconcile LOAD` to find out whether these rows were stored.",
                    examples=Capped.of([_example(None, number) for number in (501, 502, 503)]),
                )
            ]
        ),
        reconciled=ReconciledCounts(created=9, not_stored=2, by_hand=1),
        throughput=Throughput(2.0, bins, Capped.of([waits])),
        attempts=((1, 1089), (2, 40), (3, 9), (4, 3)),
        dry_run=ComparisonResult(rejected=80, by_dry_run=61),
        approved_code="K7QM-3F2X",
    )
