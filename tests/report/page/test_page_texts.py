"""How a report writes texts and numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loader.report.page import texts

_ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  a b ", "␣␣a b␣"),
        ("   ", "␣␣␣"),
        ("a\r\nb\nc\td", "a↵b↵c⇥d"),
        ("\x00\x7f\x85", "⟨U+0000⟩⟨U+007F⟩⟨U+0085⟩"),
        ("\u202eabc\ud800", "⟨U+202E⟩abc⟨U+D800⟩"),
        ("x" * 61, "x" * 59 + "…"),
        ("x" * 60, "x" * 60),
        ("שלום 👩\u200d🎓", "שלום 👩\u200d🎓"),
    ],
)
def test_a_cell_is_one_line_on_which_everything_is_seen(text: str, shown: str) -> None:
    """Blanks at its ends, breaks, control characters and marks that turn text are shown by a sign."""
    assert texts.cell(text) == shown


@settings(max_examples=200)
@given(_ANY_TEXT, st.integers(2, 80))
def test_any_cell_fits_and_can_be_written(text: str, at_most: int) -> None:
    """No text is too long, breaks its line, or cannot be encoded."""
    shown = texts.cell(text, at_most)
    assert len(shown) <= at_most
    assert "\n" not in shown
    assert shown.encode().decode() == shown
    assert texts.visible(shown) == shown


@settings(max_examples=100)
@given(_ANY_TEXT, st.integers(2, 80))
def test_any_block_can_be_written(text: str, at_most: int) -> None:
    """Lines stay lines; what is over is cut."""
    shown = texts.block(text, at_most)
    assert shown.encode().decode() == shown
    assert shown.count("\n") <= text.count("\n")
    assert shown.endswith("…") or len(text) <= at_most


@pytest.mark.parametrize(
    ("part", "total", "words"),
    [
        *((0, 10, "0 %"), (0, 0, "0 %"), (10, 10, "100 %"), (1, 40, "2.5 %"), (1, 2, "50 %")),
        *((1, 10_000_000, "under 0.1 %"), (9_999_999, 10_000_000, "over 99.9 %")),
    ],
)
def test_shares_do_not_hide_the_first_or_the_last(part: int, total: int, words: str) -> None:
    """Only nothing is 0 %, and only all is 100 %."""
    assert texts.share(part, total) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0.2, "under a second"), (1.83, "1.8 s"), (59.99, "1 min"), (125, "2 min 5 s"), (3_600, "1 h")),
        *((7_380, "2 h 3 min"), (86_400, "1 day"), (900_000, "10 days 10 h")),
    ],
)
def test_times_have_two_units_at_most(seconds: float, words: str) -> None:
    """The two that matter."""
    assert texts.duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(999, "999 bytes"), (412_388, "412.4 kB"), (12_400_000, "12.4 MB"), (5_000_000_000_000, "5,000.0 GB")],
)
def test_sizes_have_the_unit_that_reads_best(count: int, words: str) -> None:
    """In thousands, as a file manager shows them."""
    assert texts.size(count) == words


def test_moments_are_in_utc() -> None:
    """Whatever their zone was."""
    local = datetime(2026, 11, 23, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert (
        texts.moment(local)
        == texts.moment(datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
        == ("22 November 2026, 23:30 UTC")
    )


def test_numbers_have_their_thousands_apart() -> None:
    """And a digit of a fraction, where there is one."""
    assert [texts.number(value) for value in (0, 1_240, 48.5, 50.0)] == ["0", "1,240", "48.5", "50"]
