"""What the page of a dry run says, compared with what was in the files: figures, places, names, promises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import loader.pipeline.validation.report as made_in
from loader.report.page import RowPlace, load_verdict, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from loader.report.page import ReportPage
    from loader.report.page.values import FieldProfile
    from loader.report.values import FindingGroup
    from tests.support.shell import Shell

HEAD = """\
resource: billing-run
external_id: Id
fields:
  name: Name
  application_expiration_options.expiration_date_range_start: {value: "2019-01-01"}
  application_expiration_options.expiration_date_range_end: {value: "2019-12-31"}
  training_provider_billing_options: {invoice_template_id: {value: a}, payment_terms_id: {value: b}}
"""
REMINDERS = """\
  application_reminder_options.reminders:
    - {id: {value: 1}, reminder_notice_id: R1, name: {column: N1, default: none}}
"""
GROUPED = (
    HEAD.replace("fields:", "group_by: Id\nfields:", 1)
    + """\
  application_activation_options.program_ids: {each: Program}
  application_reminder_options.reminders:
    {rows: rem.csv, key: Run, equals: Id, each: {reminder_notice_id: Notice, id: {column: No, number: {}}}}
"""
)


@pytest.fixture
def validated(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ReportPage]:
    """Validates, and gives the page as the plain value that it was made of."""
    pages: list[ReportPage] = []

    def kept(page: ReportPage) -> str:
        pages.append(page)
        return render(page)

    monkeypatch.setattr(made_in, "render", kept)

    def validate(mapping: str, rows: str, *words: str) -> ReportPage:
        shell.write("m.yaml", mapping if "status:" in mapping else f"{mapping}  status: {{value: draft}}\n")
        shell.write("rows.csv", rows)
        shell.run("validate", "m.yaml", "rows.csv", "--report", "tried", *words)
        return pages[-1]

    return validate


def field(page: ReportPage, path: str) -> FieldProfile:
    """One field of a page."""
    return next(item for item in page.fields.items if item.path == path)


def group(page: ReportPage, code: str) -> FindingGroup:
    """The group of findings with this code."""
    return next(item for item in page.groups.items if item.code == code)


def html_of(shell: Shell) -> str:
    """The page as people get it."""
    return (shell.folder / "tried" / "report.html").read_text(encoding="utf-8")


def test_constants_and_defaults_of_list_items_are_there_for_their_cells(
    validated: Callable[..., ReportPage],
) -> None:
    """An item without cells is not sent, so its constant and its default do not count as filled."""
    page = validated(HEAD + REMINDERS, "Id,Name,R1,N1\n1,a,X,\n2,b,,\n3,c,,\n4,d,Y,last\n")
    path = "application_reminder_options.reminders[0]"
    assert field(page, f"{path}.id").filled == 2
    assert field(page, f"{path}.name").filled == 2
    assert field(page, f"{path}.reminder_notice_id").filled == 2


def test_a_default_is_one_of_the_values(validated: Callable[..., ReportPage]) -> None:
    """It counts among the different values, and may be the smallest; of wrong values it makes nothing."""
    rule = "  status: {column: State, map: {C: error, D: draft}, default: completed}\n"
    status = field(validated(HEAD + rule, "Id,Name,State\n1,a,C\n2,b,\n3,c,D\n4,d,Q\n"), "status")
    assert status.distinct is not None
    assert (status.filled, status.distinct.count) == (3, 3)
    assert (status.smallest, status.largest) == ("completed", "error")


@pytest.mark.parametrize(
    ("rule", "cells", "ends"),
    [
        ('{column: V, number: {decimal: ","}}', ["9", "10,5", "-2", "100"], ("-2", "100")),
        ("{column: V, number: {}}", ["123456789012345678", "5"], ("5", "123456789012345678")),
        ("V", ["9", "10", "100"], ("10", "9")),
        ("{column: V, map: {a: 5, b: 40, c: x}}", ["a", "b", "c"], ("5", "40")),
    ],
    ids=["decimals", "digits", "text", "mixed"],
)
def test_numbers_are_ordered_as_numbers_and_text_as_text(
    validated: Callable[..., ReportPage], rule: str, cells: list[str], ends: tuple[str, str]
) -> None:
    """Also in fields of any kind; and every digit is shown."""
    rows = "".join(f'{number},a,"{cell}"\n' for number, cell in enumerate(cells))
    found = field(validated(f"{HEAD}  drop_options.v: {rule}\n", "Id,Name,V\n" + rows), "drop_options.v")
    assert (found.smallest, found.largest) == ends


def test_rows_of_a_reason_are_records_each_once(validated: Callable[..., ReportPage], shell: Shell) -> None:
    """A record with three wrong items is one row; its items are named by their places."""
    shell.write("rem.csv", "Run,Notice,No\n1,A,x\n1,B,y\n1,C,z\n3,D,4\n")
    page = validated(GROUPED, "Id,Name,Program\n1,a,P\n1,a,Q\n2,b,P\n3,c,P\n3,c,R\n")
    wrong = group(page, "number.format")
    assert (page.findings, wrong.rows, page.rows["invalid"]) == (3, 1, 1)
    assert [item.row for item in wrong.examples.items] == [
        RowPlace(number, number + 1, file="rem.csv") for number in (1, 2, 3)
    ]


def test_findings_fall_where_they_are_among_the_rows_of_groups(
    validated: Callable[..., ReportPage], shell: Shell
) -> None:
    """Three records of many rows: the last one's number is greater than three, and it is drawn."""
    shell.write("rem.csv", "Run,Notice,No\n3,A,x\n")
    rows = "".join(f"{group},a,P{row}\n" for group in (1, 2, 3) for row in range(40))
    page = validated(GROUPED, "Id,Name,Program\n" + rows)
    (positions,) = page.positions.items
    assert positions.records == 120
    assert (
        positions.counts.index(1) * positions.width
        <= 81
        <= (positions.counts.index(1) + 1) * (positions.width)
    )


def test_columns_that_items_are_made_of_are_used(validated: Callable[..., ReportPage], shell: Shell) -> None:
    """Those of the group's rows, the keys, and those of second files; what is left is listed, of either."""
    shell.write("rem.csv", "Run,Notice,No,Remark\n1,A,1,x\n")
    page = validated(GROUPED, "Id,Name,Program,Left\n1,a,P,x\n")
    assert page.unused.items == ("Left", "Remark (of rem.csv)")


def test_second_files_are_among_the_files(validated: Callable[..., ReportPage], shell: Shell) -> None:
    """With their fingerprint, since they are part of what is signed."""
    shell.write("rem.csv", "Run,Notice,No\n1,A,1\n9,B,2\n")
    page = validated(GROUPED, "Id,Name,Program\n1,a,P\n", "--tenant", "acme")
    (second,) = page.second_files.items
    summary = json.loads((shell.folder / "tried" / "summary.json").read_text())
    assert second.fingerprint == summary["approval"]["joined_files"][0]["sha256"]
    assert html_of(shell).count(second.fingerprint) == 2
    assert any("1 row belongs to no record" in item for item in page.notes.items)


def test_a_sample_has_all_rows_of_its_record(validated: Callable[..., ReportPage], shell: Shell) -> None:
    """Those of its group and of second files; and no column that is not the source's."""
    shell.write("rem.csv", "Run,Notice,No\n1,A,1\n")
    (sample,) = validated(GROUPED, "Id,Name,Program\n1,a,P\n1,a,Q\n").samples
    assert dict(sample.cells.items) == {
        **dict(zip(("Id", "Name", "Program"), ("1", "a", "P"), strict=True)),
        **{f"record 2: {name}": cell for name, cell in (("Id", "1"), ("Name", "a"), ("Program", "Q"))},
        **{f"rem.csv, record 1: {name}": cell for name, cell in (("Run", "1"), ("Notice", "A"), ("No", "1"))},
    }


def test_samples_are_records_that_would_be_sent(validated: Callable[..., ReportPage]) -> None:
    """An id that occurs twice is sent once; and there are three, though all payloads have one length."""
    page = validated(HEAD, "Id,Name\n1,a\n2,b\n2,a much longer name\n3,c\n4,d\n")
    assert [sample.place.record_no for sample in page.samples] == [1, 2, 4]


def test_examples_name_several_records_that_lack_the_same(validated: Callable[..., ReportPage]) -> None:
    """Five of them, with their ids, though no value tells them apart."""
    page = validated(HEAD, "Id,Name\n" + "".join(f"{number},\n" for number in range(1, 9)))
    (wrong,) = page.groups.items
    assert [item.place.external_id for item in wrong.examples.items] == ["1", "2", "3", "4", "5"]
    assert wrong.examples.more == 3


def test_records_of_other_widths_are_different_groups(validated: Callable[..., ReportPage]) -> None:
    """Too many cells is one reason and too few another; each record says how many it has."""
    page = validated(HEAD, "Id,Name,A,B\n1,a,,\n2,b,,,x\n3,c,,,y,z\n4,d\n")
    more, fewer = group(page, "row.too_many_cells"), group(page, "row.too_few_cells")
    assert (more.rows, fewer.rows) == (2, 1)
    assert [item.value for item in more.examples.items] == [
        f"has {cells} cells, but the header has 4" for cells in (5, 6)
    ]


def test_what_differs_in_its_numbers_has_one_heading(validated: Callable[..., ReportPage]) -> None:
    """The heading is true of every record below it, and each one has its own words."""
    page = validated(HEAD, "Id,Name,A\n1,\0,\n2,b,\0\n3,c,\n")
    (wrong,) = page.groups.items
    assert wrong.reason == "a NUL byte"
    assert [item.value for item in wrong.examples.items] == [f"cell {n} holds a NUL byte" for n in (2, 3)]


def test_no_default_is_proposed_for_ids(validated: Callable[..., ReportPage]) -> None:
    """With one, all rows without an id would be the same record."""
    page = validated(HEAD, "Id,Name\n,a\n1,b\n")
    assert "default" not in group(page, "external_id.empty").fix


def test_dates_are_shown_as_people_write_them(validated: Callable[..., ReportPage]) -> None:
    """DD.MM.YYYY, not %d.%m.%Y."""
    page = validated(f'{HEAD}  run_date: {{column: D, date: "%d.%m.%Y"}}\n', "Id,Name,D\n1,a,2019-01-01\n")
    assert group(page, "date.format").reason == "does not match the date format DD.MM.YYYY"
    assert "date DD.MM.YYYY" in field(page, "run_date").conversions


def test_many_wrong_values_do_not_hide_the_right_ones(
    validated: Callable[..., ReportPage], shell: Shell
) -> None:
    """3,000 values that no table knows come first: the right one behind them is still counted."""
    rows = "".join(f"{number},a,W{number}\n" for number in range(3_000)) + "x,a,C\ny,b,C\n"
    page = validated(f"{HEAD}  status: {{column: S, map: {{C: completed}}}}\n", "Id,Name,S\n" + rows)
    (table,) = page.tables.items
    assert (table.rows.items[0].source, table.rows.items[0].rows) == ("C", 2)
    assert table.wrong + table.others == 3_000
    assert f"and other values in {table.others:,} rows" in html_of(shell)


def test_without_a_tenant_nothing_can_be_signed(validated: Callable[..., ReportPage], shell: Shell) -> None:
    """`load --approved` refuses such a report, so the page has no line to sign on."""
    validated(HEAD, "Id,Name\n1,a\n")
    assert "Cannot be signed: no tenant to load into was named" in html_of(shell)
    assert "I approve" not in html_of(shell)
    validated(HEAD, "Id,Name\n1,a\n", "--tenant", "acme")
    assert "I approve loading 1 row into <bdi>acme</bdi>" in html_of(shell)


def test_what_could_not_be_read_to_its_end_cannot_be_signed(
    validated: Callable[..., ReportPage], shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so in its first sentence, and why."""
    from loader.errors import SourceLost  # noqa: PLC0415 - beside the one who raises it
    from loader.pipeline.validation.validator import Validator  # noqa: PLC0415 - likewise

    def broken(*_: object) -> None:
        raise SourceLost("rows.csv: the disk has gone")

    monkeypatch.setattr(Validator, "validate", broken)
    page = validated(HEAD, "Id,Name\n1,a\n", "--tenant", "acme")
    assert page.verdict.tone == "bad"
    assert page.unsignable == "not all rows were read"
    assert "the disk has gone" in html_of(shell)
    assert "I approve" not in html_of(shell)


def test_keys_that_were_not_looked_up_are_named(validated: Callable[..., ReportPage], shell: Shell) -> None:
    """Without a tenant none is, and the page says what is shown for ids; with one there is nothing to say."""
    mapping = f"{HEAD}  template_id: {{lookup: billing-template, column: T}}\n"
    validated(mapping, "Id,Name,T\n1,a,7\n")
    assert html_of(shell).count("&lt;billing-template KEY&gt; is shown in their place") == 3
    assert "What is already loaded." in html_of(shell)
    page = validated(mapping, "Id,Name,T\n1,a,7\n", "--tenant", "acme")
    assert (page.untried_lookups, page.rows["blocked"]) == ("", 1)
    assert "No row can be loaded yet: 1 of 1 row waits for other records." in html_of(shell)
    assert "and the 1 blocked row as soon as the records that it waits for exist" in html_of(shell)


def test_axes_of_few_findings_have_no_halves(validated: Callable[..., ReportPage], shell: Shell) -> None:
    """One finding is one, and there is no half of it."""
    validated(HEAD, "Id,Name\n1,a\n2,\n")
    assert ">0.5<" not in html_of(shell)


def test_the_external_id_is_a_field(validated: Callable[..., ReportPage]) -> None:
    """It is sent like the others, and its figures show whether all rows have one."""
    page = validated(HEAD, "Id,Name\n7,a\n8,b\n,c\n")
    first = page.fields.items[0]
    assert (first.path, first.comes_from, first.required) == ("sys_external_id", "column Id", True)
    assert (first.filled, first.smallest, first.largest) == (2, "7", "8")


def test_a_repeated_id_has_its_line(validated: Callable[..., ReportPage], shell: Shell) -> None:
    """On the page and in findings.csv, as any other finding."""
    page = validated(HEAD, "Id,Name\n1,a\n2,b\n1,c\n")
    assert page.groups.items[0].examples.items[0].place.line == 4
    assert "rows.csv,3,4,1,invalid" in (shell.folder / "tried" / "findings.csv").read_text()


def test_what_is_wrong_with_json_is_named(validated: Callable[..., ReportPage]) -> None:
    """Not only that it is wrong: what does not parse and what does not fit are two reasons."""
    mapping = f"{HEAD}  application_activation_options: {{json: J}}\n"
    cells = ['"{""program_ids"": 5}"', '"{""program_ids"": 7}"', '"{"']
    rows = "".join(f"{number},a,{cell}\n" for number, cell in enumerate(cells))
    page = validated(mapping, "Id,Name,J\n" + rows)
    assert [(item.code, item.rows) for item in page.groups.items] == [
        ("json.wrong_type", 2),
        ("json.syntax", 1),
    ]


def test_rows_in_doubt_do_not_hide_what_was_refused() -> None:
    """The sentence counts both."""
    rows = {"read": 600, "created": 15, "filtered": 6, "invalid": 11, "refused": 554, "in_doubt": 14}
    output = load_verdict(rows, "finished").sentence
    assert output == "15 of 600 rows are loaded; 565 are not, and 14 are in doubt."
