"""The page in a real browser."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest
from playwright.sync_api import sync_playwright

from loader.report.page import render
from tests.report.page import pages
from tests.report.page.browser import axe, chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

_DESK, _PHONE = 1200, 390
_PAGES = {
    "dry-run": pages.dry_run_page,
    "load": pages.load_page,
    "clean": pages.clean_page,
    "nasty": pages.nasty_page,
}
_LOOKS = [
    *(
        (name, scheme, width)
        for name in ("dry-run", "load")
        for scheme in ("light", "dark")
        for width in (_DESK, _PHONE)
    ),
    ("clean", "light", _DESK),
    ("nasty", "dark", _PHONE),
]
_SHEET = re.compile(rb"/Type\s*/Page\b(?!s)")


@cache
def _html(name: str) -> str:
    return render(_PAGES[name]())


class Opened(NamedTuple):
    """A page in the browser, with the browser's messages and requests while it opened."""

    page: Page
    messages: list[str]
    requests: list[str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests here."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium())
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Callable[..., Opened]:
    """Opens a report from disk."""

    def open_it(
        name: str, scheme: Literal["light", "dark"] = "light", width: int = _DESK, **options: Any
    ) -> Opened:
        path = tmp_path / "report.html"
        path.write_text(_html(name), encoding="utf-8")
        page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 844}, **options)
        opened_page = Opened(page, [], [])
        page.on("console", lambda message: opened_page.messages.append(message.text))
        page.on("pageerror", lambda error: opened_page.messages.append(str(error)))
        page.on("dialog", lambda dialog: opened_page.messages.append(dialog.message))
        page.on("request", lambda request: opened_page.requests.append(request.url))
        page.goto(path.as_uri())
        return opened_page

    return open_it


@pytest.mark.parametrize(("name", "scheme", "width"), _LOOKS)
def test_it_opens_silently_alone_and_accessibly(
    opened: Callable[..., Opened], name: str, scheme: str, width: int
) -> None:
    """No word on the console, no request but its own, no scrolling sideways, nothing for axe to find."""
    page, messages, requests = opened(name, scheme, width)
    script = axe()
    assert script is not None
    page.evaluate(script.read_text("utf-8"))
    violations = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)")
    assert [
        (violation["id"], violation["nodes"][0]["html"], violation["nodes"][0]["failureSummary"])
        for violation in violations
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (messages, requests) == ([], [page.url])


def test_light_and_dark_differ_and_both_are_drawn(opened: Callable[..., Opened]) -> None:
    """The ground and the charts' colours follow the scheme."""
    looks = []
    for scheme in ("light", "dark"):
        page = opened("dry-run", scheme).page
        looks.append(
            page.evaluate(
                """[getComputedStyle(document.body).backgroundColor,
                    getComputedStyle(document.querySelector('.chart .c-ink-fill')).fill,
                    getComputedStyle(document.querySelector('.chart .c-bar-fill')).fill]"""
            )
        )
        assert len(page.screenshot()) > 20_000
    assert all(light != dark for light, dark in zip(*looks, strict=True))
    assert looks[0][0] == "rgb(251, 251, 249)"


def test_it_is_read_without_scripts(opened: Callable[..., Opened]) -> None:
    """Everything is there; what only a script can do is not offered."""
    page = opened("load", java_script_enabled=False).page
    assert page.get_by_role("heading", name="What happened").is_visible()
    assert page.get_by_text("invoice_template_id INV-ALT does not exist").first.is_visible()
    assert not page.get_by_label("Show fields that contain").is_visible()
    fold = page.get_by_text("The mapping, word for word")
    fold.click()
    assert page.get_by_text("external_id: RunId").is_visible()


def test_fields_can_be_filtered(opened: Callable[..., Opened]) -> None:
    """By any text in their row; the page shows how many are left."""
    page = opened("dry-run").page
    page.get_by_label("Show fields that contain").fill("email")
    shown = page.locator(".fields tbody tr:visible")
    assert shown.count() == 1
    assert "notification_email" in shown.inner_text()
    assert page.locator("#filter-count").inner_text() == "1 of 10"


def test_a_table_that_scrolls_is_reached_by_the_keyboard(opened: Callable[..., Opened]) -> None:
    """On a phone the table of fields takes the focus; on a desk it needs none."""
    region = "document.querySelector('[aria-label=Fields]')"
    phone = opened("dry-run", width=_PHONE).page
    assert phone.evaluate(f"{region}.scrollWidth > {region}.clientWidth && {region}.tabIndex === 0")
    assert opened("dry-run").page.evaluate(f"{region}.tabIndex") == -1


@pytest.mark.parametrize("scripts", [True, False])
def test_paper_has_everything_open(opened: Callable[..., Opened], *, scripts: bool) -> None:
    """Printed, every fold is open, in the light, on few sheets."""
    page = opened("dry-run", "dark", java_script_enabled=scripts).page
    sheets = len(_SHEET.findall(page.pdf(prefer_css_page_size=True, print_background=True)))
    assert 5 <= sheets <= 10
    page.emulate_media(media="print")
    assert page.get_by_text("external_id: RunId").is_visible()
    assert page.get_by_text("I approve loading 1,141 rows into acme").is_visible()
    assert not page.get_by_role("navigation").is_visible()
    if scripts:
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
