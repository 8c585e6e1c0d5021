"""The wording of what `loader check` finds in a mapping: the document, its keys, fields and columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.wording.phrases import Wording, choose, listed, names_of, render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.findings import Finding
    from loader.wording.phrases import Text

_NAME: Final = choose("suggestion", "Write '{suggestion}' instead.", "Use one of {allowed}.")


def _in_field(text: str, key_name: str | None = None) -> Text:
    """Return a text about a key, with the field in front where that is not the key itself.

    Args:
        text: The template.
        key_name: The key; None: the parameter `key`.
    """

    def rendered(finding: Finding) -> str:
        key = key_name or finding.params.get("key")
        prefix = "" if finding.field in {"", key} else f"{finding.field}: "
        return prefix + render(text, finding)

    return rendered


def _invalid_value(finding: Finding) -> str:
    params = finding.params
    key = f"{params['key']}: " if params.get("key") else ""
    got = f", found {params['got']}" if "got" in params else ""
    if takes := _takes(finding):
        return f"{key}expected {takes}{got}"
    return f"{key}{params.get('words', '…')}{got}"


def _takes(finding: Finding) -> str:
    """Return what a key takes; nothing where that is not what is wrong."""
    return listed(names_of(finding, "takes"), " or ")


def _holds(text: str) -> str:
    return f"{{source_column}} holds {{type}}, {text}"


def _with_next_step(finding: Finding) -> str:
    """Return the next step of an error of the source, as a sentence."""
    step = str(finding.params.get("next_step") or "check the file").strip()
    return f"{step[:1].upper()}{step[1:].rstrip('.')}."


DOCUMENT: Final[Mapping[str, Wording]] = {
    "yaml.syntax": Wording(
        message="not valid YAML: {words}",
        expected="valid YAML",
        fix="Correct the YAML at this place; often a quote, an indent or a space after a colon is missing.",
    ),
    "yaml.too_large": Wording(
        message="the YAML is too large or too deep, or an anchor contains itself",
        fix="Use fewer entries and levels, and no anchor inside of itself.",
    ),
    "yaml.bad_character": Wording(
        message="the character {character} is not allowed in YAML",
        fix="Remove the character.",
    ),
    "yaml.surrogate": Wording(
        message="half of a surrogate pair is not a character",
        fix="Remove the half, or complete the pair.",
    ),
    "yaml.duplicate_key": Wording(
        message="the key '{key}' is used twice, again in line {line}",
        expected="each key once",
        fix="Remove one of the two keys, or merge them.",
    ),
    "mapping.not_object": Wording(
        message="not a mapping: expected a YAML object with the keys `resource` and `fields`",
        fix="Write `resource` and `fields`, or let `loader init` propose a mapping.",
    ),
    "mapping.unknown_record_type": Wording(
        message=_in_field("unknown record type '{record_type}'", "resource"),
        expected="one of {allowed}",
        fix=_NAME,
        with_field=False,
    ),
    "mapping.no_external_id": Wording(
        message="`external_id` is missing: a later load cannot recognize rows that this one sent",
        fix="Set `external_id` to the column that identifies a row.",
        with_field=False,
    ),
    "mapping.unknown_key": Wording(
        message=_in_field("unknown key '{key}'"),
        expected="one of {allowed}",
        fix=_NAME,
        with_field=False,
    ),
    "mapping.missing_key": Wording(
        message=_in_field("the key '{key}' is missing"), fix="Add '{key}'.", with_field=False
    ),
    "mapping.invalid_value": Wording(
        message=_invalid_value,
        expected=_takes,
        fix=choose("suggestion", "Write '{suggestion}' instead.", "Correct the value, or remove the key."),
    ),
    "source.unreadable": Wording(message="{words}", fix=_with_next_step),
    "mapping.second_file": Wording(message="{words}", fix=_with_next_step),
}

FIELDS: Final[Mapping[str, Wording]] = {
    "mapping.unknown_field": Wording(
        message=choose("parent", "unknown field '{name}' in {parent}", "unknown field '{name}'"),
        expected=choose("allowed", "one of {allowed}", "a field of {record_type}"),
        fix=choose(
            "suggestion",
            "Write '{suggestion}' instead.",
            choose(
                "record_type",
                "Run `loader schema {record_type}` for the fields.",
                "Use one of {allowed}.",
            ),
        ),
        with_field=False,
    ),
    "mapping.no_members": Wording(
        message="{field} takes {takes} and has no fields of its own",
        fix="Write a rule for {field} itself.",
        with_field=False,
    ),
    "mapping.not_a_list": Wording(
        message="{field} takes {takes}, not a list",
        fix="Write one rule in place of the list.",
        with_field=False,
    ),
    "mapping.not_a_rule": Wording(
        message=choose(
            "empty",
            "expected the name of a column, a rule, or fields with rules, found nothing",
            "expected the name of a column, a rule, or fields with rules",
        ),
        fix="Write the name of a column, or a rule such as `value: draft`.",
    ),
    "mapping.duplicate_rule": Wording(
        message="{field} has two rules",
        expected="one rule for each field",
        fix="Remove one of the two rules.",
        with_field=False,
    ),
    "mapping.server_field": Wording(
        message="{field} cannot be mapped: the server assigns it",
        fix="Remove this rule.",
        with_field=False,
    ),
    "mapping.loader_field": Wording(
        message="{field} cannot be mapped: the loader fills it",
        fix="Remove this rule.",
        with_field=False,
    ),
    "mapping.external_id_field": Wording(
        message="{field} cannot be mapped: it comes from `external_id`",
        fix="Remove this rule, and set `external_id` of the mapping.",
        with_field=False,
    ),
    "mapping.server_state": Wording(
        message="{field} is state of the server and should not be sent",
        fix="Remove this rule, unless you copy records with their state.",
        with_field=False,
    ),
    "mapping.required_null": Wording(
        message="{field} is required, but its value is null",
        expected="a value",
        fix="Give {field} a value or a column.",
        with_field=False,
    ),
    "mapping.required_unmapped": Wording(
        message="{field} is required, but has no rule",
        expected="a rule for {field}",
        fix="Add a rule for {field}.",
        with_field=False,
    ),
}

COLUMNS: Final[Mapping[str, Wording]] = {
    "mapping.unknown_column": Wording(
        message="{second_file} has no {source_column}",
        expected="one of {allowed}",
        fix=_NAME,
    ),
    "mapping.unused_columns": Wording(
        message=choose("second_file", "unused columns of {second_file}: {names}", "unused columns: {names}"),
        fix="Map these columns, or list them under `ignore`.",
        with_field=False,
    ),
    "mapping.idle_pattern": Wording(
        message="no column matches '{pattern}'",
        fix="Correct the pattern, or remove it.",
        with_field=False,
    ),
    "column.unusable_type": Wording(
        message=_holds("which no payload can hold"),
        fix="Convert the column in the source, or remove this rule.",
    ),
    "column.lookup_key_type": Wording(
        message=_holds("but the key of a lookup is text"),
        expected="a column of single values",
        fix="Name a column of single values.",
    ),
    "column.nested_type": Wording(
        message=_holds("but `{origin}` reads single values"),
        expected="a column of single values",
        fix="Write `column` in place of `{origin}`.",
    ),
    "column.takes_one": Wording(
        message=_holds("but the field takes {takes}"),
        expected="{takes}",
        fix="Name a column of single values, or compute one in the source.",
    ),
    "column.not_a_list": Wording(
        message=_holds("but the field takes a list"),
        expected="a list",
        fix='Add `split` with the separator, such as `split: ";"`, or write a list of rules.',
    ),
    "column.not_objects": Wording(
        message=_holds("but the field takes objects"),
        expected="objects",
        fix=choose(
            "relative_date",
            "Add `relative_date: true`, or write rules for the fields of the object.",
            "Write `json` in place of `column`, or write rules for the fields of the object.",
        ),
    ),
    "column.not_comparable": Wording(
        message=_holds("which cannot tell rows apart"),
        expected="a column of single values",
        fix="Name a column of single values.",
    ),
    "group.unused": Wording(
        message="no list uses `each`: only the first row of a group is used",
        fix="Add `each` to a list, or remove `group_by`.",
    ),
    "lookup.nothing_created": Wording(
        message="no load into tenant {tenant} has created a {record_type} yet: rows with a key in {names} "
        "will be blocked",
        fix="Load the {record_type} records first.",
        with_field=False,
    ),
    "lookup.not_tried": Wording(
        message="ids of {record_type} for {names} were not looked up, since there is no tenant: "
        "<{record_type} KEY> is shown in their place",
        fix="Pass `--tenant` to look them up.",
        with_field=False,
    ),
    "lookup.own_type": Wording(
        message="keys of {record_type} in {names} count as found: this load may create them itself",
        fix="No action is needed; rows with keys that stay unknown are blocked when you load.",
        with_field=False,
    ),
}
