"""The page's text: what it says, that it escapes, and that it stays small."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from loader.report.page import Capped, Effort, Positions, can_draw, render
from loader.report.page.limits import MOST_BYTES, PageLimits
from tests.report.page import pages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.report.page import ReportPage

_VOID = {"meta", "input", "wbr"}
_APART = {"th", "td", "dt", "dd", "li", "p", "text", "title", "span"}
_LOADING = {
    "img",
    "iframe",
    "object",
    "embed",
    "link",
    "base",
    "form",
    "audio",
    "video",
    "source",
    "image",
    "use",
}
_ALL = [pages.dry_run_page, pages.load_page, pages.clean_page, pages.nasty_page]


class Read(HTMLParser):
    """What a page consists of; it fails where elements do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """An element that is closed at once: of a drawing, or void."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """An element ends: the one that was opened last."""
        assert self.open.pop() == tag, f"{tag} ends at {self.getpos()}"
        if tag in _APART:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        """Text of the page, not of its style and script."""
        if not {"style", "script"}.intersection(self.open):
            self.words.append(data)

    def of(self, tag: str, attribute: str) -> list[str]:
        """An attribute of all elements of a kind that have it."""
        return [attrs[attribute] or "" for name, attrs in self.elements if name == tag and attribute in attrs]

    @property
    def text(self) -> str:
        """All words, with single blanks."""
        return " ".join("".join(self.words).split())


@pytest.mark.parametrize("page_of", _ALL)
def test_elements_nest_ids_are_unique_and_links_lead_somewhere(page_of: object) -> None:
    """As far as HTML can be checked cheaply; nothing in it loads, and no attribute runs."""
    page = Read(render(page_of()))  # type: ignore[operator]  # the functions of pages.py
    names = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(names) == len(set(names))
    assert {link[1:] for link in page.of("a", "href") if link.startswith("#")} <= set(names)
    for _, attrs in page.elements:
        for named in ("aria-labelledby", "for"):
            assert attrs.get(named, names[0]) in names
        assert not [name for name in attrs if name.startswith("on") or name in ("style", "src", "srcset")]
    assert not _LOADING.intersection(tag for tag, _ in page.elements)


@pytest.mark.parametrize("page_of", _ALL)
def test_nothing_refers_to_the_network(page_of: object) -> None:
    """No address, except in text."""
    page = Read(render(page_of()))  # type: ignore[operator]  # likewise
    for _, attrs in page.elements:
        assert not any("://" in (value or "") for value in attrs.values())


def test_the_policy_allows_its_own_style_and_script_only() -> None:
    """By their hashes."""
    html = render(pages.dry_run_page())
    for kind in ("style", "script"):
        (body,) = re.findall(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in Read(html).of("meta", "content")[0].replace("&#43;", "+")
    assert "default-src 'none'" in Read(html).of("meta", "content")[0]
    assert "unsafe" not in html


@pytest.mark.parametrize(
    "text", [pages.NASTY, pages.NASTY.replace(" ", "\n"), "<!--", "]]>", "&lt;b&gt;", "\ud800"]
)
def test_every_text_is_escaped(text: str) -> None:
    """Markup in any value makes no element, and what cannot be encoded or seen is shown by signs."""
    html = render(pages.nasty_page(text))
    assert html.encode()
    plain = [tag for tag, _ in Read(render(pages.nasty_page("x"))).elements if tag != "wbr"]
    assert [tag for tag, _ in Read(html).elements if tag != "wbr"] == plain
    assert not set("\x00\x1b\u202e\ud800").intersection(html)


def test_templates_do_not_run_what_they_show() -> None:
    """A cell that looks like a template's expression stays text."""
    page = Read(render(pages.nasty_page("{{ 7 * 7 }}{% raw %}")))
    assert "{{ 7 * 7 }}{% raw %}" in page.text
    assert "49" not in page.text


@pytest.mark.parametrize("text", ['"' * 5_000, "\u202e" * 5_000, "a.b" * 5_000])
def test_no_page_is_larger_than_it_may_be(text: str) -> None:
    """10,000 of everything, each a text that grows when it is escaped."""
    html = render(pages.huge_page(text))
    assert len(html.encode()) <= MOST_BYTES
    assert "and 9,940 more kinds" in Read(html).text or "and 9,970 more kinds" in Read(html).text


def test_where_a_page_would_be_too_large_lists_are_cut_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it fits."""
    monkeypatch.setattr("loader.report.page.document.MOST_BYTES", 400_000)
    html = render(pages.huge_page())
    assert len(html.encode()) <= 400_000
    assert "more fields" in Read(html).text


def test_limits_never_reach_nothing() -> None:
    """One of each is always shown."""
    limits = PageLimits()
    for _ in range(20):
        limits = limits.halved()
    assert (limits.fields, limits.groups, limits.sentence) == (1, 1, 80)


def test_a_dry_run_says_all_that_is_signed() -> None:
    """Verdict, numbers, what is wrong, where from, what is not checked, and what identifies it."""
    text = Read(render(pages.dry_run_page())).text
    for words in (
        *(
            "1,141 of 1,240 rows can be loaded; 54 rows have errors, and 7 wait for other records.",
            "K7QM-3F2X",
            "1f8d03be" * 8,
        ),
        *(
            "9c41f2aa" * 8,
            "Would be created 1,141",
            "Filtered 18 left out on purpose",
            "billing-run for acme",
        ),
        *("31 rows, 2.5 % of all rows", "comp. C record 602, line 606 001002", "and 28 more of this kind"),
        *(
            "status not in the mapping's table map.no_entry",
            "How to fix: Correct the values in column 'State', or add these values to map of status.",
            "From the column State. Expected: one of D, S, C, X, E, R.",
            "record 700, line 704 (record 702, line 707) 001100",
        ),
        *(
            "␣␣Frühjahrslauf 2019␣ becomes → Frühjahrslauf 2019",
            "over 100,000",
            "Old_Region, Printed By, Batch Ref",
        ),
        *("C completed 702", "c not allowed 22", "and 1,240 more values", "and 29 more columns"),
        *("1,141 requests, one per row. At the rate that earlier loads reached", "48.5 per second 23.5 s"),
        *(
            "What a dry run does not check",
            "22 November 2026, 10:15 UTC",
            "I approve loading 1,141 rows into acme",
        ),
        *(
            "Nothing has been sent",
            "findings.csv (every finding, one a line)",
            'delimiter ;, quote ", encoding cp1252',
        ),
    ):
        assert words in text


def test_a_load_says_what_happened() -> None:
    """Refusals in the service's words, rows in doubt, pauses, attempts, its dry run, and the code it had."""
    text = Read(render(pages.load_page())).text
    for words in (
        *(
            "1,139 of 1,240 rows are loaded; 80 are not, and 3 are in doubt.",
            "20261122T101500Z-8f3a2c1d",
        ),
        *(
            "1,207 requests were sent, 66 of them as retries; the service asked 60 times to slow down",
            "Refused 19",
        ),
        *(
            "invoice_template_id INV-ALT does not exist answer.missing_reference 12 409 record 88, line 92",
            "and 9 more",
            "Correct these rows as the service asks, then load the rejects file.",
        ),
        *(
            "the connection was lost before the whole answer arrived answer.connection_lost 3 record 501",
            "Run loader reconcile LOAD to find out whether these rows were stored.",
            "After 52 s: 16 s without sending, interrupted",
        ),
        *("9 rows stored, 2 not stored, 1 decided by a person", "2 attempts 40", "In doubt 3"),
        *("It had findings for 61 of the 80 rows that were not loaded", "Ids known 1,139 rows"),
        *(
            "The approved report has the same code.",
            "4 rows were already loaded with different content",
        ),
        *("I have seen the result of this load", "Records as they were sent"),
    ):
        assert words in text
    assert "What a dry run does not check" not in text


def test_a_load_under_another_code_than_the_approved_one_says_so() -> None:
    """Both codes are on the first screen."""
    load = pages.load_page().load
    assert load is not None
    text = Read(render(pages.load_page(load=replace(load, approved_code="ZZZZ-9999")))).text
    assert "K7QM-3F2X The approved report has another code: ZZZZ-9999." in text


def test_a_page_of_which_little_is_known_is_a_page() -> None:
    """Lists without anything say so."""
    text = Read(render(pages.clean_page())).text
    for words in (
        *("All 60 rows can be loaded.", "Nothing. No row has an error in any field."),
        *(
            "The fields were not counted.",
            "No field has a fixed list of values.",
            "There are none.",
        ),
        *("No load has been measured here yet", "50 per second 1.2 s 500 per second under a second"),
        *("Tenant none", "This report cannot be signed: no tenant to load into was named"),
    ):
        assert words in text


def test_the_given_rate_is_named_as_such() -> None:
    """It is not one that was measured."""
    text = Read(render(pages.dry_run_page(effort=Effort(1_140, "given", (20.0,))))).text
    assert "At the given rate, this takes about: 20 per second 57 s" in text


def test_charts_have_a_description_for_those_who_do_not_see_them() -> None:
    """Each is a named image with the colours of the style sheet."""
    assert can_draw()
    html = render(pages.load_page())
    page = Read(html)
    assert page.of("svg", "aria-labelledby") == [
        *("throughput-words", "attempts-words", "reasons-words", "positions-1-words")
    ]
    assert "Rows by attempts. 1 attempt: 1,089; 2 attempts: 40; 3 attempts: 9; 4 attempts: 3" in page.text
    assert "Findings along the file billing-runs.csv. records 1 to 128: 4; records 129 to 256: 3" in page.text
    assert not re.findall(r'(?:fill|stroke)="#', html)


def test_several_files_have_a_chart_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six at most; a file without findings has none."""
    files = [Positions(f"{number}.csv", 10, 5, (number, 0)) for number in range(8)]
    page = Read(render(pages.dry_run_page(positions=Capped.of(files, total=40))))
    assert len([name for name in page.of("svg", "aria-labelledby") if name.startswith("positions")]) == 5
    assert "and 34 more files" in page.text
    assert "Where in 0.csv" not in page.text
    monkeypatch.setattr("loader.report.page.charts.can_draw", lambda: False)
    assert (
        "Findings along the file 5.csv Records Findings 1 to 5 5"
        in Read(render(pages.dry_run_page(positions=Capped.of(files)))).text
    )


@pytest.mark.parametrize("gone", ["altair", "vl_convert"])
def test_without_the_extra_there_are_tables_only_and_the_page_says_so(
    gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same figures, open to be read, and the line that brings the charts."""
    monkeypatch.setitem(sys.modules, gone, None)
    assert not can_draw()
    page = Read(render(pages.load_page()))
    assert page.of("svg", "aria-labelledby") == []
    assert "pip install 'loader[report]'" in page.text
    figures = [attrs for tag, attrs in page.elements if tag == "details"][:4]
    assert all("open" in attrs for attrs in figures)
    assert "1 to 128 4 129 to 256 3" in page.text


def test_a_load_without_times_has_no_chart_of_them() -> None:
    """A load that was never recorded over time has no such figure."""
    page: ReportPage = pages.load_page()
    assert page.load is not None
    bare = replace(page, load=replace(page.load, throughput=None, attempts=(), state="stopped"))
    text = Read(render(bare)).text
    assert "Records created over time" not in text
    assert "The load was stopped after 2 min 51 s: loader resume continues it." in text


def test_a_list_cannot_have_more_than_there_are() -> None:
    """Its total is the true one."""
    with pytest.raises(ValueError, match="3 items of 2"):
        Capped((1, 2, 3), 2)
    cut = Capped.of(range(10), at_most=3)
    assert (cut.items, cut.more, cut.first(1).more) == ((0, 1, 2), 7, 9)
