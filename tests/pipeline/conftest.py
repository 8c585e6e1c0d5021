"""What all tests of this room use."""

from tests.report.page.drawn_once import drawn_once

__all__ = ["drawn_once"]
