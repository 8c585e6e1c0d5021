"""Charts as SVG, by Altair; needs the extra `report`.

All have one width, which fits a phone, and half of a screen or of a sheet of paper.
Colours are roles: the page's style sheet gives each a colour in the light and one in the dark.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from loader.report.page.svg import safe_svg
from loader.report.page.texts import cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from loader.report.page.load_values import Throughput
    from loader.report.page.svg import ChartName
    from loader.report.page.values import Positions

BAR: Final = "#aa0001"
INK: Final = "#aa0002"
SOFT: Final = "#aa0003"
LINE: Final = "#aa0004"
WARN: Final = "#aa0005"
BAND: Final = "#aa0006"
ROLES: Final = {BAR: "c-bar", INK: "c-ink", SOFT: "c-soft", LINE: "c-line", WARN: "c-warn", BAND: "c-band"}
"""The colours that charts are drawn with -> the class of each."""

_WIDTH: Final = 440
_SIZE: Final = 13
_FEW: Final = 3
_NUMBERS: Final = 70  # pixels that the numbers behind the bars, or beside the axis, need
_STEP: Final = 38
_HEIGHT: Final = 150
_MANY: Final = 100_000  # from here on, 100k is easier to read
_LETTERS: Final = 52  # as many fit, in a wide face


def bars(rows: Sequence[tuple[str, int]], name: ChartName) -> Markup | None:
    """Draw a bar a row, its label above it and its number behind it.

    Args:
        rows: (label, count), in order.
        name: Its name.

    Returns:
        None where there are no rows.
    """
    return _drawn(_bars(rows), name) if rows else None


def positions(where: Positions, name: ChartName) -> Markup | None:
    """Draw findings along a file; None where there are none."""
    return _drawn(_positions(where), name) if any(where.counts) else None


def throughput(load: Throughput, unit: tuple[float, str], name: ChartName) -> Markup | None:
    """Draw records created a second, over time; throttled stretches have a mark, pauses a band.

    Args:
        load: What happened.
        unit: The time axis: seconds of its unit, and its name.
        name: Its name.

    Returns:
        None where nothing was recorded.
    """
    return _drawn(_throughput(load, unit), name) if load.bins else None


def _drawn(chart: Any, name: ChartName) -> Markup:
    return safe_svg(_svg(chart), ROLES, name)


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


def _positions(where: Positions) -> Any:
    values = [
        {"from": number * where.width, "to": min((number + 1) * where.width, where.records), "count": count}
        for number, count in enumerate(where.counts)
        if count
    ]
    return (
        _chart(values)
        .mark_bar(color=BAR)
        .encode(
            x=alt.X(
                "from:Q",
                title="record number",
                scale=alt.Scale(domain=[0, max(where.records, 1)], nice=False),
                axis=alt.Axis(grid=False, tickCount=5, format=",d" if where.records < _MANY else "~s"),
            ),
            x2="to:Q",
            y=alt.Y("count:Q", title="findings", axis=_counting(max(where.counts, default=0))),
            y2=alt.Y2Datum(0),
        )
        .properties(width=_WIDTH - _NUMBERS, height=_HEIGHT)
    )


def _throughput(load: Throughput, unit: tuple[float, str]) -> Any:
    width, name = load.width / unit[0], unit[1]
    values = [
        {
            "from": number * width,
            "to": (number + 1) * width,
            "middle": (number + 0.5) * width,
            "rate": one.created / load.width,
            "throttled": one.throttled,
        }
        for number, one in enumerate(load.bins)
    ]
    pauses = [{"from": pause.start / unit[0], "to": pause.end / unit[0]} for pause in load.pauses.items]
    along = alt.X(
        "from:Q",
        title=f"{name} since the load started",
        scale=alt.Scale(domain=[0, len(values) * width], nice=False, clamp=True),
        axis=alt.Axis(grid=False, tickCount=5),
    )
    bands = _chart(pauses).mark_rect(color=BAND).encode(x=along, x2="to:Q")
    created = (
        _chart(values)
        .mark_bar(color=BAR)
        .encode(
            x=along,
            x2="to:Q",
            y=alt.Y("rate:Q", title="created per second", axis=_counting(_MANY)),
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
    """Return an axis of counts, which has no halves however few there are."""
    few = {"values": list(range(most + 1))} if most <= _FEW else {"tickCount": 3, "tickMinStep": 1}
    return alt.Axis(**few, format="~s", domain=False, ticks=False)
