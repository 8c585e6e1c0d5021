"""What is wrong with a mapping, told before any row is read: all of it at once, each with its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from pydantic import ValidationError

from loader.mapping import conversions
from loader.mapping.check_conversions import check_conversions
from loader.mapping.check_lookup import check_lookup
from loader.mapping.expressions import (
    TextError,
    column_in_template,
    columns_of,
    ignored,
    is_list,
    is_nested,
    is_text,
    is_usable,
    sql_columns,
    sql_expression,
    template_parts,
)
from loader.mapping.tree import EachNode, Leaf, ListNode, Node, ObjectNode, all_leaves, unfillable
from loader.mapping.words import MADE_OF, shown, told
from loader.mapping.yaml_paths import sql_name
from loader.resources.fields import Field, FieldKind
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.mapping.document import Path
    from loader.mapping.findings import Findings
    from loader.mapping.grammar import MappingSpec, Rule

_FITS: Final = {
    FieldKind.TEXT: {"date", "datetime"},
    FieldKind.DATE: {"date", "datetime"},
    FieldKind.NUMBER: {"number"},
    FieldKind.BOOLEAN: {"boolean"},
    FieldKind.OBJECT: {"relative_date"},
    FieldKind.ANY: {"date", "datetime", "number", "boolean", "relative_date"},
}
"""Which of the parsing conversions may fill which kind of field."""

_PARSING: Final = ("date", "datetime", "number", "boolean", "relative_date")


def check_tree(tree: ObjectNode, findings: Findings) -> None:
    """Checks rules against their fields, without knowing the source; `check_required` is apart."""
    for leaf in all_leaves(tree):
        whole = not findings.wrong_at(leaf.place)
        _check_rule(leaf.rule, leaf.place, leaf.path, findings)
        _check_fit(leaf, findings, whole=whole)
        _check_constants(leaf, findings, whole=whole)


def check_rule_alone(rule: Rule, place: Path, path: str, findings: Findings) -> None:
    """Checks a rule that fills no field of the record type's own (`external_id`)."""
    _check_rule(rule, place, path, findings)
    if rule.split or any(name in rule.conversions for name in _PARSING):
        findings.error(place, path, "the external id is text: it takes no split and no parsing conversion")
    if rule.origin in {"value", "json", "lookup"} or rule.default is not None:
        findings.error(
            place,
            path,
            "the external id comes from the row: it takes no value, json or default, and no lookup",
        )


def check_where(where: str | None, findings: Findings) -> None:
    """Checks the filter's SQL."""
    if where is not None:
        try:
            sql_expression(where)
        except TextError as error:
            findings.error(("where",), "where", str(error), part="value", word=error.word)


def check_columns(
    mapping: MappingSpec,
    rules: Sequence[Leaf],
    schema: Mapping[str, pl.DataType],
    findings: Findings,
    also: Sequence[tuple[str, Path, str]] = (),
    file: str | None = None,
) -> None:
    """Checks the names of columns against a source's own, and notes those that nothing uses.

    Args:
        mapping: The file.
        rules: The external id's, where there is one, and those of all fields.
        schema: The source's columns with their types.
        findings: What is found goes in here.
        also: Columns that no rule names: name, place in the mapping and the key's label.
        file: The second file whose columns these are; None: the source's.
    """
    used = {name for name, _, _ in also}
    for name, place, label in also:
        _unknown_columns([Named(name, place)], schema, label, findings, file)
    for leaf in rules:
        whole = not findings.wrong_at(leaf.place)
        named = named_columns(leaf.rule, leaf.place)
        used.update(each.name for each in named)
        _unknown_columns(named, schema, leaf.path, findings, file)
        if whole:
            _check_column_type(leaf, schema, findings)
    if file is None and mapping.where is not None and not findings.wrong_at(("where",)):
        named = [
            Named(name, ("where",), sql_name(mapping.where, name)) for name in sql_columns(mapping.where)
        ]
        used.update(each.name for each in named)
        _unknown_columns(named, schema, "where", findings)
    unused = [name for name in schema if name not in used and not ignored(name, mapping.ignore)]
    if unused:
        listed = ", ".join(unused)
        whose = f"columns of {file}" if file else "columns"
        findings.add("note", ("fields",), "fields", f"{whose} that nothing maps: {listed}")


@dataclass(frozen=True, slots=True)
class Named:
    """A column that a mapping names.

    Attributes:
        name: The column.
        place: Where the mapping names it: a text, or what it is part of.
        word: How it stands there, and where in it that begins; ("", -1): it is all of it.
    """

    name: str
    place: Path
    word: tuple[str, int] = ("", -1)


def named_columns(rule: Rule, place: Path) -> list[Named]:
    """The columns that a rule reads, each once, with their places; none where its text does not parse."""
    try:
        names = columns_of(rule)
    except TextError:
        return []
    return [_named(rule, name, place) for name in names]


def _named(rule: Rule, name: str, place: Path) -> Named:
    if rule.columns and name in rule.columns:
        return Named(name, (*place, "columns", rule.columns.index(name)))
    if rule.template is not None:
        return Named(name, (*place, "template"), column_in_template(rule.template, name))
    if rule.sql is not None:
        return Named(name, (*place, "sql"), sql_name(rule.sql, name))
    return Named(name, (*place, "json" if rule.json_column is not None else "column"))


def _unknown_columns(
    named: Sequence[Named],
    schema: Mapping[str, pl.DataType],
    path: str,
    findings: Findings,
    file: str | None = None,
) -> None:
    for each in named:
        if each.name not in schema:
            meant = nearest(each.name, list(schema))
            findings.error(
                each.place,
                path,
                f"{file or 'the source'} has no column {each.name!r}",
                suggestion=f"did you mean {meant!r}?" if meant else f"it has {', '.join(schema)}"[:300],
                part="value",
                word=each.word,
            )


def _check_column_type(leaf: Leaf, schema: Mapping[str, pl.DataType], findings: Findings) -> None:
    rule = leaf.rule
    for name in columns_of(rule) if rule.origin != "sql" else ():
        dtype = schema.get(name)
        if dtype is None:
            continue
        if problem := _misfit(leaf, name, dtype):
            message, suggestion = problem
            at = _named(rule, name, leaf.place)
            findings.error(at.place, leaf.path, message, suggestion=suggestion, part="value", word=at.word)


def _misfit(leaf: Leaf, name: str, dtype: pl.DataType) -> tuple[str, str | None] | None:
    """What is wrong between a column's type and a rule that reads it, and what to do; None: nothing."""
    rule, target = leaf.rule, leaf.target
    holds = f"column {name!r} holds {'text' if is_text(dtype) else dtype}"
    if not is_usable(dtype):
        return f"{holds}, which no payload can hold", None
    if rule.origin == "lookup" and is_nested(dtype):
        return f"{holds}, and a lookup's key is text", None
    nested = is_list(dtype) or is_nested(dtype)
    if rule.origin not in {"column", "json", "lookup"}:
        return (f"{holds}, and {rule.origin} reads text", "say column:") if nested else None
    if nested:
        takes_one = target.kind not in {FieldKind.LIST, FieldKind.OBJECT, FieldKind.ANY}
        return (f"{holds}, and the field takes {MADE_OF[target.kind]}", None) if takes_one else None
    if rule.origin == "json" or isinstance(dtype, pl.Null):
        return None
    return _misfit_of_one(leaf, holds)


def _misfit_of_one(leaf: Leaf, holds: str) -> tuple[str, str] | None:
    """As `_misfit`, for a column of single values."""
    if leaf.target.kind is FieldKind.LIST and not leaf.rule.split:
        advice = 'say where to cut it, split: ";", or write a list of rules'
        return f"{holds}, and the field takes a list", advice
    if _item(leaf).kind is FieldKind.OBJECT and not leaf.rule.relative_date:
        wanted = "relative_date: true" if _item(leaf).is_relative_date else "json: in place of column:"
        return f"{holds}, and the field takes objects", f"say {wanted}, or map its fields"
    return None


def _check_rule(rule: Rule, place: Path, path: str, findings: Findings) -> None:
    try:
        if rule.template is not None:
            template_parts(rule.template)
        if rule.sql is not None:
            sql_expression(rule.sql)
    except TextError as error:
        findings.error((*place, rule.origin), path, str(error), part="value", word=error.word)
    for key, forms in (("date", rule.date), ("datetime", rule.datetime)):
        for index, form in enumerate(forms):
            if problem := _format_problem(form, timed=key == "datetime"):
                findings.error((*place, key, index), path, problem, part="value")
    check_conversions(rule, place, path, findings)
    if rule.timezone is not None and not _is_timezone(rule.timezone):
        message = f"unknown time zone {rule.timezone!r}; write Area/City"
        findings.error((*place, "timezone"), path, message, part="value")


def _format_problem(form: str, *, timed: bool) -> str | None:
    text = conversions.chrono_format(form)
    kind = "time" if timed else "date"
    moment = pl.Series([datetime(2019, 3, 31, 8, 30, 15)]).dt.replace_time_zone("UTC" if timed else None)  # noqa: DTZ001
    try:
        written = moment.dt.strftime(text)
        parsed = (
            written.str.to_datetime(text, strict=False) if timed else written.str.to_date(text, strict=False)
        )
    except (pl.exceptions.PolarsError, ValueError):
        return f"{form!r} is no {kind} format; write strftime codes, such as %d.%m.%Y"
    if parsed.dt.date()[0] != moment.dt.date()[0]:
        return f"{form!r} does not tell a whole {kind}"
    return None


def _is_timezone(name: str) -> bool:
    try:
        pl.Series([datetime(2019, 3, 31)]).dt.replace_time_zone(name)  # noqa: DTZ001 - it is to get one
    except (pl.exceptions.PolarsError, ValueError):
        return False
    return True


def _item(leaf: Leaf) -> Field:
    """The field that a rule's single values become: a list's items, or the field itself."""
    return leaf.target.item if leaf.target.kind is FieldKind.LIST and leaf.target.item else leaf.target


def _check_fit(leaf: Leaf, findings: Findings, *, whole: bool) -> None:
    """Checks conversions against the field; of a rule that lost wrong keys, only those that are left."""
    rule, target = leaf.rule, _item(leaf)
    if rule.origin == "lookup":
        check_lookup(leaf, target, findings)
        return
    parsing: list[str] = [name for name in _PARSING if name in rule.conversions and getattr(rule, name)]
    if len(parsing) > 1:
        place = (*leaf.place, parsing[-1])
        findings.error(place, leaf.path, f"{' and '.join(parsing)} do not go together")
    for name in parsing:
        fits = name in _FITS[target.kind] if target.kind in _FITS else False
        if name == "relative_date" and target.kind is FieldKind.OBJECT:
            fits = target.is_relative_date
        if not fits:
            findings.error(
                (*leaf.place, name),
                leaf.path,
                f"{name} does not fit: {leaf.path} takes {MADE_OF[target.kind]}",
            )
    if rule.split and leaf.target.kind not in {FieldKind.LIST, FieldKind.ANY}:
        findings.error(
            (*leaf.place, "split"), leaf.path, f"split makes a list, and {leaf.path} takes one value"
        )
    if whole:
        _check_shape(leaf, target, parsing, findings)


def _check_shape(leaf: Leaf, target: Field, parsing: list[str], findings: Findings) -> None:
    """Objects and lists need an origin that makes one; of a column, the source's type decides."""
    rule = leaf.rule
    if rule.origin in {"value", "json", "column"} or parsing:
        return
    if target.kind is FieldKind.OBJECT:
        advice = "say relative_date: true, or map" if target.is_relative_date else "map"
        findings.error(
            leaf.place, leaf.path, f"{leaf.path} takes objects: {advice} their fields, or say json:"
        )
    elif leaf.target.kind is FieldKind.LIST and not rule.split:
        findings.error(leaf.place, leaf.path, f"{leaf.path} is a list: say split:, or write a list of rules")


def _check_constants(leaf: Leaf, findings: Findings, *, whole: bool) -> None:
    """Checks what goes into the payload as it stands; a wrong key may have been one that parses a table's."""
    rule, item = leaf.rule, _item(leaf)
    if "value" in rule.model_fields_set and rule.value is not None:
        _check_constant(rule.value, leaf.target, (*leaf.place, "value"), leaf.path, "the constant", findings)
    if rule.default is not None:
        _check_constant(
            rule.default, leaf.target, (*leaf.place, "default"), leaf.path, "the default", findings
        )
    if not (whole or item.enum):
        return
    outside = getattr(rule.otherwise, "value", None)
    values = {**(rule.map or {}), **({"otherwise": outside} if outside is not None else {})}
    texts_go_on = all(isinstance(each, str) for each in values.values() if each is not None)
    if texts_go_on and (
        item.kind in {FieldKind.NUMBER, FieldKind.BOOLEAN, FieldKind.OBJECT} or _parsed_after_map(rule)
    ):
        return
    for key, value in values.items():
        if value is not None:
            inside = ("map", key) if key in (rule.map or {}) else ("otherwise", "value")
            place = (*leaf.place, *inside)
            _check_constant(value, item, place, leaf.path, f"the value of {key!r}", findings)


def _parsed_after_map(rule: Rule) -> bool:
    return any(name in rule.conversions for name in _PARSING)


def _check_constant(value: Any, target: Field, place: Path, path: str, what: str, findings: Findings) -> None:
    if target.kind is FieldKind.ANY:
        return
    try:
        target.adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        if target.enum:
            meant = nearest(str(value), target.enum)
            findings.error(
                place,
                path,
                f"{what}, {shown(value)}, is not one of {', '.join(target.enum)}",
                suggestion=f"did you mean {meant!r}?" if meant else None,
                part="value",
            )
            return
        inner = [part for part in error.errors(include_url=False)[0]["loc"] if part not in {"int", "float"}]
        message = f"{what}, {shown(value)}, does not fit {path}: {told(error)}"
        findings.error((*place, *inner), path, message, part="value")


def check_required(node: Node, findings: Findings) -> None:
    """Names required fields that nothing can fill."""
    if isinstance(node, Leaf):
        if node.target.required and node.rule.origin == "value" and node.rule.value is None:
            message = f"{node.path} is required, and nothing can fill it"
            findings.error((*node.place, "value"), node.path, message, part="value")
        return
    if isinstance(node, EachNode):
        check_required(node.item, findings)
        return
    if isinstance(node, ListNode):
        for item in node.items:
            check_required(item, findings)
        return
    for name, child in (node.target.children or {}).items():
        if child.required and name not in node.members and name not in node.tried:
            for path in unfillable(child, f"{node.path}.{name}" if node.path else name):
                findings.error(("fields",), path, f"{path} is required, and nothing fills it")
    for member in node.members.values():
        check_required(member, findings)
