"""Numbered columns (`Reminder1Notice`, `R_2_Name`) as the items of a list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loader.resources.fields import Field, FieldKind
from loader.suggest.column_types import read
from loader.suggest.names import tokens
from loader.suggest.vocabulary import WEAK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.suggest.column_types import ColumnReading
    from loader.suggest.dates import DateReading
    from loader.suggest.profile import ColumnProfile
    from loader.suggest.targets import Target, Targets

_NUMBER: Final = re.compile(r"(\D*?)[\s_\-.#]*(\d{1,3})[\s_\-.]*(\D*)")
_ABBREVIATION: Final = 3
"""A prefix of so many letters may be the beginning of a list's name: `R1Name` for `reminders`."""
_ENOUGH: Final = 0.35
_LEAST: Final = 2


@dataclass(frozen=True, slots=True)
class NumberedCell:
    """A column that fills a field of an item; `name` is the field's name, empty for an item of text."""

    name: str
    column: ColumnProfile
    reading: ColumnReading


@dataclass(frozen=True, slots=True)
class NumberedGroup:
    """Numbered columns that make a list.

    Attributes:
        target: The list.
        items: The number in the columns' names -> the item's cells, in order.
        numbers: Whether the items have a number of their own, `id`, that nothing else fills.
        missing: Required fields of an item that no column fills.
    """

    target: Field
    items: Mapping[int, tuple[NumberedCell, ...]]
    numbers: bool
    missing: tuple[str, ...]

    @property
    def columns(self) -> set[str]:
        """Return the names of the columns that it uses."""
        return {cell.column.name for cells in self.items.values() for cell in cells}


def find_groups(
    columns: Sequence[ColumnProfile], dates: Mapping[str, DateReading], targets: Targets
) -> list[NumberedGroup]:
    """Return the lists that numbered columns make; each list and each column at most once."""
    found_groups: list[NumberedGroup] = []
    for prefix, family in _families(columns).items():
        groups = [
            group
            for target in _lists(targets)
            if target.path not in {other.target.path for other in found_groups}
            and _belongs(prefix, target)
            and (group := _group(prefix, family, dates, target, targets)) is not None
        ]
        if groups:
            found_groups.append(max(groups, key=lambda group: len(group.columns)))
    return found_groups


def _families(columns: Sequence[ColumnProfile]) -> dict[str, dict[int, dict[str, ColumnProfile]]]:
    """Return prefix -> number -> suffix -> column; only for prefixes with two numbers or more."""
    families: dict[str, dict[int, dict[str, ColumnProfile]]] = {}
    for column in columns:
        if match := _NUMBER.fullmatch(column.name):
            prefix, number, suffix = match[1].strip(" _-.").lower(), int(match[2]), match[3].strip(" _-.")
            families.setdefault(prefix, {}).setdefault(number, {}).setdefault(suffix.lower(), column)
    return {prefix: dict(sorted(items.items())) for prefix, items in families.items() if len(items) >= _LEAST}


def _lists(targets: Targets) -> list[Target]:
    return [target for target in targets.fields if target.field.kind is FieldKind.LIST and target.field.item]


def _belongs(prefix: str, target: Target) -> bool:
    """Return whether a prefix names a list: by a concept that is not weak, or by its first letters."""
    words = {word for token in tokens(prefix) for word in token} - WEAK
    own = {word for token in target.own for word in token} - WEAK
    return bool(words & own) or (prefix != "" and _abbreviates(prefix, target))


def _group(
    prefix: str,
    family: Mapping[int, Mapping[str, ColumnProfile]],
    dates: Mapping[str, DateReading],
    target: Target,
    targets: Targets,
) -> NumberedGroup | None:
    item = target.field.item
    if item is None or item.kind is not FieldKind.OBJECT:
        return _of_texts(family, dates, target)
    names = _suffixes(prefix, family, dates, target, targets)
    # A column that is empty in the sample is read like the first one with the same suffix.
    first = {
        suffix: next(
            reading
            for items in family.values()
            if (column := items.get(suffix)) is not None and (reading := _read(column, dates, field))
        )
        for suffix, field in names.items()
    }
    items = {}
    for number, by_suffix in family.items():
        cells = [
            NumberedCell(field.name, column, reading)
            for suffix, field in names.items()
            if (column := by_suffix.get(suffix)) is not None
            and (reading := _read(column, dates, field) if column.filled else first[suffix])
        ]
        if cells:
            items[number] = tuple(cells)
    if not items:
        return None
    filled = {field.name for field in names.values()}
    children = item.children or {}
    missing = tuple(name for name, child in children.items() if child.required and name not in filled)
    own = children.get("id")
    numbers = own is not None and own.kind is FieldKind.NUMBER and "id" not in filled
    return NumberedGroup(target.field, items, numbers, missing)


def _suffixes(
    prefix: str,
    family: Mapping[int, Mapping[str, ColumnProfile]],
    dates: Mapping[str, DateReading],
    target: Target,
    targets: Targets,
) -> dict[str, Field]:
    """Return suffix -> the item's field; the best pairs first, each suffix and each field once."""
    members = [member for member in targets.items if member.of_list is target.field]
    scored = []
    for suffix in dict.fromkeys(suffix for items in family.values() for suffix in items):
        columns = [items[suffix] for items in family.values() if suffix in items]
        for member in members:
            if not any(_read(column, dates, member.field) for column in columns):
                continue
            # Without a suffix, `Reminder1` is what an item cannot do without.
            name = tokens(f"{prefix} {suffix}")
            likeness = targets.likeness(name, member) if suffix else float(member.field.required)
            if _abbreviates(prefix, target):
                name = tokens(f"{target.field.name} {suffix}")
                likeness = max(likeness, targets.likeness(name, member))
            if likeness >= _ENOUGH:
                scored.append((likeness, suffix, member.field))
    pairs: dict[str, Field] = {}
    for _, suffix, field in sorted(scored, key=lambda item: -item[0]):
        if suffix not in pairs and field.name not in {paired.name for paired in pairs.values()}:
            pairs[suffix] = field
    return pairs


def _abbreviates(prefix: str, target: Target) -> bool:
    return len(prefix) <= _ABBREVIATION and target.field.name.startswith(prefix)


def _of_texts(
    family: Mapping[int, Mapping[str, ColumnProfile]], dates: Mapping[str, DateReading], target: Target
) -> NumberedGroup | None:
    """Return a list of plain values, from columns without a suffix; None where there are too few."""
    item = target.field.item
    if item is None or item.kind is not FieldKind.TEXT:
        return None
    items = {
        number: (NumberedCell("", column, reading),)
        for number, by_suffix in family.items()
        if (column := by_suffix.get("")) is not None and (reading := _read(column, dates, item))
    }
    return NumberedGroup(target.field, items, numbers=False, missing=()) if len(items) >= _LEAST else None


def _read(column: ColumnProfile, dates: Mapping[str, DateReading], field: Field) -> ColumnReading | None:
    return read(column, dates.get(column.name), field)
