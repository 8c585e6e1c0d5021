"""Findings grouped by their cause, in memory that does not grow with them.

One grouping serves the page of a dry run, that of a load, the summary and the terminal. It takes findings as
frames, a batch at a time, or row by row.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.findings import CODES, Finding, group_key, load_params
from loader.records import Status
from loader.report.findings import in_other_row
from loader.report.values import Capped, ExampleValue, FindingCount, FindingGroup, RowPlace
from loader.wording import expected, fix, message, reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loader.findings import JsonValue
    from loader.records import RowResult

OTHER: Final = "other reasons"

_MOST_GROUPS: Final = 1_000
_EXAMPLES: Final = 5
_RECORD_NOS: Final = 3
_MOST_REMEMBERED: Final = 10_000  # causes of texts of parameters
_LONGEST_WORDS: Final = 2_000  # characters of a service's words that are looked at
_NUMBER: Final = re.compile(r"[0-9]+")
_FOLDED: Final = "…"
_FIX_OTHERS: Final = "The files beside this page have the reason for each of these rows."
_ALL_VARYING: Final = frozenset(code.name for code in CODES.values() if code.varying.issuperset(code.params))
"""Codes without a parameter that is part of the cause."""

_Key = tuple[Status, str, str, str]
"""Status, code, field, and what else is part of the cause, as JSON; a code of "" for all other groups."""

_Look = tuple[Status, str, str, str]
"""Status, code, field, and parameters as text: findings that look the same are in one group."""


@dataclass(slots=True)
class _CountedGroup:
    """What is known of a group so far.

    Attributes:
        cause: Its first finding without what varies; None for all other groups of a status.
        same_column: Whether all of its findings have the column of the first one.
        same_words: Likewise the words.
        distinct: Examples by what they show: with different values.
        more: Examples with any values, for a group that has few different ones.
    """

    cause: Finding | None
    same_column: bool = True
    same_words: bool = True
    rows: int = 0
    findings: int = 0
    record_nos: list[int] = field(default_factory=list)
    distinct: dict[str | None, ExampleValue] = field(default_factory=dict)
    more: list[ExampleValue] = field(default_factory=list)

    @property
    def wants_examples(self) -> bool:
        """Whether the group takes another value as an example."""
        return len(self.distinct) < _EXAMPLES

    def merge(self, other: Finding) -> None:
        """Take a later finding of the group, or its cause."""
        cause = self.cause
        if cause is None or other is cause:
            return
        if other.column != cause.column:
            self.same_column = False
        # Words that vary from row to row are not part of the cause.
        if self.same_words and "words" in cause.params and _words_of(other) != _words_of(cause):
            self.same_words = False

    def count_rows(self, rows: int, record_nos: Iterable[int]) -> None:
        """Count rows; the first of their record numbers will do."""
        self.rows += rows
        if len(self.record_nos) < _RECORD_NOS:
            self.record_nos = [*self.record_nos, *record_nos][:_RECORD_NOS]

    def offer(self, example: ExampleValue) -> None:
        """Take an example if its value is a new one and there is room."""
        if self.wants_examples:
            self.distinct.setdefault(example.value, example)

    def offer_more(self, example: ExampleValue) -> None:
        """Take an example of whatever value if there is room."""
        if len(self.more) < _EXAMPLES:
            self.more.append(example)

    def examples(self) -> list[ExampleValue]:
        """Return the examples, in the order of the source as far as they came in it."""
        places = {example.place for example in self.distinct.values()}
        more = [example for example in self.more if example.place not in places]
        some = list(dict.fromkeys([*self.distinct.values(), *more]))[:_EXAMPLES]
        return sorted(some, key=lambda example: (example.place.file, example.place.record_no))

    def common_cause(self) -> Finding | None:
        """Return what all of its findings have in common."""
        cause = self.cause
        if cause is not None and not self.same_column:
            cause = replace(cause, column=None)
        if cause is not None and not self.same_words:
            words = _NUMBER.sub(_FOLDED, str(cause.params["words"]))
            cause = replace(cause, params={**cause.params, "words": words})
        return cause


class FindingGroups:
    """Counts findings and rows by cause; past a thousand groups, new ones count as one for each status.

    A row counts once in a group, however many findings of it the row has.
    """

    def __init__(self) -> None:
        self._groups: dict[_Key, _CountedGroup] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._causes: dict[tuple[str, str, str | None, str | None], tuple[str, Finding]] = {}
        self._by_look: dict[_Look, _CountedGroup] = {}

    # --- Frames --------------------------------------------------------------------------------------

    def add(self, findings: pl.DataFrame) -> None:
        """Count findings.

        Args:
            findings: Of `loader.report.findings.SCHEMA`; all findings of a row come at once.
        """
        if not findings.height:
            return
        numbered, groups = self._numbered(findings)
        counts = (
            _first_of_rows(numbered, "group")
            .group_by("group")
            .agg(pl.len().alias("rows"), pl.col("record_no").head(_RECORD_NOS))
        )
        for number, count in numbered["group"].value_counts().iter_rows():
            groups[number].findings += count
        for number, rows, record_nos in counts.iter_rows():
            groups[number].count_rows(rows, record_nos)
        codes = _first_of_rows(findings, "code", "field").group_by("code", "field").len()
        for code, path, rows in codes.iter_rows():
            self._count_code(code, path, rows)
        _exemplify(numbered, groups)

    def _numbered(self, findings: pl.DataFrame) -> tuple[pl.DataFrame, list[_CountedGroup]]:
        """Return the findings with the index of their group in the list that comes with them."""
        causes = pl.when(~pl.col("code").is_in(_ALL_VARYING)).then("params").alias("cause")
        keyed = findings.with_columns(causes)
        by = ("status", "code", "field", "column", "cause")
        different = keyed.select(by).unique(maintain_order=True)
        places: dict[int, int] = {}
        groups: list[_CountedGroup] = []
        numbers = []
        for status, code, path, column, params in different.iter_rows():
            group = self._group(Status(status), *self._cause_of(code, path, column, params))
            number = places.setdefault(id(group), len(groups))
            if number == len(groups):
                groups.append(group)
            numbers.append(number)
        index = different.with_columns(pl.Series("group", numbers, pl.UInt32))
        return keyed.join(index, on=by, how="left", nulls_equal=True, maintain_order="left"), groups

    def _cause_of(self, code: str, path: str, column: str | None, params: str | None) -> tuple[str, Finding]:
        """Return the cause of a line of a frame, which many lines have in common."""
        line = (code, path, column, params)
        if line not in self._causes:
            if len(self._causes) >= _MOST_REMEMBERED:
                self._causes.clear()
            self._causes[line] = _cause(code, path, column, load_params(params))
        return self._causes[line]

    # --- Rows ----------------------------------------------------------------------------------------

    def add_row(self, row: RowResult, file: str) -> None:
        """Count the findings of a row.

        Args:
            row: The row.
            file: The name of its file.
        """
        groups: dict[int, _CountedGroup] = {}
        for finding in row.findings:
            group = self._group_of(row.status, finding)
            groups[id(group)] = group
            group.findings += 1
            if group.wants_examples:
                example = _example(finding, RowPlace(row.record_no, row.line, row.external_id, file))
                group.offer(example)
                group.offer_more(example)
        for group in groups.values():
            group.count_rows(1, [row.record_no])
        for code, path in {(finding.code, finding.field) for finding in row.findings}:
            self._count_code(code, path, 1)

    def _group_of(self, status: Status, finding: Finding) -> _CountedGroup:
        """Return the group of a finding; most findings look like one that came before."""
        look = _look(status, finding)
        group = self._by_look.get(look)
        if group is None:
            if len(self._by_look) >= _MOST_REMEMBERED:
                self._by_look.clear()
            cause = _cause(finding.code, finding.field, finding.column, finding.params)
            group = self._by_look[look] = self._group(status, *cause)
        else:
            group.merge(finding)
        return group

    # --- Both ----------------------------------------------------------------------------------------

    def _group(self, status: Status, key: str, cause: Finding) -> _CountedGroup:
        place = (status, cause.code, cause.field, key)
        group = self._groups.get(place)
        if group is None:
            if len(self._groups) < _MOST_GROUPS:
                return self._groups.setdefault(place, _CountedGroup(cause))
            return self._groups.setdefault((status, "", "", ""), _CountedGroup(None))
        group.merge(cause)
        return group

    def _count_code(self, code: str, path: str, rows: int) -> None:
        known = (code, path) in self._counts or len(self._counts) < _MOST_GROUPS
        self._counts[code, path if known else ""] += rows

    # --- What came of it -----------------------------------------------------------------------------

    def groups(self, *statuses: Status) -> tuple[FindingGroup, ...]:
        """Return the groups, most frequent first.

        Args:
            statuses: Which; none: all.
        """
        some = [
            _finished(key[0], group)
            for key, group in self._groups.items()
            if not statuses or key[0] in statuses
        ]
        return tuple(sorted(some, key=lambda group: -group.rows))

    def counts(self) -> tuple[FindingCount, ...]:
        """Return how many rows have a finding of a code in a field, most frequent first."""
        return tuple(FindingCount(code, path, rows) for (code, path), rows in self._counts.most_common())


def _first_of_rows(findings: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Return one line for each row and `by`: a row may have several findings."""
    return findings.select(*by, "file", "record_no").unique(keep="first", maintain_order=True)


def _words_of(finding: Finding) -> str | None:
    """Return the words of a service, cut; None where a finding has none."""
    words = finding.params.get("words")
    return words[:_LONGEST_WORDS] if isinstance(words, str) else None


def _look(status: Status, finding: Finding) -> _Look:
    """Return a text that is cheap to make, and the same for findings of one group that are alike."""
    params: Mapping[str, JsonValue] = finding.params
    if finding.code in _ALL_VARYING:
        return status, finding.code, finding.field, ""
    if words := _words_of(finding):
        params = {**params, "words": _NUMBER.sub(_FOLDED, words)}
    return status, finding.code, finding.field, str(params)


def _cause(code: str, path: str, column: str | None, params: Mapping[str, JsonValue]) -> tuple[str, Finding]:
    """Return the key of a finding's group, and what all of its findings have in common."""
    varying = CODES[code].varying
    kept = {name: value for name, value in params.items() if name not in varying}
    cause = Finding(code, path, column, params=kept)
    if (words := _words_of(cause)) is None:
        return group_key(cause)[2], cause
    # Words that differ only in numbers have the same cause: "id 17 is taken", "id 18 is taken".
    folded = replace(cause, params={**kept, "words": _NUMBER.sub(_FOLDED, words)})
    return group_key(folded)[2], replace(cause, params={**kept, "words": words})


# --- Examples ------------------------------------------------------------------------------------------


def _exemplify(numbered: pl.DataFrame, groups: list[_CountedGroup]) -> None:
    """Give examples to groups that have room: different values first, then any."""
    wanting = [number for number, group in enumerate(groups) if group.wants_examples]
    if not wanting:
        return
    some = numbered.filter(pl.col("group").is_in(wanting)) if len(wanting) < len(groups) else numbered
    # Of a record that is wrong as a whole, the message is shown: it depends on all of this.
    whole = (pl.col("field") == "") & pl.col("value").is_null()
    shown = pl.when(whole).then(pl.concat_str("column", "params", separator="\0", ignore_nulls=True))
    some = some.with_columns(
        shown.otherwise("value").alias("shown"),
        in_other_row().fill_null(value=False).alias("other"),
    )
    different = some.unique(["group", "shown"], keep="first", maintain_order=True)
    for line in different.group_by("group", maintain_order=True).head(_EXAMPLES).iter_rows(named=True):
        groups[line["group"]].offer(_example_of(line))
    sparse = [
        number for number in wanting if groups[number].wants_examples and len(groups[number].more) < _EXAMPLES
    ]
    rest = some.filter(pl.col("group").is_in(sparse)).group_by("group", maintain_order=True).head(_EXAMPLES)
    for line in rest.iter_rows(named=True):
        groups[line["group"]].offer_more(_example_of(line))


def _example_of(line: Mapping[str, Any]) -> ExampleValue:
    """Return a line of a frame as an example."""
    params = load_params(line["params"])
    finding = Finding(line["code"], line["field"], line["column"], line["value"], params)
    other = line["other"]
    place = RowPlace(line["record_no"], None if other else line["line"], line["external_id"], line["file"])
    row = RowPlace(line["row_no"], line["line"], file=line["row_file"] or "") if other else None
    return replace(_example(finding, place), row=row)


def _example(finding: Finding, place: RowPlace) -> ExampleValue:
    location = finding.location
    row = None
    if location is not None and location.record_no is not None:
        row = RowPlace(location.record_no, location.line, file=location.file)
    whole = not finding.field and finding.value is None
    shown = message(replace(finding, location=None)) if whole else finding.value
    suggestion = finding.params.get("suggestion")
    return ExampleValue(shown, place, None if suggestion is None else str(suggestion), row)


def _finished(status: Status, group: _CountedGroup) -> FindingGroup:
    examples = group.examples()
    capped = Capped.of(examples, total=max(group.findings, len(examples)))
    record_nos = tuple(group.record_nos)
    if (cause := group.common_cause()) is None:
        return FindingGroup(status, "", "", OTHER, group.rows, _FIX_OTHERS, capped, record_nos=record_nos)
    words, http_status = cause.params.get("words"), cause.params.get("status")
    return FindingGroup(
        status=status,
        code=cause.code,
        field=cause.field,
        reason=reason(cause),
        rows=group.rows,
        fix=fix(cause),
        examples=capped,
        expected=expected(cause),
        column=cause.column,
        words=words if isinstance(words, str) and words else None,
        http_status=http_status if isinstance(http_status, int) else None,
        record_nos=record_nos,
    )
