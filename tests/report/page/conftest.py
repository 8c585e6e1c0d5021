"""Where there is no browser, the tests in it are left out; the heading of the run says so."""

from __future__ import annotations

from tests.report.page.browser import missing

collect_ignore = ["test_page_in_browser.py"] if missing() else []
