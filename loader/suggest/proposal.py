"""A proposal for a mapping, from a sample of rows: everything found, written as one file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from loader.errors import MappingError
from loader.mapping import compile_mapping, parse_mapping
from loader.mapping.json_schema import hint_line
from loader.suggest.column_types import kind_of, open_words
from loader.suggest.dates import read_dates, reconcile_orders
from loader.suggest.key import find_key
from loader.suggest.match import find_matches
from loader.suggest.numbered import find_groups
from loader.suggest.profile import ColumnProfile, profile
from loader.suggest.rules import (
    constant_for,
    counted,
    group_entry,
    hint_entries,
    identifier,
    match_entry,
    missing_entry,
    missing_fields,
)
from loader.suggest.targets import Targets
from loader.suggest.vocabulary import TRIAL_WORDS
from loader.suggest.yaml_lines import YamlEntry, YamlLine, nested, written
from loader.suggest.yaml_text import flow, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from loader.resources import Record
    from loader.resources.fields import Field
    from loader.suggest.dates import Dates
    from loader.suggest.key import Key
    from loader.suggest.match import Match
    from loader.suggest.profile import SourceProfile

_SHOWN: Final = 60
_HISTORY: Final = "sys_"


@dataclass(frozen=True, slots=True)
class SourceSample:
    """What a proposal is made from.

    Attributes:
        rows: The source's own columns, each with the source's type; the sound rows of its beginning.
        read: Records that were read for it; those that cannot be read as rows are not in `rows`.
        whole: Whether these are all the records that there are.
        name: The source's name, for the file's first line.
        source: The `source:` section: how the source is read, key by key, in order.
    """

    rows: pl.DataFrame
    read: int
    whole: bool
    name: str
    source: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping that works as far as can be known.

    Attributes:
        text: The file.
        columns: The source's columns.
        mapped: Those that the mapping uses.
        missing: Required fields that nothing fills.
        aloud: What was guessed, or could not be: one line each, for whoever runs the command.
    """

    text: str
    columns: tuple[str, ...]
    mapped: tuple[str, ...]
    missing: tuple[str, ...]
    aloud: tuple[str, ...]


def propose(sample: SourceSample, record: type[Record]) -> Proposal:
    """Proposes a mapping.

    Every rule that is not behind a `#` is one that the loader takes for this source: what parsing or
    compiling refuses is left commented out, with the reason.

    Args:
        sample: Rows of the source, and how it is read.
        record: The record type's model.
    """
    seen = profile(sample.rows, whole=sample.whole, null_values=sample.source.get("null_values"))
    dates = reconcile_orders(
        {column.name: found for column in seen.columns if (found := read_dates(column.values)) is not None}
    )
    draft = _Draft(sample, record, seen, dates)
    while refused := draft.refused():
        if not draft.turn_off(refused):
            raise RuntimeError(f"the proposal is no mapping: {refused}")
    return draft.proposal()


class _Draft:
    """A proposal under way: its entries, and which of them count."""

    def __init__(
        self, sample: SourceSample, record: type[Record], seen: SourceProfile, dates: Mapping[str, Dates]
    ) -> None:
        self._sample, self._record, self._seen = sample, record, seen
        self._targets = Targets(record)
        self._key = find_key(seen.columns, record)
        key = {self._key.column.name} if self._key and self._key.sure else set()
        columns = [each for each in seen.columns if each.name not in key]
        self._groups = find_groups(columns, dates, self._targets)
        grouped = {name for group in self._groups for name in group.columns}
        free = [each for each in columns if each.name not in grouped]
        lists = [group.target.path for group in self._groups]
        self._matches = find_matches(free, dates, self._targets, lists)
        self._dates = dates
        entries = [group_entry(group) for group in self._groups]
        entries += [match_entry(match, self._targets.references) for match in self._matches]
        self._entries = {entry.path: entry for entry in entries}
        self._trials = _trial_words(self._matches)
        self._filtered = self._trials is not None

    # --- what counts ----------------------------------------------------------------------------------

    @property
    def _on(self) -> set[str]:
        return {path for path, entry in self._entries.items() if entry.on}

    @property
    def _missing(self) -> list[Field]:
        return missing_fields(self._targets.root, self._on)

    def refused(self) -> dict[str, str]:
        """Path of what the loader refuses in the draft -> why; missing fields are filled for the trial."""
        trial = [f"  {field.path}: {constant_for(field)}" for field in self._missing]
        lines = [*self._head(), "fields:", *written(self._field_lines()), *trial]
        if not trial and not self._on:
            return {}
        try:
            compile_mapping(parse_mapping("\n".join(lines) + "\n"), dict(self._sample.rows.schema))
        except MappingError as error:
            return {each.path.partition("[")[0]: each.message for each in error.findings}
        return {}

    def turn_off(self, refused: Mapping[str, str]) -> bool:
        """Comments out what was refused; gives whether there was any such thing."""
        changed = False
        for path, why in refused.items():
            if path == "where" and self._filtered:
                self._filtered, changed = False, True
            entry = self._entries.get(path)
            if entry is not None and entry.on:
                first, *rest = entry.lines
                told = f"{first.why}; {why}" if first.why else why
                self._entries[path] = replace(entry, lines=(replace(first, why=told), *rest), on=False)
                changed = True
        return changed

    # --- the file -------------------------------------------------------------------------------------

    def proposal(self) -> Proposal:
        """The file, and what there is to say about it."""
        lines = [
            *header_lines(self._sample, self._seen, self._record),
            *self._head(),
            "",
            *self._fields(),
            *self._rest(),
        ]
        used = self._used()
        names = tuple(column.name for column in self._seen.columns)
        return Proposal(
            text="\n".join(lines) + "\n",
            columns=names,
            mapped=tuple(name for name in names if name in used),
            missing=tuple(field.path for field in self._missing),
            aloud=tuple(self._aloud()),
        )

    def _head(self) -> list[str]:
        lines = [YamlLine(f"resource: {text(self._record.name_of_type)}"), _key_line(self._key)]
        lines += [YamlLine(""), *_source_lines(self._sample.source, self._seen)]
        if self._trials and self._filtered:
            lines += [YamlLine(""), YamlLine(f"where: {text(self._trials.sql)}", self._trials.told)]
        return list(written(lines))

    def _fields(self) -> list[str]:
        lines = list(written(self._field_lines()))
        return ["fields:" if self._on else "fields: {}", *lines]

    def _field_lines(self) -> list[YamlLine]:
        filled = {
            match.target.path: match.column.name for match in self._matches if match.target.path in self._on
        }
        entries = dict(self._entries)
        for field in self._missing:
            entries.setdefault(field.path, missing_entry(field))
        for entry in hint_entries(filled, self._targets):
            entries.setdefault(entry.path, entry)
        ordered = sorted(entries.values(), key=self._place)
        history = [entry for entry in ordered if entry.path.startswith(_HISTORY)]
        lines = nested([entry for entry in ordered if entry not in history], 1)
        if history:
            lines += [
                YamlLine(
                    "", "The record's own history: leave it out to have the server write its own.", depth=1
                )
            ]
        return [*lines, *nested(history, 1)]

    def _place(self, entry: YamlEntry) -> int:
        """The order of fields: that of the columns that fill them; what nothing fills comes last."""
        for match in self._matches:
            if match.target.path == entry.path:
                return match.column.place
        for group in self._groups:
            if group.target.path == entry.path:
                return min(cell.column.place for cells in group.items.values() for cell in cells)
        return len(self._seen.columns)

    def _rest(self) -> list[str]:
        """The columns that nothing uses, behind a `#`."""
        told = self._used() | self._doubtful()
        left = [column for column in self._seen.columns if column.name not in told]
        if not left:
            return []
        lines = [
            YamlLine(""),
            YamlLine(
                "",
                "Not mapped. Name those under `ignore:` that are left out on purpose. An option "
                "object of the live service may have more fields than its page lists: they are "
                "mapped by the service's own names for them.",
            ),
        ]
        lines += [YamlLine(text(column.name), self._holds(column), off=True) for column in left]
        return list(written(lines))

    def _holds(self, column: ColumnProfile) -> str:
        found = self._dates.get(column.name)
        what = kind_of(column)
        if found and found.open:
            what = f"dates; AMBIGUOUS: {'; '.join(map(open_words, found.open))}"
        elif found:
            what = f"dates, {' or '.join(found.forms) or 'ISO 8601'}"
        return f"{what}; {column.filled:,} of {column.rows:,} filled, {column.distinct:,} different"

    def _used(self) -> set[str]:
        used = {self._key.column.name} if self._key and self._key.sure else set()
        for match in self._matches:
            if match.target.path in self._on:
                used |= {match.column.name, *(each.name for each in match.more)}
        for group in self._groups:
            if group.target.path in self._on:
                used |= group.columns
        return used

    def _doubtful(self) -> set[str]:
        """Columns of rules that are behind a `#`."""
        grouped = {name for group in self._groups for name in group.columns}
        return ({match.column.name for match in self._matches} | grouped) - self._used()

    def _aloud(self) -> Iterable[str]:
        if self._key is None or not self._key.sure:
            yield "external_id: no column is sure to be the key of the rows; choose one"
        elif self._key.flawed:
            yield f"external_id: {self._key.column.name} is {self._key.evidence}"
        if self._trials and self._filtered:
            yield f"where: {self._trials.told}"
        for match in self._matches:
            if match.reading.aloud and (match.target.path in self._on or match.reading.open):
                yield match.reading.aloud
        for group in self._groups:
            for cells in group.items.values():
                yield from (cell.reading.aloud for cell in cells if cell.reading.aloud)
        told = self._used() | self._doubtful()
        for name, found in self._dates.items():
            if found.open and name not in told:
                yield f"AMBIGUOUS: {name}: {'; '.join(map(open_words, found.open))}"


@dataclass(frozen=True, slots=True)
class _Trials:
    sql: str
    told: str


def _trial_words(matches: Sequence[Match]) -> _Trials | None:
    """A filter for rows whose state says that they were never real."""
    for match in matches:
        found = [(word, count) for word, count in match.reading.outside if word.lower() in TRIAL_WORDS]
        if not match.sure or not found:
            continue
        name = match.column.name
        words = ", ".join("'" + word.replace("'", "''") + "'" for word, _ in found)
        rows = ", ".join(f"{word!r} in {counted(count)}" for word, count in found)
        sql = f"COALESCE({identifier(name)}, '') NOT IN ({words})"
        return _Trials(sql, f"guessed: {name} says {rows}, taken for trials and not sent")
    return None


def _key_line(key: Key | None) -> YamlLine:
    if key is None:
        return YamlLine(
            "external_id: COLUMN", "no column is unique: which one tells the rows apart?", off=True
        )
    words = f"external_id: {text(key.column.name)}"
    if not key.sure:
        return YamlLine(
            words, f"perhaps: {key.evidence}, but its name does not say that it is a key", off=True
        )
    return YamlLine(words, key.evidence)


def _source_lines(source: Mapping[str, Any], seen: SourceProfile) -> list[YamlLine]:
    lines = [YamlLine(f"{text(name)}: {flow(value)}", depth=1) for name, value in source.items()]
    if seen.null_words:
        words = flow(["", *seen.null_words])
        told = ", ".join(
            f"{word!r} in {columns} columns, {count:,} cells"
            for word, (columns, count) in seen.null_words.items()
        )
        lines.append(YamlLine(f"null_values: {words}", told, depth=1))
    return [YamlLine("source:"), *lines] if lines else []


def header_lines(sample: SourceSample, seen: SourceProfile, record: type[Record]) -> list[str]:
    """The lines above the mapping: what it is, and how far it can be relied on."""
    name = sample.name if len(sample.name) <= _SHOWN else f"{sample.name[:_SHOWN]}…"
    looked_at = f"{'all' if sample.whole else 'the first'} {sample.read:,} records of {name}"
    unread = sample.read - seen.rows
    left_out = f", {unread:,} of them left out because they cannot be read as rows" if unread else ""
    told = list(
        written(
            [
                YamlLine("", f"Proposed by `loader init` from {looked_at}{left_out}."),
                YamlLine("#"),
                YamlLine(
                    "",
                    'Each line under `fields:` reads "field of the API: where it comes from"; comments say '
                    "what the values showed. What only you can know is written as a comment: take its mark "
                    f"away and complete it. `loader schema {record.name_of_type}` lists the fields.",
                ),
                YamlLine(""),
            ]
        )
    )
    return [hint_line(record), *told]
