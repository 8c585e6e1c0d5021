"""The report of the sample data, as `loader validate` writes it, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import sync_playwright

from tests.report.page.browser import axe, chromium
from tests.support.picture import report_of_the_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report that the README's picture shows."""
    return report_of_the_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests here."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium())
        yield started
        started.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_the_sample_opens_silently_and_accessibly(
    browser: Browser, report: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    """No word on the console, no request but its own, no scrolling sideways, nothing for axe to find."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 844})
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(report.as_uri())
    script = axe()
    assert script is not None
    page.evaluate(script.read_text("utf-8"))
    violations = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)")
    assert [(violation["id"], violation["nodes"][0]["html"]) for violation in violations] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (messages, requests) == ([], [report.as_uri()])
    for name in ("What is wrong", "Field by field", "Value tables", "How long it would take"):
        assert page.get_by_role("heading", name=name).first.is_visible(), name
    page.close()


def test_the_picture_is_small() -> None:
    """It is read with the README, over any line."""
    assert (Path(__file__).parents[3] / "sample_data" / "report.png").stat().st_size < 200_000
