"""Which charts a page has; the drawing itself needs the extra `report`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from loader.report.page.load_values import MOST_ATTEMPTS
from loader.report.page.svg import ChartName
from loader.report.page.texts import cell, duration, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from loader.report.page.load_values import Throughput
    from loader.report.page.page import ReportPage
    from loader.report.page.values import Positions
    from loader.report.values import FindingGroup

_BARS: Final = 12
_FILES: Final = 6
_STRETCHES: Final = 12
_LABEL: Final = 100
_PATH: Final = 24
_UNITS: Final = ((300, 1, "seconds"), (7_200, 60, "minutes"), (259_200, 3_600, "hours"))
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Stretch:
    """A row of the table beside a chart: what is between two points of its axis.

    Attributes:
        start: First record, or seconds since the load began.
        end: Last record, or seconds likewise.
        count: Findings, or records created.
        throttled: Answers with "too many requests"; 0 for findings.
    """

    start: float
    end: float
    count: int
    throttled: int = 0


@dataclass(frozen=True, slots=True)
class Charts:
    """The drawings of a page; None where there is nothing to draw.

    Attributes:
        drawn: False where the extra `report` is not installed: then there are tables only.
        groups: Rows by what is wrong.
        positions: Where the findings are, a file each.
        throughput: Records created over time.
        attempts: Rows by the attempts they took.
    """

    drawn: bool
    groups: Markup | None = None
    positions: tuple[Markup | None, ...] = ()
    throughput: Markup | None = None
    attempts: Markup | None = None


def can_draw() -> bool:
    """Return whether the extra that draws charts is installed: `pip install 'loader[report]'`."""
    return all(_is_there(name) for name in ("altair", "vl_convert"))


def draw(page: ReportPage) -> Charts:
    """Return the charts of a page; none without the extra `report`."""
    if not can_draw():
        return Charts(drawn=False)
    if not (page.groups.items or page.positions.items or page.load):
        return Charts(drawn=True)  # importing Altair takes longer than rendering a clean page
    from loader.report.page import drawing  # noqa: PLC0415 - it needs the extra

    throughput = page.load.throughput if page.load else None
    groups = [_bar(group) for group in page.groups.items[:_BARS]]
    attempts = attempt_bars(page.load.attempts) if page.load else []
    return Charts(
        drawn=True,
        groups=drawing.bars(groups, ChartName("reasons", f"Rows by what is wrong. {_listed(groups)}")),
        positions=tuple(
            drawing.positions(positions, ChartName(f"positions-{place}", _positions_in_words(positions)))
            for place, positions in enumerate(page.positions.items[:_FILES], 1)
        ),
        throughput=drawing.throughput(
            throughput, time_unit(throughput), ChartName("throughput", _throughput_in_words(throughput))
        )
        if throughput
        else None,
        attempts=drawing.bars(attempts, ChartName("attempts", f"Rows by attempts. {_listed(attempts)}")),
    )


def attempt_bars(attempts: Sequence[tuple[int, int]]) -> list[tuple[str, int]]:
    """Return the attempts with their labels.

    Args:
        attempts: As `LoadPageValues` has them.
    """
    attempts = attempts[:MOST_ATTEMPTS]
    labels = [f"{count:,} attempt{'s' if count != 1 else ''}" for count, _ in attempts]
    if len(labels) == MOST_ATTEMPTS:
        labels[-1] += " or more"
    return [(label, rows) for label, (_, rows) in zip(labels, attempts, strict=True)]


def time_unit(throughput: Throughput) -> tuple[float, str]:
    """Return the unit in which a load's time is read best: its seconds, and its name."""
    seconds = len(throughput.bins) * throughput.width
    return next(((size, name) for most, size, name in _UNITS if seconds <= most), (_DAY, "days"))


def position_stretches(positions: Positions) -> list[Stretch]:
    """Return where findings are, in few rows; those without any are left out."""
    step = _step(len(positions.counts))
    stretches = [
        Stretch(
            start=first * positions.width + 1,
            end=min((first + step) * positions.width, positions.records),
            count=sum(positions.counts[first : first + step]),
        )
        for first in range(0, len(positions.counts), step)
    ]
    return [stretch for stretch in stretches if stretch.count]


def time_stretches(throughput: Throughput) -> list[Stretch]:
    """Return what happened over time, in few rows."""
    step, width = _step(len(throughput.bins)), throughput.width
    groups = [throughput.bins[at : at + step] for at in range(0, len(throughput.bins), step)]
    return [
        Stretch(
            start=place * step * width,
            end=(place * step + len(group)) * width,
            count=sum(one.created for one in group),
            throttled=sum(one.throttled for one in group),
        )
        for place, group in enumerate(groups)
    ]


def _step(count: int) -> int:
    return max(1, -(-count // _STRETCHES))


def _bar(group: FindingGroup) -> tuple[str, int]:
    # The end of a long path says more than its start.
    path = group.field if len(group.field) <= _PATH else group.field.rpartition(".")[2]
    name = f"{path}: {group.reason}" if path else group.reason
    return cell(name, _LABEL), group.rows


def _listed(rows: Sequence[tuple[str, int]]) -> str:
    return "; ".join(f"{label}: {count:,}" for label, count in rows)


def _positions_in_words(positions: Positions) -> str:
    where = "; ".join(
        f"records {number(stretch.start)} to {number(stretch.end)}: {stretch.count:,}"
        for stretch in position_stretches(positions)
    )
    return f"Findings along the file {cell(positions.file)}. {where}"


def _throughput_in_words(throughput: Throughput) -> str:
    created = sum(one.created for one in throughput.bins)
    throttled = sum(one.throttled for one in throughput.bins)
    seconds = len(throughput.bins) * throughput.width
    return (
        f"Records created over {duration(seconds)}: {created:,}. "
        f"Answers that asked to slow down: {throttled:,}. Pauses: {throughput.pauses.total:,}."
    )


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # in `sys.modules`, but set to None
        return False
