"""Matches, groups and gaps as entries of a mapping's `fields`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loader.resources.fields import Field, FieldKind
from loader.suggest.yaml_lines import YamlEntry, YamlLine, flow, scalar
from loader.text import count

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from loader.suggest.match import Match
    from loader.suggest.numbered import NumberedCell, NumberedGroup
    from loader.suggest.targets import Targets

_MOST_UNMAPPED: Final = 10


def match_entry(match: Match, references: Mapping[str, str]) -> YamlEntry:
    """Return a matched field; commented out where the match is not to be relied on.

    Args:
        match: The column and its field.
        references: Fields that hold the id of another record: path -> name of its record type.
    """
    path, name = match.target.path, match.target.field.name
    rule = _rule(match, references)
    comment = _comment(match, rule)
    if "map" in match.reading.rule:
        return YamlEntry(path, tuple(_map_lines(name, rule, comment, match)), on=match.sure)
    content = flow(rule["column"]) if list(rule) == ["column"] else flow(rule)
    return YamlEntry(path, (YamlLine(f"{scalar(name)}: {content}", comment),), on=match.sure)


def _rule(match: Match, references: Mapping[str, str]) -> dict[str, Any]:
    column = match.column.name
    conversions = dict(match.reading.rule)
    if match.column.null_words and match.column.is_text:
        conversions = {"null_if": list(match.column.null_words), **conversions}
    if match.more:
        return {"columns": [column, *(more.name for more in match.more)], **conversions}
    if match.reading.origin == "json":
        return {"json": column, **conversions}
    if record_type := references.get(match.target.path):
        return {"lookup": record_type, "column": column, **conversions}
    return {"column": column, **conversions}


def _comment(match: Match, rule: Mapping[str, Any]) -> str:
    """Return the evidence for a match, what is open first."""
    parts = [match.reading.question] if match.reading.question else []
    if match.others:
        parts.append(f"which one? {', '.join(match.others)} would fit as well")
    elif not match.sure and not match.reading.question:
        parts.append("perhaps")
    if match.reading.evidence:
        parts.append(match.reading.evidence)
    if match.more:
        parts.append("the first that is not empty")
    if "lookup" in rule:
        parts.append(f"the id of the {rule['lookup']} with this key, as an earlier load created it")
    parts += [
        f"{word!r} counts as null, in {count(rows, 'row')}" for word, rows in match.column.null_words.items()
    ]
    needed = match.target.field.required and match.target.field.kind is not FieldKind.LIST
    if needed and match.column.empty:
        parts.append(f"required, and empty in {count(match.column.empty, 'row')}")
    return "; ".join(parts)


def _map_lines(name: str, rule: Mapping[str, Any], comment: str, match: Match) -> Iterator[YamlLine]:
    """Yield a rule with a `map`, a line a value; values without a meaning are commented out."""
    yield YamlLine(f"{scalar(name)}:", comment)
    for key, value in rule.items():
        if key != "map":
            yield YamlLine(f"{key}: {flow(value)}", depth=1)
            continue
        yield YamlLine("map:", depth=1)
        for word, member in value.items():
            yield YamlLine(f"{scalar(word)}: {flow(member)}", match.reading.map_notes.get(word, ""), depth=2)
        for word, rows in match.reading.unmapped[:_MOST_UNMAPPED]:
            problem = f"{count(rows, 'row')}: unknown, so an error there"
            yield YamlLine(f"{scalar(word)}: MEANING", problem, depth=2, off=True)
        if (left := len(match.reading.unmapped) - _MOST_UNMAPPED) > 0:
            yield YamlLine("", f"and {count(left, 'more value')}", depth=2)


def group_entry(group: NumberedGroup) -> YamlEntry:
    """Return a list of numbered columns; commented out where an item lacks a required field."""
    comment = f"from the numbers in the columns' names: {', '.join(map(str, group.items))}"
    if group.missing:
        comment += f"; each item needs {' and '.join(group.missing)}, which no column fills"
    lines = [YamlLine(f"{scalar(group.target.name)}:", comment)]
    for number, cells in group.items.items():
        evidence = "; ".join(
            f"{cell.column.name}: {cell.reading.question or cell.reading.evidence}"
            for cell in cells
            if cell.reading.rule
        )
        lines.append(YamlLine(f"- {_item(number, cells, group)}", evidence, depth=1))
    has_question = any(cell.reading.question for cells in group.items.values() for cell in cells)
    return YamlEntry(group.target.path, tuple(lines), on=not group.missing and not has_question)


def _item(number: int, cells: tuple[NumberedCell, ...], group: NumberedGroup) -> str:
    if not cells[0].name:
        return flow(_cell(cells[0]))
    members: dict[str, Any] = {"id": {"value": number}} if group.numbers else {}
    return flow({**members, **{cell.name: _cell(cell) for cell in cells}})


def _cell(cell: NumberedCell) -> Any:
    column = cell.column
    nulls = {"null_if": list(column.null_words)} if column.null_words and column.is_text else {}
    rule = {**nulls, **cell.reading.rule}
    if cell.reading.origin == "json":
        return {"json": column.name, **nulls}
    return {"column": column.name, **rule} if rule else column.name


def missing_fields(root: Field, filled: Collection[str]) -> list[Field]:
    """Return required fields that nothing fills, of objects that are sent; in the record type's order."""
    return [field for child in (root.children or {}).values() for field in _missing(child, filled)]


def _missing(target: Field, filled: Collection[str]) -> Iterator[Field]:
    inside = any(path.startswith(f"{target.path}.") for path in filled)
    if target.path in filled or target.kind is FieldKind.LIST or not (target.required or inside):
        return
    if target.kind is not FieldKind.OBJECT or target.is_relative_date:
        yield target
        return
    for child in (target.children or {}).values():
        yield from _missing(child, filled)


def missing_entry(target: Field) -> YamlEntry:
    """Return a required field without a column, commented out."""
    rule = "COLUMN"
    if target.enum:
        rule = flow({"value": target.enum[0]})
    elif target.is_relative_date:
        rule = "{column: COLUMN, relative_date: true}"
    comment = f"REQUIRED, and no column looks like it: {target.description}"
    if target.enum:
        comment += f" One of {', '.join(target.enum)}."
    return YamlEntry(target.path, (YamlLine(f"{scalar(target.name)}: {rule}", comment),), on=False)


def hint_entries(filled: Mapping[str, str], targets: Targets) -> Iterator[YamlEntry]:
    """Yield fields that turn a filled list into a restriction, where nothing fills them; commented out.

    Args:
        filled: Path -> the column that fills it.
        targets: The record type's fields.
    """
    for target in targets.fields:
        if target.path in filled:
            continue
        for sibling in targets.fields:
            column = filled.get(sibling.path)
            if column is None or sibling.parent != target.parent or sibling.field.kind is not FieldKind.LIST:
                continue
            if hint := _restriction(target.field, sibling.field, column):
                rule, comment = hint
                content = f"{scalar(target.field.name)}: {flow(rule)}"
                yield YamlEntry(target.path, (YamlLine(content, comment),), on=False)


def _restriction(target: Field, listed: Field, column: str) -> tuple[dict[str, Any], str] | None:
    """Return the rule and the comment of a field that sets how a list restricts; None for other fields."""
    stem = listed.name.removesuffix("_ids")
    if target.name == f"{stem}_restriction" and "include" in target.enum:
        return {"value": "include"}, f"or exclude; without it, {listed.name} may restrict nothing"
    if target.name in {f"restrict_{stem}", f"restrict_{stem}s"} and target.kind is FieldKind.BOOLEAN:
        rule = {"sql": f"CASE WHEN {identifier(column)} IS NULL THEN 'no' ELSE 'yes' END"}
        return rule, f"without it, {listed.name} may restrict nothing"
    return None


def identifier(column: str) -> str:
    """Return a column's name as SQL writes it."""
    return '"' + column.replace('"', '""') + '"'


def constant_for(target: Field) -> str:
    """Return a constant that the field takes, to try the rest of a mapping with."""
    if target.is_relative_date:
        return flow({"value": {"position": "on", "relative_to": "the reference date"}})
    constants: dict[FieldKind, Any] = {
        FieldKind.DATE: "2019-01-01",
        FieldKind.NUMBER: target.minimum or 1,
        FieldKind.BOOLEAN: True,
    }
    return flow({"value": target.enum[0] if target.enum else constants.get(target.kind, "x")})
