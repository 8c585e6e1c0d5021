"""Which charts a page has; the drawing itself needs the extra `report`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from loader.report.page.load_values import MOST_ATTEMPTS
from loader.report.page.texts import cell, duration, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from loader.report.page.load_values import Throughput
    from loader.report.page.page import ReportPage
    from loader.report.page.values import FindingGroup, Positions

_BARS: Final = 12
_FILES: Final = 6
_STRETCHES: Final = 12
_LABEL: Final = 100
_PATH: Final = 24
_UNITS: Final = ((300, 1, "seconds"), (7_200, 60, "minutes"), (259_200, 3_600, "hours"))
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Stretch:
    """A row of the table beside a chart: what falls between two points of its axis.

    Attributes:
        start: First record, or seconds since the load began.
        end: Last record, or seconds likewise.
        count: Findings, or records created.
        throttled: Answers that said "too many requests"; 0 for findings.
    """

    start: float
    end: float
    count: int
    throttled: int = 0


@dataclass(frozen=True, slots=True)
class Charts:
    """The drawings of a page; None where there is nothing to draw.

    Attributes:
        drawn: False where the extra `report` is not installed: then there is none, the tables stand alone.
        reasons: Findings by reason.
        positions: Where the findings fall, a file each.
        throughput: Records created over time.
        attempts: Rows by the attempts they took.
    """

    drawn: bool
    reasons: Markup | None = None
    positions: tuple[Markup | None, ...] = ()
    throughput: Markup | None = None
    attempts: Markup | None = None


def can_draw() -> bool:
    """Whether what draws charts is installed: `pip install 'loader[report]'`."""
    return all(_is_there(name) for name in ("altair", "vl_convert"))


def draw(page: ReportPage) -> Charts:
    """The charts of a page; none without the extra `report`."""
    if not can_draw():
        return Charts(drawn=False)
    if not (page.reasons.items or page.positions.items or page.story):
        return Charts(drawn=True)  # what draws takes longer to import than a clean page takes to make
    from loader.report.page import drawing  # noqa: PLC0415 - it needs the extra

    story = page.story
    over_time = story.throughput if story else None
    reasons = [_bar(each) for each in page.reasons.items[:_BARS]]
    attempts = attempt_bars(story.attempts) if story else []
    return Charts(
        drawn=True,
        reasons=drawing.bars(reasons, drawing.Named("reasons", f"Rows by what is wrong. {_listed(reasons)}")),
        positions=tuple(
            drawing.positions(each, drawing.Named(f"positions-{place}", _along(each)))
            for place, each in enumerate(page.positions.items[:_FILES], 1)
        ),
        throughput=drawing.throughput(
            over_time, time_unit(over_time), drawing.Named("throughput", _over_time(over_time))
        )
        if over_time
        else None,
        attempts=drawing.bars(attempts, drawing.Named("attempts", f"Rows by attempts. {_listed(attempts)}")),
    )


def attempt_bars(attempts: Sequence[tuple[int, int]]) -> list[tuple[str, int]]:
    """The attempts with their labels.

    Args:
        attempts: As `LoadStory` has them.
    """
    attempts = attempts[:MOST_ATTEMPTS]
    labels = [f"{count:,} attempt{'s' if count != 1 else ''}" for count, _ in attempts]
    if len(labels) == MOST_ATTEMPTS:
        labels[-1] += " or more"
    return [(label, rows) for label, (_, rows) in zip(labels, attempts, strict=True)]


def time_unit(throughput: Throughput) -> tuple[float, str]:
    """The unit in which a load's time is read best: its seconds, and its name."""
    seconds = len(throughput.bins) * throughput.width
    return next(((size, name) for most, size, name in _UNITS if seconds <= most), (_DAY, "days"))


def position_stretches(positions: Positions) -> list[Stretch]:
    """Where findings fall, in few rows; those without any are left out."""
    step = _step(len(positions.counts))
    found = [
        Stretch(
            start=first * positions.width + 1,
            end=min((first + step) * positions.width, positions.records),
            count=sum(positions.counts[first : first + step]),
        )
        for first in range(0, len(positions.counts), step)
    ]
    return [each for each in found if each.count]


def time_stretches(throughput: Throughput) -> list[Stretch]:
    """What happened over time, in few rows."""
    step, width = _step(len(throughput.bins)), throughput.width
    groups = [throughput.bins[at : at + step] for at in range(0, len(throughput.bins), step)]
    return [
        Stretch(
            start=place * step * width,
            end=(place * step + len(group)) * width,
            count=sum(each.created for each in group),
            throttled=sum(each.throttled for each in group),
        )
        for place, group in enumerate(groups)
    ]


def _step(count: int) -> int:
    return max(1, -(-count // _STRETCHES))


def _bar(reason: FindingGroup) -> tuple[str, int]:
    # The end of a long path tells more than its start.
    path = reason.field if len(reason.field) <= _PATH else reason.field.rpartition(".")[2]
    name = f"{path}: {reason.reason}" if path else reason.reason
    return cell(name, _LABEL), reason.rows


def _listed(rows: Sequence[tuple[str, int]]) -> str:
    return "; ".join(f"{label}: {count:,}" for label, count in rows)


def _along(found: Positions) -> str:
    where = "; ".join(
        f"records {number(each.start)} to {number(each.end)}: {each.count:,}"
        for each in position_stretches(found)
    )
    return f"Findings along the file {cell(found.file)}. {where}"


def _over_time(throughput: Throughput) -> str:
    created = sum(each.created for each in throughput.bins)
    throttled = sum(each.throttled for each in throughput.bins)
    seconds = len(throughput.bins) * throughput.width
    return (
        f"Records created over {duration(seconds)}: {created:,}. "
        f"Answers that asked to slow down: {throttled:,}. Pauses: {throughput.pauses.total:,}."
    )


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # imported, and then put out of reach
        return False
