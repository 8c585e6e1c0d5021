"""Rows grouped by what was said about them."""

from __future__ import annotations

from loader.report.message_groups import OTHER, MessageGroups
from loader.report.page import RowPlace


def grouped(*said: tuple[str, int | None]) -> list[tuple[str, int | None, int, list[int]]]:
    """Words, status, rows and examples of each group, as refusals."""
    answers = MessageGroups()
    for number, (words, status) in enumerate(said, 1):
        answers.add(words, status, RowPlace(number))
    return [
        (each.words, each.http_status, each.rows, [place.record_no for place in each.examples.items])
        for each in answers.refusals().items
    ]


def test_words_that_differ_in_numbers_stand_together() -> None:
    """Without these; other words, or another status, stand apart; most frequent first."""
    assert grouped(
        ("no such tenant", 400), ("id 17 is taken", 409), ("id 18 is taken", 409), ("id 17 is taken", 400)
    ) == [
        ("id … is taken", 409, 2, [2, 3]),
        ("no such tenant", 400, 1, [1]),
        ("id 17 is taken", 400, 1, [4]),
    ]


def test_examples_are_few_and_counts_are_whole() -> None:
    """Five places stand for all."""
    answers = MessageGroups()
    for number in range(1, 101):
        answers.add("gone", None, RowPlace(number))
    (doubt,) = answers.doubts().items
    assert (doubt.reason, doubt.rows, doubt.examples.total, len(doubt.examples.items)) == (
        "gone",
        100,
        100,
        5,
    )


def test_past_a_thousand_the_rest_count_as_one() -> None:
    """However many different words come, memory stays flat and no row is lost."""
    letters = "abcdefghij"
    words = [a + b + c + d for a in letters for b in letters for c in letters for d in "xy"]
    found = grouped(*((each, 400) for each in [*words, words[0], words[-1]]))
    assert len(found) == 1_001
    assert found[0][:3] == (OTHER, None, 1_001)
    assert sum(each[2] for each in found) == len(words) + 2


def test_very_long_words_are_cut() -> None:
    """A page of markup in the place of an answer does not fill the memory."""
    ((words, _, rows, _),) = grouped(("x" * 10**6, 400), ("x" * 10**6 + "y", 400))
    assert (len(words), rows) == (2_000, 2)
