"""The wording of what `loader check` finds when it runs the examples of a mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.wording.phrases import Wording, choose, select

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLES: Final[Mapping[str, Wording]] = {
    "example.row_or_rows": Wording(
        message="an example has either `row` or `rows`",
        fix="Keep `row` for one row, or `rows` for the rows of one group.",
    ),
    "example.payload_or_errors": Wording(
        message=select(
            "has",
            {"both": "example {example} has both `payload` and `errors`"},
            "example {example} has neither `payload` nor `errors`",
        ),
        expected="`payload` or `errors`",
        fix="Write `payload` for what the row becomes, or `errors` for the fields that are wrong.",
        with_field=False,
    ),
    "example.cell_type": Wording(
        message="example {example}: {source_column} holds {type}, but this value does not",
        expected="{type}",
        fix="Write a value that the column can hold.",
        with_field=False,
    ),
    "example.rows_without_group": Wording(
        message="`rows` is for the rows of one group, but the mapping has no `group_by`",
        fix="Write `row`, or set `group_by`.",
        with_field=False,
    ),
    "example.unknown_second_file": Wording(
        message="no list uses rows of '{second_file}'",
        fix=choose("suggestion", "Write '{suggestion}' instead.", "Remove these rows."),
        with_field=False,
    ),
    "example.unread_column": Wording(
        message="no rule reads {source_column}",
        fix=choose("suggestion", "Write '{suggestion}' instead.", "Remove this cell."),
        with_field=False,
    ),
    "example.no_payload": Wording(
        message=select(
            "state",
            {"filtered": "example {example} has no payload: `where` filters the row out"},
            "example {example} has no payload: the row has errors",
        ),
        expected="a payload",
        fix="Correct the row or the rules, or list the wrong fields under `errors`.",
        with_field=False,
    ),
    "example.filled_field": Wording(
        message="{field} is not compared: the loader fills it when the row is loaded",
        fix="Remove {field} from the example.",
        with_field=False,
    ),
    "example.differs": Wording(
        message="example {example}: {field} differs from what is expected",
        fix=choose(
            "suggestion",
            "Write '{suggestion}' instead, or correct the rule.",
            "Correct the rule of {field}, or the example.",
        ),
        with_field=False,
    ),
    "example.filtered": Wording(
        message="example {example} has no errors: `where` filters the row out before it is checked",
        expected="a row that `where` keeps",
        fix="Correct the row or `where`.",
        with_field=False,
    ),
    "example.no_error": Wording(
        message="example {example}: {field} has no error",
        expected="an error in {field}",
        fix=choose(
            "suggestion",
            "Write '{suggestion}' instead.",
            "Take {field} out of `errors`, or correct the rule.",
        ),
        with_field=False,
    ),
    "example.unexpected_error": Wording(
        message="example {example}: {field} has an error",
        expected="no errors",
        fix="Correct the row or the rule of {field}.",
        with_field=False,
    ),
    "example.more_errors": Wording(
        message="example {example}: {field} has an error, too",
        fix="Add {field} to `errors`, or correct the row.",
        with_field=False,
    ),
}
