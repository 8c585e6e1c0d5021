"""Charts as SVG, by Altair; needs the extra `report`.

Each has one width, at which it is read on a phone, and in half the width of a screen or of a sheet of paper.
Colours are roles: the page's style sheet gives each a colour in the light and one in the dark.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from loader.report.page.svg import drawn
from loader.report.page.texts import cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from loader.report.page.load_values import Throughput
    from loader.report.page.values import Positions

BAR: Final = "#aa0001"
INK: Final = "#aa0002"
SOFT: Final = "#aa0003"
LINE: Final = "#aa0004"
WARN: Final = "#aa0005"
BAND: Final = "#aa0006"
ROLES: Final = {BAR: "c-bar", INK: "c-ink", SOFT: "c-soft", LINE: "c-line", WARN: "c-warn", BAND: "c-band"}
"""The colours that charts are drawn with -> the class that stands for each."""

_WIDTH: Final = 440
_SIZE: Final = 13
_FEW: Final = 3
_NUMBERS: Final = 70  # pixels that the numbers behind the bars, or beside the axis, need
_STEP: Final = 38
_HEIGHT: Final = 150
_LONG: Final = 100_000  # from here on, 100k is read more easily
_LETTERS: Final = 52  # as many fit, in a wide face


@dataclass(frozen=True, slots=True)
class Named:
    """What a chart is called.

    Attributes:
        name: Tells its ids from those of other charts.
        words: What it shows, for those who do not see it.
    """

    name: str
    words: str


def bars(rows: Sequence[tuple[str, int]], named: Named) -> Markup | None:
    """A bar each, its label above it and its number behind it.

    Args:
        rows: (label, count), in order.
        named: Its name.

    Returns:
        None where there are no rows.
    """
    return _drawn(_bars(rows), named) if rows else None


def positions(found: Positions, named: Named) -> Markup | None:
    """Findings along a file; None where there are none."""
    return _drawn(_positions(found), named) if any(found.counts) else None


def throughput(over_time: Throughput, unit: tuple[float, str], named: Named) -> Markup | None:
    """Records created a second, over time; throttled stretches have a mark, pauses a band.

    Args:
        over_time: What happened.
        unit: The time axis: seconds of its unit, and its name.
        named: Its name.

    Returns:
        None where nothing was recorded.
    """
    return _drawn(_throughput(over_time, unit), named) if over_time.bins else None


def _drawn(chart: Any, named: Named) -> Markup:
    return drawn(_svg(chart), ROLES, name=named.name, words=named.words)


def _svg(chart: Any) -> str:
    text = io.StringIO()
    chart.configure(
        padding=4,
        font="sans-serif",
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=SOFT,
            titleColor=SOFT,
            titleFontWeight="normal",
            labelFontSize=_SIZE,
            titleFontSize=_SIZE,
            domainColor=LINE,
            gridColor=LINE,
            tickColor=LINE,
        ),
    ).save(text, format="svg")
    return text.getvalue()


def _bars(rows: Sequence[tuple[str, int]]) -> Any:
    values = [
        {
            "i": number,
            "label": cell(label, _LETTERS),
            "count": count,
            "number": f"{count:,}",
        }
        for number, (label, count) in enumerate(rows)
    ]
    most = max(count for _, count in rows) or 1
    base = _chart(values).encode(y=alt.Y("i:O", axis=None))
    across = alt.X("count:Q", axis=None, scale=alt.Scale(domain=[0, most]))
    labels = base.mark_text(align="left", dy=-9, color=INK, fontSize=_SIZE).encode(
        x=alt.value(0), text="label:N"
    )
    numbers = base.mark_text(align="left", dx=6, dy=7, color=SOFT, fontSize=_SIZE).encode(
        x=across, text="number:N"
    )
    bodies = base.mark_bar(height=9, yOffset=7, color=BAR, minBandSize=1).encode(x=across)
    return alt.layer(bodies, labels, numbers).properties(width=_WIDTH - _NUMBERS, height=_STEP * len(rows))


def _positions(found: Positions) -> Any:
    values = [
        {"from": number * found.width, "to": min((number + 1) * found.width, found.records), "count": count}
        for number, count in enumerate(found.counts)
        if count
    ]
    return (
        _chart(values)
        .mark_bar(color=BAR)
        .encode(
            x=alt.X(
                "from:Q",
                title="record number",
                scale=alt.Scale(domain=[0, max(found.records, 1)], nice=False),
                axis=alt.Axis(grid=False, tickCount=5, format=",d" if found.records < _LONG else "~s"),
            ),
            x2="to:Q",
            y=alt.Y("count:Q", title="findings", axis=_counting(max(found.counts, default=0))),
            y2=alt.Y2Datum(0),
        )
        .properties(width=_WIDTH - _NUMBERS, height=_HEIGHT)
    )


def _throughput(over_time: Throughput, unit: tuple[float, str]) -> Any:
    each, name = over_time.width / unit[0], unit[1]
    values = [
        {
            "from": number * each,
            "to": (number + 1) * each,
            "middle": (number + 0.5) * each,
            "rate": found.created / over_time.width,
            "throttled": found.throttled,
        }
        for number, found in enumerate(over_time.bins)
    ]
    pauses = [{"from": pause.start / unit[0], "to": pause.end / unit[0]} for pause in over_time.pauses.items]
    along = alt.X(
        "from:Q",
        title=f"{name} since the load began",
        scale=alt.Scale(domain=[0, len(values) * each], nice=False, clamp=True),
        axis=alt.Axis(grid=False, tickCount=5),
    )
    bands = _chart(pauses).mark_rect(color=BAND).encode(x=along, x2="to:Q")
    created = (
        _chart(values)
        .mark_bar(color=BAR)
        .encode(
            x=along,
            x2="to:Q",
            y=alt.Y("rate:Q", title="created a second", axis=_counting(_LONG)),
            y2=alt.Y2Datum(0),
        )
    )
    marks = (
        _chart([value for value in values if value["throttled"]])
        .mark_point(shape="triangle-down", filled=True, size=36, color=WARN, opacity=1)
        .encode(x=alt.X("middle:Q"), y=alt.value(-8))
    )
    layers = [bands, created, marks] if pauses else [created, marks]
    return alt.layer(*layers).properties(width=_WIDTH - _NUMBERS, height=_HEIGHT)


def _chart(values: list[dict[str, Any]]) -> Any:
    return alt.Chart(alt.Data(values=values))  # type: ignore[no-untyped-call]  # Altair leaves it so


def _counting(most: int) -> alt.Axis:
    """An axis of counts, which has no halves however few there are."""
    few = {"values": list(range(most + 1))} if most <= _FEW else {"tickCount": 3, "tickMinStep": 1}
    return alt.Axis(**few, format="~s", domain=False, ticks=False)
