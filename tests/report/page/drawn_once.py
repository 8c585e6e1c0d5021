"""Pages with charts, for tests that look at other things: drawing takes most of the time of a small load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def drawn_once() -> Iterator[None]:
    """Draw the first chart of a module's tests, and show it in place of all others."""
    from loader.report.page import drawing  # noqa: PLC0415 - it imports the chart library

    draw, drawings = drawing._svg, list[str]()

    def draw_once(chart: Any) -> str:
        if not drawings:
            drawings.append(draw(chart))
        return drawings[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "_svg", draw_once)
        yield
