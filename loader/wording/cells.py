"""The wording of findings about cells: values that do not fit their field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.wording.misfits import MISFITS_OF_JSON
from loader.wording.phrases import Wording, choose, render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import Finding


def _column_is_empty(finding: Finding) -> str:
    if finding.column is None:
        return "it has no value"
    return render("{source_column} ", finding) + ("are empty" if ", " in finding.column else "is empty")


def _required(finding: Finding) -> str:
    return f"{finding.field or 'a field'} is required, but {_column_is_empty(finding)}"


def _external_id_required(finding: Finding) -> str:
    return f"the external id is required, but {_column_is_empty(finding)}"


def _fill_in(finding: Finding) -> str:
    if finding.column is None:
        return render("Give {field} a value, or set a `default` for it in the mapping.", finding)
    return render("Fill in {source_column}, or set a `default` for {field} in the mapping.", finding)


def _fill_in_id(finding: Finding) -> str:
    where = "" if finding.column is None else render(" in {source_column}", finding)
    return f"Give each of these rows its own id{where}; a later load recognizes them by it."


def _number_format(finding: Finding) -> str:
    grouped = finding.params.get("thousands")
    behind = f" and digits grouped by '{grouped}'" if grouped else ""
    return f"a number with the decimal sign '{finding.params.get('decimal', '…')}'{behind}"


def _other_first(finding: Finding) -> str:
    if finding.value is None:
        return "the cell differs from the first row of its record"
    if finding.params.get("first") is None:
        return f'"{finding.value}" differs from the first row of its record, where the cell is empty'
    first = finding.params["first"]
    return f'"{finding.value}" differs from the first row of its record, which has "{first}"'


CELLS: Final[Mapping[str, Wording]] = {
    "required.empty": Wording(
        message=_required,
        expected="a value",
        fix=_fill_in,
        reason="required, but empty",
        with_field=False,
    ),
    "external_id.empty": Wording(
        message=_external_id_required,
        expected="an id in each row",
        fix=_fill_in_id,
        reason="required, but empty",
        with_field=False,
    ),
    "date.format": Wording(
        message="{found} does not match the date format {formats}",
        expected="a date in the format {formats}",
        fix="Correct {cells}, or add their format to `date` of {field} in the mapping.",
        reason="does not match the date format {letters}",
    ),
    "date.iso_format": Wording(
        message="{found} is not an ISO 8601 date or time",
        expected="an ISO 8601 date (2024-01-31) or time (2024-01-31T08:30:00Z)",
        fix="Correct {cells}, or give their format with `date` of {field} in the mapping.",
        reason="not an ISO 8601 date or time",
    ),
    "date.out_of_range": Wording(
        message="{found} is not a date in the years 1 to 9999",
        expected="a date in the years 1 to 9999",
        fix="Correct {cells}.",
        reason="not a date in the years 1 to 9999",
    ),
    "datetime.format": Wording(
        message=choose(
            "timezone",
            "{found} does not match the time format {formats} or does not exist exactly once in {timezone}",
            "{found} does not match the time format {formats}",
        ),
        expected=choose(
            "timezone",
            "a time in the format {formats} that exists exactly once in {timezone}",
            "a time in the format {formats}",
        ),
        fix="Correct {cells}, or add their format to `datetime` of {field} in the mapping.",
        reason=choose(
            "timezone",
            "does not match the time format {letters}, or does not exist exactly once in {timezone}",
            "does not match the time format {letters}",
        ),
    ),
    "datetime.not_once": Wording(
        message="{found} does not exist exactly once in {timezone}",
        expected="a time that exists exactly once in {timezone}",
        fix="Correct {cells}: when clocks change in {timezone}, an hour is skipped or repeated.",
        reason="does not exist exactly once in {timezone}",
    ),
    "number.format": Wording(
        message=lambda finding: f"{render('{found}', finding)} is not {_number_format(finding)}",
        expected=_number_format,
        fix="Correct {cells}, or change `number` of {field} in the mapping to match them.",
        reason=lambda finding: f"not {_number_format(finding)}",
    ),
    "number.plain_format": Wording(
        message="{found} is not a number",
        expected="a number such as 1234.5",
        fix="Correct {cells}, or describe their form with `number` of {field} in the mapping.",
        reason="not a number",
    ),
    "number.minimum": Wording(
        message="{found} is less than {minimum}",
        expected="{minimum} or more",
        fix="Correct {cells}: {field} takes {minimum} or more.",
        reason="less than {minimum}",
    ),
    "number.not_finite": Wording(
        message="{found} is not a finite number",
        expected="a finite number",
        fix="Correct {cells}, or leave such cells empty.",
        reason="not a finite number",
    ),
    "boolean.word": Wording(
        message="{found} is not one of the words for true and false: {allowed}",
        expected="one of {allowed}",
        fix="Correct {cells}, or add these words to `boolean` of {field} in the mapping.",
        reason="not one of the words for true and false",
    ),
    "boolean.default_word": Wording(
        message="{found} is not true or false",
        expected="true or false, yes or no, y or n, t or f, 1 or 0",
        fix="Correct {cells}, or list their words under `boolean` of {field} in the mapping.",
        reason="not true or false",
    ),
    "relative_date.phrase": Wording(
        message="{found} is not a relative date",
        expected='a phrase such as "30 days before the end of the month" or "on the reference date"',
        fix="Correct {cells}, or translate them with `map` of {field} in the mapping.",
        reason="not a relative date",
    ),
    "enum.value": Wording(
        message="{found} is not one of {allowed}",
        expected="one of {allowed}",
        fix="Correct {cells}, or translate them to an allowed value with `map` of {field} in the mapping.",
        reason="not an allowed value",
    ),
    "map.no_entry": Wording(
        message="{found} is not in the table of `map`",
        expected="one of {allowed}",
        fix="Correct {cells}, or add these values to `map` of {field} in the mapping.",
        reason="not in the mapping's table",
    ),
    "sql.failed": Wording(
        message=lambda finding: f"the SQL cannot be computed with {finding.value or 'the cells of this row'}",
        expected="cells that the SQL can be computed with",
        fix="Correct {cells}, or change the SQL of {field} in the mapping so that it takes them.",
        reason="the SQL cannot be computed",
    ),
    "group.cells_differ": Wording(
        message=_other_first,
        expected="the same value as in the first row of its record",
        fix="Make {cells} the same in all rows of a record.",
        reason="differs among the rows of one record",
    ),
    "lookup.not_found": Wording(
        message=choose(
            "tenant",
            "no load into tenant {tenant} has created the {record_type} {found}",
            "no load has created the {record_type} {found}",
        ),
        expected="the external id of a {record_type} that a load has created",
        fix="Load these {record_type} records first, then load these rows again; or correct {cells}.",
        reason="names a {record_type} that no load has created",
    ),
    "lookup.in_doubt": Wording(
        message="load {load_id} sent the {record_type} {found}, but it is unknown whether it was stored",
        expected="the external id of a {record_type} that a load has created",
        fix="Run `loader reconcile {load_id}`, then load these rows again.",
        reason="names a {record_type} that is in doubt in load {load_id}",
    ),
    "lookup.no_id": Wording(
        message="the {record_type} {found} was reported as created by load {load_id}, but without its id",
        expected="the external id of a {record_type} with a known id",
        fix="Give load {load_id} the ids of these {record_type} records, then load these rows again.",
        reason="names a {record_type} without a known id",
    ),
    "excel.error_value": Wording(
        message="cell {cell} in {source_column} holds the error {error}",
        expected="a value",
        fix="Correct these cells in the workbook, or list {error} in `source.null_values`.",
        reason="a cell with an error value",
    ),
    "excel.formula_without_value": Wording(
        message="cell {cell} in {source_column} holds a formula without a value",
        expected="a value",
        fix="Open the workbook in Excel and save it, so that its formulas have values.",
        reason="a formula without a value",
    ),
    **MISFITS_OF_JSON,
}
