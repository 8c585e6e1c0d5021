"""Render the one file that people open, print and sign."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from loader.report.page import charts, texts
from loader.report.page.limits import MOST_BYTES, PageLimits

if TYPE_CHECKING:
    from jinja2 import Environment

    from loader.report.page.page import ReportPage

_IN_STYLE: Final = re.compile(r"[^A-Za-z0-9 .-]")


def render(page: ReportPage) -> str:
    """Return the page as one HTML document.

    It loads nothing and links only to files beside it; its own policy forbids everything else. Every text
    is escaped, cut, and free of characters that cannot be seen or encoded. Charts need the extra `report`
    (`can_draw`): without it their figures are in tables only, and the page says so.

    Args:
        page: What it says.

    Returns:
        HTML of no more than 3,000,000 bytes in UTF-8: where it would be larger, lists are cut shorter.
    """
    drawn = charts.draw(page)
    style = _templates().get_template("style.css.j2").render(page=page)
    limits = PageLimits()
    html = _html(page, drawn, limits, style)
    while len(html.encode()) > MOST_BYTES and limits != limits.halved():
        limits = limits.halved()
        html = _html(page, drawn, limits, style)
    return html


def _html(page: ReportPage, drawn: charts.Charts, limits: PageLimits, style: str) -> str:
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            page=page,
            charts=drawn,
            limits=limits,
            style=Markup(style),  # noqa: S704 - our own style sheet; `style_text` guards what it takes from the page
            style_hash=_hash(style),
        )
    )


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - most runs make no page

    templates = Environment(
        loader=PackageLoader("loader.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "cell": texts.cell,
        "block": texts.block,
        "number": texts.number,
        "share": texts.share,
        "size": texts.size,
        "duration": texts.duration,
        "moment": texts.moment,
        "style_text": lambda text: _IN_STYLE.sub("", text)[:40],
    }
    templates.globals |= {
        "attempt_bars": charts.attempt_bars,
        "position_stretches": charts.position_stretches,
        "time_stretches": charts.time_stretches,
    }
    script = templates.get_template("fold.js").render()
    templates.globals |= {"script": Markup(script), "script_hash": _hash(script)}  # noqa: S704 - our own script
    return templates


def _finalize(value: object) -> object:
    """Return what a template puts out without characters that cannot be seen or encoded."""
    return texts.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
