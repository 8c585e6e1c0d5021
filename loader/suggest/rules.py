"""Matches, groups and gaps as entries of a mapping's `fields`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loader.resources.fields import Field, FieldKind
from loader.suggest.yaml_lines import YamlEntry, YamlLine
from loader.suggest.yaml_text import flow, text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from loader.suggest.match import Match
    from loader.suggest.numbered import NumberedCell, NumberedGroup
    from loader.suggest.targets import Targets

_MOST_OUTSIDE: Final = 10


def match_entry(match: Match, references: Mapping[str, str]) -> YamlEntry:
    """A matched field; behind a `#` where the match is not to be relied on."""
    reading, path = match.reading, match.target.path
    name = match.target.field.name
    rule = _rule(match, references)
    why = _why(match, rule)
    if "map" in reading.rule:
        return YamlEntry(path, tuple(_table(name, rule, why, match)), on=match.sure)
    shown = flow(rule["column"]) if list(rule) == ["column"] else flow(rule)
    return YamlEntry(path, (YamlLine(f"{text(name)}: {shown}", why),), on=match.sure)


def _rule(match: Match, references: Mapping[str, str]) -> dict[str, Any]:
    column = match.column.name
    conversions = dict(match.reading.rule)
    if match.column.null_words and match.column.is_text:
        conversions = {"null_if": list(match.column.null_words), **conversions}
    if match.more:
        return {"columns": [column, *(each.name for each in match.more)], **conversions}
    if match.reading.origin == "json":
        return {"json": column, **conversions}
    if resource := references.get(match.target.path):
        return {"lookup": resource, "column": column, **conversions}
    return {"column": column, **conversions}


def _why(match: Match, rule: Mapping[str, Any]) -> str:
    told = [match.reading.open] if match.reading.open else []
    if match.others:
        told.append(f"which one? {', '.join(match.others)} would fit as well")
    elif not match.sure and not match.reading.open:
        told.append("perhaps")
    if match.reading.evidence:
        told.append(match.reading.evidence)
    if match.more:
        told.append("the first that is not empty")
    if "lookup" in rule:
        told.append(f"the id of the {rule['lookup']} with this key, as an earlier load created it")
    told += [
        f"{word!r} stands for nothing in {counted(count)}" for word, count in match.column.null_words.items()
    ]
    needed = match.target.field.required and match.target.field.kind is not FieldKind.LIST
    if needed and match.column.filled < match.column.rows:
        told.append(f"required, and empty in {counted(match.column.rows - match.column.filled)}")
    return "; ".join(told)


def _table(name: str, rule: Mapping[str, Any], why: str, match: Match) -> Iterator[YamlLine]:
    """A rule with a table, a line a value; values that it leaves out stand behind a `#`."""
    yield YamlLine(f"{text(name)}:", why)
    for key, value in rule.items():
        if key != "map":
            yield YamlLine(f"{key}: {flow(value)}", depth=1)
            continue
        yield YamlLine("map:", depth=1)
        for word, member in value.items():
            yield YamlLine(f"{text(word)}: {flow(member)}", match.reading.table_notes.get(word, ""), depth=2)
        for word, count in match.reading.outside[:_MOST_OUTSIDE]:
            why = f"{counted(count)}: not known, so an error there"
            yield YamlLine(f"{text(word)}: MEANING", why, depth=2, off=True)
        if (left := len(match.reading.outside) - _MOST_OUTSIDE) > 0:
            yield YamlLine("", f"and {left:,} more values", depth=2)


def group_entry(group: NumberedGroup) -> YamlEntry:
    """A list of numbered columns; behind a `#` where an item lacks what it must have."""
    why = f"from the numbers in the columns' names: {', '.join(map(str, group.items))}"
    if group.missing:
        why += f"; each item needs {' and '.join(group.missing)}, which no column fills"
    lines = [YamlLine(f"{text(group.target.name)}:", why)]
    for number, cells in group.items.items():
        evidence = "; ".join(
            f"{cell.column.name}: {cell.reading.open or cell.reading.evidence}"
            for cell in cells
            if cell.reading.rule
        )
        lines.append(YamlLine(f"- {_item(number, cells, group)}", evidence, depth=1))
    open_cells = any(cell.reading.open for cells in group.items.values() for cell in cells)
    return YamlEntry(group.target.path, tuple(lines), on=not group.missing and not open_cells)


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
    """Required fields that nothing fills, of objects that are sent; in model order."""
    return [each for child in (root.children or {}).values() for each in _missing(child, filled)]


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
    """What is required and not found, behind a `#`."""
    rule = "COLUMN"
    if target.enum:
        rule = flow({"value": target.enum[0]})
    elif target.is_relative_date:
        rule = "{column: COLUMN, relative_date: true}"
    told = f"REQUIRED, and no column looks like it: {target.description}"
    if target.enum:
        told += f" One of {', '.join(target.enum)}."
    return YamlEntry(target.path, (YamlLine(f"{text(target.name)}: {rule}", told),), on=False)


def hint_entries(filled: Mapping[str, str], targets: Targets) -> Iterator[YamlEntry]:
    """Fields that say how a list restricts, where the list is filled and they are not; behind a `#`.

    Args:
        filled: Path -> the column that fills it.
        targets: The record type's fields.
    """
    for target in targets.fields:
        name = target.field.name
        if target.path in filled:
            continue
        for sibling in targets.fields:
            column = filled.get(sibling.path)
            if column is None or sibling.parent != target.parent or sibling.field.kind is not FieldKind.LIST:
                continue
            stem = sibling.field.name.removesuffix("_ids")
            if name == f"{stem}_restriction" and "include" in target.field.enum:
                rule: dict[str, Any] = {"value": "include"}
                why = f"or exclude; without it, {sibling.field.name} may restrict nothing"
            elif name in {f"restrict_{stem}", f"restrict_{stem}s"} and target.field.kind is FieldKind.BOOLEAN:
                rule = {"sql": f"CASE WHEN {identifier(column)} IS NULL THEN 'no' ELSE 'yes' END"}
                why = f"without it, {sibling.field.name} may restrict nothing"
            else:
                continue
            yield YamlEntry(target.path, (YamlLine(f"{text(name)}: {flow(rule)}", why),), on=False)


def counted(rows: int) -> str:
    """So many rows, in words."""
    return f"{rows:,} row{'s' if rows != 1 else ''}"


def identifier(column: str) -> str:
    """A column's name as SQL has it."""
    return '"' + column.replace('"', '""') + '"'


def constant_for(target: Field) -> str:
    """A constant that the field takes, to try the rest of a mapping with."""
    if target.is_relative_date:
        return flow({"value": {"position": "on", "relative_to": "the reference date"}})
    known: dict[FieldKind, Any] = {
        FieldKind.DATE: "2019-01-01",
        FieldKind.NUMBER: target.minimum or 1,
        FieldKind.BOOLEAN: True,
    }
    return flow({"value": target.enum[0] if target.enum else known.get(target.kind, "x")})
