"""What is wrong with a source's rows, grouped by field and reason; in memory that does not grow with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl

from loader.report.mending import allowed, mend, reason_in_words
from loader.report.page.values import Capped, Example, Place, Positions, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_MOST_REASONS: Final = 1_000
_EXAMPLES: Final = 5
_PLACES: Final = 3
_BINS: Final = 60
_NEAREST: Final = (r"(?s)^.*; did you mean '(.*)'\?$", r'(?s)^.*; did you mean "(.*)"\?$')
_OTHERS: Final = "other reasons"
_KEY: Final = ("status", "field", "reason")


@dataclass(slots=True)
class _Group:
    """The findings of one field that have one reason."""

    column: str | None
    expected: str | None
    words: str = ""
    findings: int = 0
    rows: int = 0
    record_nos: list[int] = field(default_factory=list)
    examples: dict[str | None, Example] = field(default_factory=dict)


class Reasons:
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
        told = findings.with_columns(
            _reason_key().alias("reason"),
            pl.coalesce(pl.col("message").str.extract(each, 1) for each in _NEAREST).alias("nearest"),
        )
        for key, some in told.group_by(_KEY, maintain_order=True):
            group = self._group(key, some)
            records = some["record_no"].unique(maintain_order=True)
            group.findings += some.height
            group.rows += records.len()
            if len(group.record_nos) < _PLACES:
                group.record_nos += records.head(_PLACES - len(group.record_nos)).to_list()

    def _group(self, key: tuple[Any, ...], some: pl.DataFrame) -> _Group:
        status, path, reason = key
        place = (str(status), str(path), str(reason))
        first = some.row(0, named=True)
        made = _Group(first["column"], first["expected"], first["message"])
        if place not in self._groups and len(self._groups) >= _MOST_REASONS:
            place, made = (str(status), "", _OTHERS), _Group(None, None, _OTHERS)
        group = self._groups.setdefault(place, made)
        if len(group.examples) < _EXAMPLES:
            for each in (
                some.unique("value", keep="first", maintain_order=True).head(_EXAMPLES).iter_rows(named=True)
            ):
                if len(group.examples) < _EXAMPLES:
                    group.examples.setdefault(each["value"], _example(each))
        return group

    def most_frequent_first(self) -> tuple[Reason, ...]:
        """Every group as the report shows it."""
        ordered = sorted(self._groups.items(), key=lambda each: -each[1].rows)
        return tuple(_told(*key, group) for key, group in ordered)

    def in_short(self) -> Iterator[tuple[str, int, tuple[int, ...]]]:
        """Every group, most frequent first: its first words, how many findings, the first record numbers."""
        for (status, path, _), group in sorted(self._groups.items(), key=lambda each: -each[1].findings):
            told = group.words if not path or group.words.startswith(path) else f"{path}: {group.words}"
            yield f"{status}: {told}", group.findings, tuple(group.record_nos)


def _reason_key() -> pl.Expr:
    """What findings of one field are grouped by: what was expected, else the words without their numbers."""
    words = pl.col("message").str.replace_all(r"[0-9]+", "#").str.replace_all(r'"[^"]*"', '"…"')
    unreadable = pl.col("field") == ""
    return pl.when(unreadable | pl.col("expected").is_null()).then(words).otherwise(pl.col("expected"))


def _example(each: dict[str, Any]) -> Example:
    place = Place(each["record_no"], each["line"], each["external_id"], each["file"])
    return Example(each["value"], place, each["nearest"])


def _told(status: str, path: str, reason: str, group: _Group) -> Reason:
    kind: Literal["invalid", "blocked"] = "blocked" if status == "blocked" else "invalid"
    return Reason(
        field=path,
        reason=reason_in_words(reason, group.expected, group.words),
        rows=group.rows,
        mend=mend(path, group.column, group.expected, kind),
        examples=Capped.of(group.examples.values(), total=group.findings),
        column=group.column,
        expected=allowed(group.expected),
        status=kind,
    )


class Spread:
    """Where in a file its findings fall: bins that grow wider as the file grows longer."""

    def __init__(self) -> None:
        self._width = 1
        self._counts: NDArray[np.int64] = np.zeros(_BINS, dtype=np.int64)

    def add(self, record_nos: Sequence[int] | NDArray[np.int64] | pl.Series) -> None:
        """Counts findings by their record numbers, from 1."""
        numbers = np.asarray(record_nos, dtype=np.int64)
        if not len(numbers):
            return
        self._widen(int(numbers.max()))
        self._counts += np.bincount((numbers - 1) // self._width, minlength=_BINS)

    def _widen(self, records: int) -> None:
        while records > self._width * _BINS:
            halves = self._counts.reshape(-1, 2).sum(axis=1)
            self._counts = np.concatenate((halves, np.zeros(_BINS - len(halves), dtype=np.int64)))
            self._width *= 2

    def positions(self, file: str, records: int) -> Positions:
        """The bins, as the report draws them."""
        self._widen(records)
        used = -(-records // self._width) if records else 0
        return Positions(
            file, records, self._width, tuple(int(each) for each in self._counts[: max(used, 1)])
        )
