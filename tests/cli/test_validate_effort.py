"""What a load would take, as the report of a dry run says it."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from loader.sandbox import RunningSandbox
    from tests.support.shell import Shell


def effort(shell: Shell) -> str:
    """The words of the report's section."""
    page = (shell.folder / "tried" / "report.html").read_text(encoding="utf-8")
    found = re.search(r'<section[^>]*id="effort".*?</section>', page, re.DOTALL)
    assert found
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[0])).split())


@pytest.mark.parametrize("tenant", [(), ("--tenant", "acme")])
def test_at_the_rate_that_is_given(shell: Shell, tenant: tuple[str, ...]) -> None:
    """--rate is taken, with or without a tenant; the load that is named next has it too."""
    shell.write_rows(120)
    done = shell.run("validate", "runs.yaml", "runs.csv", "--report", "tried", "--rate", "120/min", *tenant)
    assert done.code == 0
    assert "2 per second 1 min" in effort(shell)
    assert done.next_words[-2:] == ["--rate", "120/min"] if not tenant else "--rate" in done.next_words


def test_at_the_rate_that_earlier_loads_got(shell: Shell, sandbox: RunningSandbox) -> None:
    """Without one, what loads reached at that place counts; before the first load, nobody knows."""
    shell.write_rows(40)
    words = ("validate", "runs.yaml", "runs.csv", "--report", "tried", "--tenant", "acme")
    place = ("--base-url", sandbox.url)
    assert shell.run(*words, *place).code == 0
    assert "50 per second" in effort(shell)
    assert "500 per second" in effort(shell)
    shell.run("load", "runs.yaml", "runs.csv", "--tenant", "acme", *place, "--rate", "100/s")
    shell.write_rows(60)
    assert shell.run(*words, *place).code == 0
    assert "At the rate that earlier loads reached here" in effort(shell)
    assert "per second 500 per second" not in effort(shell)
    assert shell.run(*words, "--base-url", "http://127.0.0.1:9").code == 0
    assert "No load has been measured here yet" in effort(shell)


def test_a_rate_that_is_none(shell: Shell) -> None:
    """A rate that cannot be read is refused before anything is."""
    shell.write_rows(1)
    done = shell.run("validate", "runs.yaml", "runs.csv", "--rate", "fast")
    assert done.code == 2
    assert "is not a rate" in done.err
