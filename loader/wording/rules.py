"""The wording of what `loader check` finds in the rules of a mapping: origins, conversions, SQL, lookups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.wording.phrases import Wording, choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import Finding


def _keys(finding: Finding, last: str = " and ") -> str:
    value = finding.params.get("keys")
    return last.join(f"`{key}`" for key in value) if isinstance(value, list) else "…"


RULES: Final[Mapping[str, Wording]] = {
    "rule.no_origin": Wording(
        message="the rule has no origin",
        expected="one of {allowed}",
        fix="Add one of {allowed}.",
    ),
    "rule.several_origins": Wording(
        message=lambda finding: f"the rule has several origins: {_keys(finding)}",
        expected="one of {allowed}",
        fix="Keep one of them.",
    ),
    "rule.empty_key": Wording(
        message="`{key}` needs a value",
        fix="Write the value of `{key}`, or remove the key.",
    ),
    "rule.needs_key": Wording(
        message="`{key}` needs `{needs}`",
        fix="Add `{needs}`, or remove `{key}`.",
    ),
    "rule.bad_format": Wording(
        message="{format} is not a {kind} format",
        expected="strftime codes such as %d.%m.%Y",
        fix="Write strftime codes, such as %d.%m.%Y.",
    ),
    "rule.incomplete_format": Wording(
        message="{format} does not have all parts of a {kind}",
        expected="codes for all parts of a {kind}",
        fix="Add the missing codes, such as %d, %m and %Y.",
    ),
    "rule.unknown_timezone": Wording(
        message="unknown time zone '{timezone}'",
        expected="a name such as Europe/Berlin",
        fix="Write the zone as Area/City, such as Europe/Berlin.",
    ),
    "rule.conversions_conflict": Wording(
        message=lambda finding: f"{_keys(finding)} cannot be combined",
        expected="one of them",
        fix="Keep one of them.",
    ),
    "rule.conversion_misfit": Wording(
        message="`{key}` does not fit: {field} takes {takes}",
        expected="{takes}",
        fix="Remove `{key}`, or move this rule to another field.",
        with_field=False,
    ),
    "rule.split_misfit": Wording(
        message="`split` makes a list, but {field} takes one value",
        expected="one value",
        fix="Remove `split`.",
        with_field=False,
    ),
    "rule.objects_expected": Wording(
        message="{field} takes objects",
        expected="objects",
        fix=choose(
            "relative_date",
            "Add `relative_date: true`, write rules for the fields, or use `json`.",
            "Write rules for the fields of the object, or use `json`.",
        ),
        with_field=False,
    ),
    "rule.list_expected": Wording(
        message="{field} takes a list",
        expected="a list",
        fix="Add `split` with the separator, or write a list of rules.",
        with_field=False,
    ),
    "rule.idle_conversion": Wording(
        message="`{key}` has no effect: `{origin}` is used as it is",
        fix="Remove `{key}`.",
    ),
    "rule.same_signs": Wording(
        message="'{sign}' cannot be both the decimal sign and the thousands separator",
        expected="two different signs",
        fix=choose("key", "Add `{key}` with the other sign.", "Change `decimal` or `thousands`."),
    ),
    "rule.ambiguous_word": Wording(
        message="'{word}' cannot mean both true and false",
        expected="different words",
        fix="Remove '{word}' from one of the two lists.",
    ),
    "external_id.not_text": Wording(
        message="the external id is text and takes no `split` and no `date`, `datetime`, `number`, `boolean` "
        "or `relative_date`",
        expected="text",
        fix="Remove these conversions.",
        with_field=False,
    ),
    "external_id.not_from_row": Wording(
        message="the external id comes from the row and takes no `value`, `json`, `default` or `lookup`",
        expected="a column, template or SQL",
        fix="Name the column that identifies a row.",
        with_field=False,
    ),
    "template.brace": Wording(
        message="'{brace}' does not name a column",
        expected="a column between braces",
        fix="Name a column between braces, or write {{{{ or }}}} for a brace.",
    ),
    "sql.syntax": Wording(
        message="the SQL is not valid: {words}",
        fix="Correct the SQL at this place.",
    ),
    "sql.many_rows": Wording(
        message="the SQL reads other rows; aggregates and windows are not allowed",
        expected="SQL over the columns of one row",
        fix="Use only columns of the same row.",
    ),
    "sql.columns": Wording(
        message="the SQL does not fit the columns: {words}",
        fix="Correct the SQL, or cast the columns in it.",
    ),
    "sql.unusable_type": Wording(
        message="the SQL returns {type}, which no payload can hold",
        fix="Cast the result, for example to VARCHAR.",
    ),
    "sql.list": Wording(
        message="the SQL returns {type}, but {field} takes one value",
        expected="one value",
        fix="Change the SQL so that it returns one value.",
        with_field=False,
    ),
    "sql.not_boolean": Wording(
        message="the SQL returns {type}, but a filter is true or false",
        expected="true or false",
        fix="Compare the value with another one, such as `State = 'C'`.",
    ),
}

LOOKUPS: Final[Mapping[str, Wording]] = {
    "lookup.no_column": Wording(
        message="`lookup` needs the column of the key",
        expected="`lookup: RESOURCE, column: NAME`",
        fix="Add `column` with the name of the column.",
    ),
    "lookup.wrong_reference": Wording(
        message="{field} holds the id of a {expected_type}, not of a {record_type}",
        expected="`lookup: {expected_type}`",
        fix="Write `lookup: {expected_type}`.",
        with_field=False,
    ),
    "lookup.enum_field": Wording(
        message="{field} takes one of {allowed}, but a lookup gives an id",
        expected="one of {allowed}",
        fix="Remove `lookup`.",
        with_field=False,
    ),
    "lookup.field_type": Wording(
        message="{field} takes {takes}, but a lookup gives an id",
        expected="{takes}",
        fix="Remove `lookup`.",
        with_field=False,
    ),
    "lookup.conversion": Wording(
        message="`{key}` does not fit: the key of a lookup is text",
        expected="text",
        fix="Remove `{key}`.",
    ),
    "lookup.key_type": Wording(
        message="the value {got} of '{key}' does not fit: the key of a lookup is text",
        expected="text",
        fix="Write the value as text, in quotes.",
    ),
}

LISTS: Final[Mapping[str, Wording]] = {
    "each.no_group": Wording(
        message="`each` makes an item of every row of a record, but every record has one row",
        expected="`group_by` or `rows`",
        fix="Set `group_by` to the column that groups rows, or name a second file with `rows` and `key`.",
    ),
    "each.no_column": Wording(
        message="`each` reads no column of its rows",
        expected="a column",
        fix="Name a column in `each`.",
    ),
    "each.no_key": Wording(
        message="`rows` needs `key`, the column of the second file that names the record",
        fix="Add `key`.",
    ),
    "each.lone_key": Wording(
        message=lambda finding: f"{_keys(finding)} cannot be used without `rows`",
        fix="Add `rows` with the name of a second file.",
    ),
    "each.nested": Wording(
        message="`each` cannot be used inside an item of a list",
        fix="Move `each` to the outer list.",
    ),
    "each.not_a_list": Wording(
        message="`each` makes a list, but {field} takes {takes}",
        expected="a list field",
        fix="Write a rule in place of `each`.",
        with_field=False,
    ),
    "each.several_rules": Wording(
        message="`each` takes one rule or one object of rules, not a list",
        fix="Keep one rule.",
    ),
    "each.two_sources": Wording(
        message="{second_file} is read in two ways",
        expected="the same `source` everywhere",
        fix="Write the same `source` wherever {second_file} is used.",
    ),
}
