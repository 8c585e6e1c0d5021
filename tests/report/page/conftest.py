"""Leave out the tests in a browser where there is none; the heading of the run says so."""

from __future__ import annotations

from tests.report.page.browser import missing

collect_ignore_glob = ["test_*_in_browser.py"] if missing() else []
