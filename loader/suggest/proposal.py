"""A proposal for a mapping, from a sample of rows: all that the values show, written as one file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from loader import wording
from loader.errors import MappingError
from loader.mapping import compile_mapping, parse_mapping
from loader.mapping.json_schema import hint_line
from loader.suggest.column_types import describe_open, kind_of
from loader.suggest.dates import read_dates, share_orders
from loader.suggest.key import find_key
from loader.suggest.match import find_matches
from loader.suggest.numbered import find_groups
from loader.suggest.profile import profile
from loader.suggest.rules import (
    constant_for,
    group_entry,
    hint_entries,
    identifier,
    match_entry,
    missing_entry,
    missing_fields,
)
from loader.suggest.targets import Targets
from loader.suggest.vocabulary import TRIAL_WORDS
from loader.suggest.yaml_lines import YamlEntry, YamlLine, flow, nested, render, scalar
from loader.text import count, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from loader.resources import RecordType, RecordTypes
    from loader.resources.fields import Field
    from loader.suggest.dates import DateReading
    from loader.suggest.key import KeyColumn
    from loader.suggest.match import Match
    from loader.suggest.profile import ColumnProfile, SourceProfile

_HISTORY: Final = "sys_"


@dataclass(frozen=True, slots=True)
class SourceSample:
    """What a proposal is made from.

    Attributes:
        rows: The source's own columns, each with the source's type; the readable rows of its beginning.
        read: Records that were read for it; those that cannot be read as rows are not in `rows`.
        complete: Whether these are all the records that there are.
        name: The source's name, for the file's first line.
        source: The `source:` section: how the source is read, key by key, in order.
    """

    rows: pl.DataFrame
    read: int
    complete: bool
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
        notes: What was guessed, or could not be: one line each, for the person who runs the command.
    """

    text: str
    columns: tuple[str, ...]
    mapped: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def propose(sample: SourceSample, record_type: RecordType, types: RecordTypes) -> Proposal:
    """Propose a mapping.

    Every rule that is not commented out is one that the loader takes for this source: what parsing or
    compiling refuses is commented out, with the reason.

    Args:
        sample: Rows of the source, and how it is read.
        record_type: What its rows become.
        types: All record types, for lookups.
    """
    source = profile(sample.rows, null_values=sample.source.get("null_values"))
    dates = share_orders(
        {
            column.name: reading
            for column in source.columns
            if (reading := read_dates(column.values)) is not None
        }
    )
    builder = _ProposalBuilder(sample, record_type, types, source, dates)
    while refused := builder.refused():
        if not builder.turn_off(refused):
            raise RuntimeError(f"the proposal is not a valid mapping: {refused}")
    return builder.proposal()


class _ProposalBuilder:
    """Builds a proposal: its entries, and which of them count."""

    def __init__(
        self,
        sample: SourceSample,
        record_type: RecordType,
        types: RecordTypes,
        source: SourceProfile,
        dates: Mapping[str, DateReading],
    ) -> None:
        self._sample, self._source, self._dates = sample, source, dates
        self._record_type, self._types = record_type, types
        self._targets = Targets(record_type)
        self._key = find_key(source.columns, record_type)
        key = {self._key.column.name} if self._key and self._key.sure else set()
        columns = [column for column in source.columns if column.name not in key]
        self._groups = find_groups(columns, dates, self._targets)
        grouped = {name for group in self._groups for name in group.columns}
        free = [column for column in columns if column.name not in grouped]
        lists = [group.target.path for group in self._groups]
        self._matches = find_matches(free, dates, self._targets, lists)
        entries = [group_entry(group) for group in self._groups]
        entries += [match_entry(match, self._targets.references) for match in self._matches]
        self._entries = {entry.path: entry for entry in entries}
        self._trial_filter = _trial_filter(self._matches)

    # --- What counts -----------------------------------------------------------------------------------

    @property
    def _on(self) -> set[str]:
        return {path for path, entry in self._entries.items() if entry.on}

    @property
    def _missing(self) -> list[Field]:
        return missing_fields(self._targets.root, self._on)

    def refused(self) -> dict[str, str]:
        """Return the paths that the loader refuses, and why; missing fields are filled for the trial."""
        trial = [f"  {field.path}: {constant_for(field)}" for field in self._missing]
        lines = [*self._head(), "fields:", *render(self._field_lines()), *trial]
        if not trial and not self._on:
            return {}
        try:
            plan = parse_mapping("\n".join(lines) + "\n", "mapping", self._types)
            compile_mapping(plan, dict(self._sample.rows.schema))
        except MappingError as error:
            return {finding.field.partition("[")[0]: wording.message(finding) for finding in error.findings}
        return {}

    def turn_off(self, refused: Mapping[str, str]) -> bool:
        """Comment out what was refused; return whether any of it was on."""
        changed = False
        for path, problem in refused.items():
            if path == "where" and self._trial_filter:
                self._trial_filter, changed = None, True
            entry = self._entries.get(path)
            if entry is not None and entry.on:
                first, *rest = entry.lines
                comment = f"{first.comment}; {problem}" if first.comment else problem
                lines = (replace(first, comment=comment), *rest)
                self._entries[path] = replace(entry, lines=lines, on=False)
                changed = True
        return changed

    # --- The file --------------------------------------------------------------------------------------

    def proposal(self) -> Proposal:
        """Return the file, and what must be shown beside it."""
        lines = [
            *header_lines(self._sample, self._source, self._record_type),
            *self._head(),
            "",
            *self._fields(),
            *self._unmapped(),
        ]
        used = self._used()
        names = tuple(column.name for column in self._source.columns)
        return Proposal(
            text="\n".join(lines) + "\n",
            columns=names,
            mapped=tuple(name for name in names if name in used),
            missing=tuple(field.path for field in self._missing),
            notes=tuple(self._notes()),
        )

    def _head(self) -> list[str]:
        lines = [YamlLine(f"resource: {scalar(self._record_type.name)}"), _key_line(self._key)]
        lines += [YamlLine(""), *_source_lines(self._sample.source, self._source)]
        if self._trial_filter:
            where = f"where: {scalar(self._trial_filter.sql)}"
            lines += [YamlLine(""), YamlLine(where, self._trial_filter.note)]
        return list(render(lines))

    def _fields(self) -> list[str]:
        lines = list(render(self._field_lines()))
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
            comment = "The record's own history: without these fields, the server writes its own."
            lines += [YamlLine("", comment, depth=1)]
        return [*lines, *nested(history, 1)]

    def _place(self, entry: YamlEntry) -> int:
        """Return the order of fields: that of the columns that fill them; unfilled ones come last."""
        for match in self._matches:
            if match.target.path == entry.path:
                return match.column.place
        for group in self._groups:
            if group.target.path == entry.path:
                return min(cell.column.place for cells in group.items.values() for cell in cells)
        return len(self._source.columns)

    def _unmapped(self) -> list[str]:
        """Return the columns that nothing uses, commented out."""
        shown = self._used() | self._in_doubt()
        left = [column for column in self._source.columns if column.name not in shown]
        if not left:
            return []
        comment = (
            "Not mapped. List columns that you leave out on purpose under `ignore:`. Option objects of the "
            "live service may have more fields than the API's page lists: map these by the names that the "
            "service uses."
        )
        lines = [YamlLine(""), YamlLine("", comment)]
        lines += [YamlLine(scalar(column.name), self._contents(column), off=True) for column in left]
        return list(render(lines))

    def _contents(self, column: ColumnProfile) -> str:
        dates = self._dates.get(column.name)
        kind = kind_of(column)
        if dates and dates.open_families:
            kind = f"dates; AMBIGUOUS: {describe_open(dates.open_families)}"
        elif dates:
            kind = f"dates, {' or '.join(dates.formats) or 'ISO 8601'}"
        return f"{kind}; {column.filled:,} of {column.rows:,} filled, {column.distinct:,} different"

    def _used(self) -> set[str]:
        used = {self._key.column.name} if self._key and self._key.sure else set()
        for match in self._matches:
            if match.target.path in self._on:
                used |= {match.column.name, *(column.name for column in match.more)}
        for group in self._groups:
            if group.target.path in self._on:
                used |= group.columns
        return used

    def _in_doubt(self) -> set[str]:
        """Return the columns of rules that are commented out."""
        grouped = {name for group in self._groups for name in group.columns}
        return ({match.column.name for match in self._matches} | grouped) - self._used()

    def _notes(self) -> Iterable[str]:
        if self._key is None or not self._key.sure:
            yield "external_id: no column is surely the key of the rows; choose one"
        elif self._key.flawed:
            yield f"external_id: {self._key.column.name} is {self._key.evidence}"
        if self._trial_filter:
            yield f"where: {self._trial_filter.note}"
        for match in self._matches:
            if match.reading.note and (match.target.path in self._on or match.reading.question):
                yield match.reading.note
        for group in self._groups:
            for cells in group.items.values():
                yield from (cell.reading.note for cell in cells if cell.reading.note)
        shown = self._used() | self._in_doubt()
        for name, dates in self._dates.items():
            if dates.open_families and name not in shown:
                yield f"AMBIGUOUS: {name}: {describe_open(dates.open_families)}"


@dataclass(frozen=True, slots=True)
class _TrialFilter:
    """A filter for trial rows: SQL that keeps the others, and what was guessed."""

    sql: str
    note: str


def _trial_filter(matches: Sequence[Match]) -> _TrialFilter | None:
    """Return a filter for rows with a status that marks them as trials; None where there are none."""
    for match in matches:
        trials = [(word, rows) for word, rows in match.reading.unmapped if word.lower() in TRIAL_WORDS]
        if not match.sure or not trials:
            continue
        name = match.column.name
        words = ", ".join("'" + word.replace("'", "''") + "'" for word, _ in trials)
        shown = ", ".join(f"{word!r} in {count(rows, 'row')}" for word, rows in trials)
        # COALESCE: an empty cell is not a trial, and SQL would drop its row, as null is not true.
        sql = f"COALESCE({identifier(name)}, '') NOT IN ({words})"
        return _TrialFilter(sql, f"guessed: {name} has {shown}; taken for trials and not sent")
    return None


def _key_line(key: KeyColumn | None) -> YamlLine:
    if key is None:
        return YamlLine("external_id: COLUMN", "no column is unique: which one identifies a row?", off=True)
    content = f"external_id: {scalar(key.column.name)}"
    if not key.sure:
        return YamlLine(content, f"perhaps: {key.evidence}, but its name is not that of a key", off=True)
    return YamlLine(content, key.evidence)


def _source_lines(options: Mapping[str, Any], source: SourceProfile) -> list[YamlLine]:
    lines = [YamlLine(f"{scalar(name)}: {flow(value)}", depth=1) for name, value in options.items()]
    if source.null_words:
        words = flow(["", *source.null_words])
        comment = ", ".join(
            f"{word!r} in {count(columns, 'column')}, {count(cells, 'cell')}"
            for word, (columns, cells) in source.null_words.items()
        )
        lines.append(YamlLine(f"null_values: {words}", comment, depth=1))
    return [YamlLine("source:"), *lines] if lines else []


def header_lines(sample: SourceSample, source: SourceProfile, record_type: RecordType) -> list[str]:
    """Return the lines above the mapping: what it was made from, and how to complete it."""
    part = "all" if sample.complete else "the first"
    records = f"{part} {count(sample.read, 'record')} of {shorten(sample.name)}"
    unread = sample.read - source.rows
    left_out = f", without {count(unread, 'record')} that cannot be read as rows" if unread else ""
    lines = [
        YamlLine("", f"Proposed by `loader init` from {records}{left_out}."),
        YamlLine("#"),
        YamlLine(
            "",
            'Each line below `fields:` reads "field of the API: where its value comes from"; its comment is '
            "what the values show. Where only you can know the answer, a line is commented out: uncomment "
            f"this line and complete it. `loader schema {record_type.name}` lists the fields.",
        ),
        YamlLine(""),
    ]
    return [hint_line(record_type), *render(lines)]
