"""What is wrong with a mapping's rules by themselves and for their fields, before any source is known."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.mapping import conversions
from loader.mapping.check_lookup import check_lookup
from loader.mapping.expressions import TextError, sql_expression, template_parts
from loader.mapping.grammar import PARSING
from loader.mapping.tree import Leaf, ObjectNode, all_leaves, child_nodes, unfillable
from loader.resources.fields import TAKES, FieldKind
from loader.resources.misfits import check_value, shown_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.mapping.findings import Findings
    from loader.mapping.tree import Node
    from loader.mapping.yaml_paths import YamlPath
    from loader.resources.fields import Field

_FITTING: Final = {
    FieldKind.TEXT: {"date", "datetime"},
    FieldKind.DATE: {"date", "datetime"},
    FieldKind.NUMBER: {"number"},
    FieldKind.BOOLEAN: {"boolean"},
    FieldKind.OBJECT: {"relative_date"},
    FieldKind.ANY: set(PARSING),
}
"""Which of them may fill which kind of field."""

_WITHOUT_EFFECT: Final = frozenset({"json", "value"})
"""Origins that give a value for the payload as it is, without conversions."""

_HARMLESS: Final = frozenset({"trim", "null_if", "default"})
"""Conversions that may be beside them."""


def check_tree(tree: ObjectNode, record_types: Sequence[str], findings: Findings) -> None:
    """Check all rules of a tree; `check_required` finds the fields that have none.

    Args:
        tree: The mapping's fields.
        record_types: The names of all record types.
        findings: What is wrong goes in here.
    """
    for leaf in all_leaves(tree):
        # Of a rule that lost wrong keys only what is left can be checked, not what it lacks.
        is_complete = not findings.wrong_at(leaf.yaml_path)
        _check_rule(leaf, findings)
        if leaf.rule.origin == "lookup":
            check_lookup(leaf, record_types, findings)
        else:
            _check_fit(leaf, findings, is_complete=is_complete)
        _check_constants(leaf, findings, is_complete=is_complete)


def check_external_id(leaf: Leaf, findings: Findings) -> None:
    """Check the rule of the external id, which is no field of the record type's own."""
    _check_rule(leaf, findings)
    rule = leaf.rule
    if rule.split or any(name in rule.conversions for name in PARSING):
        findings.add("external_id.not_text", leaf.yaml_path, leaf.path)
    if rule.origin in {"value", "json", "lookup"} or rule.default is not None:
        findings.add("external_id.not_from_row", leaf.yaml_path, leaf.path)


def check_where(where: str | None, findings: Findings) -> None:
    """Check the filter's SQL."""
    if where is not None:
        try:
            sql_expression(where)
        except TextError as error:
            findings.add_error(error, ("where",), "where")


def check_required(node: Node, findings: Findings) -> None:
    """Check that required fields have a rule that can give a value."""
    if isinstance(node, Leaf):
        if node.target.required and node.rule.origin == "value" and node.rule.value is None:
            findings.add("mapping.required_null", (*node.yaml_path, "value"), node.path, part="value")
        return
    if isinstance(node, ObjectNode):
        for name, child in (node.target.children or {}).items():
            if child.required and name not in node.members and name not in node.failed:
                for path in unfillable(child, node.path_of(name)):
                    findings.add("mapping.required_unmapped", ("fields",), path)
    for member in child_nodes(node):
        check_required(member, findings)


# --- The rule by itself ----------------------------------------------------------------------------------


def _check_rule(leaf: Leaf, findings: Findings) -> None:
    """Check what a rule says, whatever field it fills."""
    rule, place, path = leaf.rule, leaf.yaml_path, leaf.path
    try:
        if rule.template is not None:
            template_parts(rule.template)
        if rule.sql is not None:
            sql_expression(rule.sql)
    except TextError as error:
        findings.add_error(error, (*place, rule.origin), path)
    _check_formats(leaf, findings)
    if rule.timezone is not None and not _is_timezone(rule.timezone):
        at = (*place, "timezone")
        findings.add("rule.unknown_timezone", at, path, part="value", timezone=rule.timezone)
    _check_signs(leaf, findings)
    _check_words(leaf, findings)
    for name in rule.conversions if rule.origin in _WITHOUT_EFFECT else ():
        if name not in _HARMLESS and getattr(rule, name):
            findings.add("rule.idle_conversion", (*place, name), path, key=name, origin=rule.origin)


def _check_formats(leaf: Leaf, findings: Findings) -> None:
    rule = leaf.rule
    for key, kind, formats in (("date", "date", rule.date), ("datetime", "time", rule.datetime)):
        for index, text in enumerate(formats):
            if code := _format_problem(text, has_time=kind == "time"):
                at = (*leaf.yaml_path, key, index)
                findings.add(code, at, leaf.path, part="value", format=text, kind=kind)


def _format_problem(text: str, *, has_time: bool) -> str | None:
    """Return the code of what is wrong with a strftime format; None: nothing.

    A moment is written by it and read back: so all that Polars takes is taken, and the day must survive.
    """
    chrono = conversions.chrono_format(text)
    zone = "UTC" if has_time else None
    moment = pl.Series([datetime(2019, 3, 31, 8, 30, 15)]).dt.replace_time_zone(zone)  # noqa: DTZ001 - just got one
    try:
        written = moment.dt.strftime(chrono)
        if has_time:
            parsed = written.str.to_datetime(chrono, strict=False)
        else:
            parsed = written.str.to_date(chrono, strict=False)
    except (pl.exceptions.PolarsError, ValueError):
        return "rule.bad_format"
    return "rule.incomplete_format" if parsed.dt.date()[0] != moment.dt.date()[0] else None


def _is_timezone(name: str) -> bool:
    try:
        pl.Series([datetime(2019, 3, 31)]).dt.replace_time_zone(name)  # noqa: DTZ001 - it is to get one
    except (pl.exceptions.PolarsError, ValueError):
        return False
    return True


def _check_signs(leaf: Leaf, findings: Findings) -> None:
    number = leaf.rule.number
    if number is None or number.thousands != number.decimal:
        return
    named = "thousands" if "thousands" in number.model_fields_set else "decimal"
    findings.add(
        "rule.same_signs",
        (*leaf.yaml_path, "number", named),
        leaf.path,
        part="value",
        sign=number.decimal,
        key=None if "decimal" in number.model_fields_set else "decimal",
    )


def _check_words(leaf: Leaf, findings: Findings) -> None:
    words = leaf.rule.boolean
    for index, word in enumerate(words.false if words else ()):
        if words and word in words.true:
            at = (*leaf.yaml_path, "boolean", "false", index)
            findings.add("rule.ambiguous_word", at, leaf.path, part="value", word=word)


# --- The rule for its field ------------------------------------------------------------------------------


def _check_fit(leaf: Leaf, findings: Findings, *, is_complete: bool) -> None:
    """Check conversions against the field."""
    rule, place = leaf.rule, leaf.yaml_path
    parsing = [name for name in PARSING if name in rule.conversions and getattr(rule, name)]
    if len(parsing) > 1:
        findings.add("rule.conversions_conflict", (*place, parsing[-1]), leaf.path, keys=[*parsing])
    for name in parsing:
        if not _fits(name, leaf.item):
            takes = TAKES[leaf.item.kind]
            findings.add("rule.conversion_misfit", (*place, name), leaf.path, key=name, takes=takes)
    if rule.split and leaf.target.kind not in {FieldKind.LIST, FieldKind.ANY}:
        findings.add("rule.split_misfit", (*place, "split"), leaf.path)
    # Of a column, the source's type decides; what a wrong key was meant for cannot be known.
    if is_complete and not parsing and rule.origin not in {"value", "json", "column"}:
        _check_shape(leaf, findings)


def _fits(conversion: str, item: Field) -> bool:
    if conversion == "relative_date" and item.kind is FieldKind.OBJECT:
        return item.is_relative_date
    return conversion in _FITTING.get(item.kind, ())


def _check_shape(leaf: Leaf, findings: Findings) -> None:
    """Check that a rule that gives text fills no field of objects, and one of lists only with `split`."""
    if leaf.item.kind is FieldKind.OBJECT:
        relative_date = leaf.item.is_relative_date or None
        findings.add("rule.objects_expected", leaf.yaml_path, leaf.path, relative_date=relative_date)
    elif leaf.target.kind is FieldKind.LIST and not leaf.rule.split:
        findings.add("rule.list_expected", leaf.yaml_path, leaf.path)


# --- Constants -------------------------------------------------------------------------------------------


def _check_constants(leaf: Leaf, findings: Findings, *, is_complete: bool) -> None:
    """Check what goes into the payload as it is written."""
    rule, item = leaf.rule, leaf.item
    if "value" in rule.model_fields_set:
        _check_constant(rule.value, leaf.target, leaf, ("value",), findings)
    _check_constant(rule.default, leaf.target, leaf, ("default",), findings)
    # A wrong key may have been the conversion that parses what a table gives.
    if not (is_complete or item.enum) or _parses_its_table(leaf):
        return
    for key, value in (rule.map or {}).items():
        _check_constant(value, item, leaf, ("map", key), findings)
    _check_constant(getattr(rule.otherwise, "value", None), item, leaf, ("otherwise", "value"), findings)


def _parses_its_table(leaf: Leaf) -> bool:
    """Return whether what a table gives is text that the rule or the field's own type parses."""
    rule = leaf.rule
    outside = getattr(rule.otherwise, "value", None)
    values = [value for value in (*(rule.map or {}).values(), outside) if value is not None]
    if not all(isinstance(value, str) for value in values):
        return False
    parsed_kinds = {FieldKind.NUMBER, FieldKind.BOOLEAN, FieldKind.OBJECT}
    return leaf.item.kind in parsed_kinds or any(name in rule.conversions for name in PARSING)


def _check_constant(value: Any, target: Field, leaf: Leaf, keys: YamlPath, findings: Findings) -> None:
    """Check a constant of a rule against its field; a null is none.

    Args:
        value: The constant.
        target: The field that it fills.
        leaf: The rule.
        keys: Where in the rule the constant is; the first says what it is for.
        findings: What is wrong goes in here.
    """
    if value is None:
        return
    for misfit in check_value(target, value):
        findings.add(
            f"constant.{misfit.kind}",
            (*leaf.yaml_path, *keys, *misfit.steps),
            leaf.path,
            part="value",
            role=str(keys[0]),
            key=str(keys[1]) if keys[0] == "map" else None,
            got=shown_json(value),
            # `member` groups cells; a constant is there once.
            params={name: param for name, param in misfit.params.items() if name != "member"},
        )
