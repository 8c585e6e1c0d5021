"""What is wrong with a source's rows, grouped by field and reason; in memory that does not grow with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl

from loader.report.page.values import Capped, ExampleValue, FindingGroup, Positions, RowPlace
from loader.report.remediation import JSON_OF, TOO_FEW, TOO_MANY, allowed, mend, reason_in_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

_MOST_REASONS: Final = 1_000
_EXAMPLES: Final = 5
_PLACES: Final = 3
_BINS: Final = 60
_NEAREST: Final = (r"(?s)^.*; did you mean '(.*)'\?$", r'(?s)^.*; did you mean "(.*)"\?$')
_ROW: Final = (
    r"^((?:[^\"]{1,200}, )?record [0-9]+(?:, line [0-9]+)?): "  # what stands before a row's own findings
)
_OTHERS: Final = "other reasons"
_KEY: Final = ("status", "field", "reason")


@dataclass(slots=True)
class _Group:
    """The findings of one field that have one reason."""

    column: str | None
    expected: str | None
    words: str = ""
    said: str = ""
    alike: bool = True
    rows: int = 0
    findings: int = 0
    record_nos: list[int] = field(default_factory=list)
    examples: dict[str | None, ExampleValue] = field(default_factory=dict)
    more: list[ExampleValue] = field(default_factory=list)

    def exemplify(self, some: pl.DataFrame) -> None:
        """Takes examples: of different values first, and then of the same."""
        if len(self.examples) >= _EXAMPLES:
            return
        first = some.unique("shown", keep="first", maintain_order=True).head(_EXAMPLES)
        for each in first.iter_rows(named=True):
            if len(self.examples) < _EXAMPLES:
                self.examples.setdefault(each["shown"], _example(each))
        taken = {example.place for example in self.examples.values()}
        others = (_example(each) for each in some.head(2 * _EXAMPLES).iter_rows(named=True))
        self.more += [each for each in others if each.place not in taken][: _EXAMPLES - len(self.more)]

    def chosen(self) -> list[ExampleValue]:
        """Its examples, in the order of the source as far as they were met so."""
        found = [*self.examples.values(), *self.more][:_EXAMPLES]
        return sorted(dict.fromkeys(found), key=lambda each: (each.place.file, each.place.record_no))


class FindingGroups:
    """Grows with the findings; past a thousand different reasons, the rest count as one."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str, str], _Group] = {}
        self.findings = 0

    def add(self, findings: pl.DataFrame) -> None:
        """Counts findings.

        Args:
            findings: Of `loader.report.findings.SCHEMA`.
        """
        self.findings += findings.height
        if not findings.height:
            return
        told = findings.with_columns(_said().alias("said")).with_columns(
            _reason_key().alias("reason"),
            pl.coalesce(pl.col("message").str.extract(each, 1) for each in _NEAREST).alias("nearest"),
            pl.col("message").str.extract(_ROW, 1).alias("row"),
            _shown().alias("shown"),
        )
        several = told.group_by(_KEY, maintain_order=True)
        for key, some in _few(several, self._groups):
            self._count(key, some)

    def _count(self, place: tuple[str, str, str], some: pl.DataFrame) -> None:
        """Counts the records of some findings, of which one record may have several."""
        records = some.unique(["file", "record_no"], keep="first", maintain_order=True)
        first = some.row(0, named=True)
        made = _Group(first["column"], first["expected"], first["message"], first["said"])
        group = self._groups.setdefault(place, made if place[2] != _OTHERS else _Group(None, None, _OTHERS))
        group.rows += records.height
        group.findings += some.height
        if len(group.record_nos) < _PLACES:
            group.record_nos += records["record_no"].head(_PLACES - len(group.record_nos)).to_list()
        if group.alike:
            group.alike = set(some["said"].unique()) == {group.said}
        group.exemplify(some)

    def most_frequent_first(self) -> tuple[FindingGroup, ...]:
        """Every group as the report shows it."""
        ordered = sorted(self._groups.items(), key=lambda each: -each[1].rows)
        return tuple(_told(*key, group) for key, group in ordered)

    def in_short(self) -> Iterator[tuple[str, int, tuple[int, ...]]]:
        """Every group, most frequent first: its first words, how many findings, the first record numbers."""
        for (status, path, _), group in sorted(self._groups.items(), key=lambda each: -each[1].findings):
            told = group.words if not path or group.words.startswith(path) else f"{path}: {group.words}"
            yield f"{status}: {told}", group.findings, tuple(group.record_nos)


def _few(
    several: Iterable[tuple[tuple[Any, ...], pl.DataFrame]], known: Collection[tuple[str, str, str]]
) -> Iterator[tuple[tuple[str, str, str], pl.DataFrame]]:
    """Groups of findings; past a thousand different reasons, those that are new are one group a status.

    Each group that is given out must be among those `known` before the next one is asked for.
    """
    others: dict[str, list[pl.DataFrame]] = {}
    for (status, path, reason), some in several:
        place = (str(status), str(path), str(reason))
        if place in known or len(known) < _MOST_REASONS:
            yield place, some
        else:
            others.setdefault(place[0], []).append(some)
    for status, some_others in others.items():
        yield (status, "", _OTHERS), pl.concat(some_others)


def _shown() -> pl.Expr:
    """What was found: the value; of a record that is wrong as a whole, what is wrong with it."""
    whole = (pl.col("field") == "") & pl.col("value").is_null()
    return pl.when(whole).then(pl.col("message")).otherwise(pl.col("value"))


def _of_json() -> pl.Expr:
    """Whether a finding is about JSON, of which its words tell more than what was expected."""
    return pl.col("expected").str.starts_with(JSON_OF).fill_null(value=False)


def _said() -> pl.Expr:
    """A finding's words without its row; about JSON also without the value, which stands beside them."""
    words = pl.col("message").str.replace(_ROW, "")
    value = pl.concat_str(pl.lit('"'), pl.col("value"), pl.lit('" '))
    return pl.when(_of_json() & value.is_not_null()).then(words.str.strip_prefix(value)).otherwise(words)


def _reason_key() -> pl.Expr:
    """What findings of one field are grouped by: what was expected, else the words without their numbers."""
    words = pl.col("said")
    cells = words.str.extract_groups(r"^has ([0-9]+) cells, the header has ([0-9]+)$")
    surplus = cells.struct[0].cast(pl.Int64) > cells.struct[1].cast(pl.Int64)
    words = words.str.replace_all(r"[0-9]+", "#").str.replace_all(r'"[^"]*"', '"…"')
    words = (
        pl.when(surplus)
        .then(pl.lit(TOO_MANY))
        .when(surplus.is_not_null())
        .then(pl.lit(TOO_FEW))
        .otherwise(words)
    )
    by_words = (pl.col("field") == "") | pl.col("expected").is_null() | _of_json()
    return pl.when(by_words).then(words).otherwise(pl.col("expected"))


def _in_general(reason: str) -> str:
    """What findings have in common that differ in their numbers: "holds a NUL byte in cell …"."""
    return reason.replace("#", "…")


def _example(each: dict[str, Any]) -> ExampleValue:
    place = RowPlace(each["record_no"], each["line"], each["external_id"], each["file"])
    return ExampleValue(each["shown"], place, each["nearest"], each["row"] or "")


def _told(status: str, path: str, reason: str, group: _Group) -> FindingGroup:
    kind: Literal["invalid", "blocked"] = "blocked" if status == "blocked" else "invalid"
    return FindingGroup(
        field=path,
        reason=reason_in_words(reason, group.expected, group.said if group.alike else _in_general(reason)),
        rows=group.rows,
        mend=mend(path, group.column, group.expected, kind),
        examples=Capped.of(group.chosen(), total=max(group.findings, len(group.chosen()))),
        column=group.column,
        expected=allowed(group.expected),
        status=kind,
    )


class PositionBins:
    """Where in a file its findings fall: bins that grow wider as the file grows longer."""

    def __init__(self) -> None:
        self._width = 1
        self._last = 0
        self._counts: NDArray[np.int64] = np.zeros(_BINS, dtype=np.int64)

    def add(self, record_nos: Sequence[int] | NDArray[np.int64] | pl.Series) -> None:
        """Counts findings by their record numbers, from 1."""
        numbers = np.asarray(record_nos, dtype=np.int64)
        if not len(numbers):
            return
        self._last = max(self._last, int(numbers.max()))
        self._widen(self._last)
        self._counts += np.bincount((numbers - 1) // self._width, minlength=_BINS)

    def _widen(self, records: int) -> None:
        while records > self._width * _BINS:
            halves = self._counts.reshape(-1, 2).sum(axis=1)
            self._counts = np.concatenate((halves, np.zeros(_BINS - len(halves), dtype=np.int64)))
            self._width *= 2

    def positions(self, file: str, records: int) -> Positions:
        """The bins, as the report draws them.

        Args:
            file: Its name.
            records: The number of its last record, as far as that is known: where records are made of several
                rows, the last one's number is greater than their count.
        """
        records = max(records, self._last)
        self._widen(records)
        used = -(-records // self._width) if records else 0
        return Positions(
            file, records, self._width, tuple(int(each) for each in self._counts[: max(used, 1)])
        )
