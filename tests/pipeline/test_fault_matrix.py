"""Each fault alone and all together, with lookups and without: nothing twice, nothing lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from loader.sandbox import RunningSandbox, SandboxSettings
from tests.support.shell import stats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.shell import Ended, Shell

ROWS = 150
UNCLEAR = {
    "500-before": 0.06,
    "500-after": 0.06,
    "502": 0.06,
    "503": 0.03,
    "504": 0.06,
    "drop-before": 0.06,
    "drop-after": 0.06,
    "cut": 0.06,
    "empty": 0.06,
    "garbage": 0.06,
}
HURRY: Final[dict[str, float]] = {
    "loader.sending.limits.rate_limiter.FIRST_PAUSE": 0.02,
    "loader.sending.limits.rate_curve.LOWEST_RATE": 200.0,
    "loader.sending.readback.LONGEST_WAIT": 0.1,
}
"""Constants by which a load comes back sooner: nothing here depends on how long it waits."""
CLEAR = {"429": 0.01, "429-silent": 0.01}
ALL = {kind: share / 5 for kind, share in {**UNCLEAR, **CLEAR}.items()}


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have loads come back sooner to a service that failed."""
    for constant, value in HURRY.items():
        monkeypatch.setattr(constant, value)


def load(
    shell: Shell, faults: Mapping[str, float], **more: Any
) -> tuple[Ended, dict[str, Any], dict[int, Any]]:
    """A load against a sandbox with faults: how it ended, what really happened, and what is stored."""
    shell.write_rows(ROWS)
    settings = SandboxSettings(faults={**faults}, fault_seed=7, page_size=40, **more)
    with RunningSandbox(settings) as sandbox:
        words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", sandbox.url, "--json"]
        done = shell.run(*words, "--concurrency", "8", "--reconcile-wait", "0.1", "--read-timeout", "20")
        result = stats(sandbox.url)
        httpx.put(f"{sandbox.url}/_faults", json={}).raise_for_status()
        return done, result, everything(sandbox.url)


def everything(url: str) -> dict[int, Any]:
    """What is stored, by record number, read page by page; no two have the same."""
    asked: dict[str, str] = {"fields": "id,sys_bulk_load_record_no"}
    items: list[dict[str, Any]] = []
    while True:
        page = httpx.get(
            f"{url}/billingRuns/acme", params=asked, headers={"Authorization": "Bearer x"}
        ).json()
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            found = {int(item["sys_bulk_load_record_no"]): item for item in items}
            assert len(found) == len(items)
            return found
        asked["exclusiveStartKey"] = page["LastEvaluatedKey"]


@pytest.mark.parametrize("kind", [*UNCLEAR, *CLEAR, "all"])
def test_with_lookups_every_row_is_created_exactly_once(shell: Shell, kind: str) -> None:
    """Doubts are looked up, and what was not stored is sent again."""
    faults = ALL if kind == "all" else {kind: (UNCLEAR | CLEAR)[kind]}

    done, result, records = load(shell, faults)

    assert result["faults"], "no fault has happened"
    assert done.rows == {"read": ROWS, "created": ROWS}
    assert done.code == 0
    assert result["duplicate_rows"]["billing-run"] == 0
    assert set(records) == set(range(1, ROWS + 1))
    ids = {int(line["record_no"]): line["id"] for line in shell.results(done)}
    assert ids == {number: record["id"] for number, record in records.items()}


@pytest.mark.parametrize("kind", [*UNCLEAR, *CLEAR, "all"])
def test_without_lookups_the_rows_in_doubt_are_exactly_the_unclear_answers(shell: Shell, kind: str) -> None:
    """No row is sent again blindly, and no row is called doubtful that was answered clearly."""
    faults = ALL if kind == "all" else {kind: (UNCLEAR | CLEAR)[kind]}

    done, result, records = load(shell, {**faults, "lookups-off": 1.0})

    unclear = sum(sum(each.values()) for each in result["ambiguous"].values())
    assert done.rows.get("in_doubt", 0) == unclear
    assert done.rows.get("created", 0) == ROWS - unclear
    assert done.code == (4 if unclear else 0)
    assert result["duplicate_rows"]["billing-run"] == 0
    doubtful = {int(line["record_no"]) for line in shell.results(done) if line["status"] == "in_doubt"}
    assert set(range(1, ROWS + 1)) - doubtful <= set(records)


def test_answers_beyond_the_time_out_are_reconciled(shell: Shell) -> None:
    """The row is stored, its answer comes too late: found by the lookup, not sent again."""
    shell.write_rows(ROWS)
    settings = SandboxSettings(faults={"slow": 0.03}, fault_slow=3, fault_seed=7)
    with RunningSandbox(settings) as sandbox:
        words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", sandbox.url, "--json"]
        done = shell.run(*words, "--concurrency", "8", "--reconcile-wait", "0.1", "--read-timeout", "0.5")
        result = stats(sandbox.url)

    assert done.rows == {"read": ROWS, "created": ROWS}
    assert result["duplicate_rows"]["billing-run"] == 0
    assert "rows in doubt" in done.err


def test_reads_that_lag_behind_writes_make_no_duplicates(shell: Shell) -> None:
    """The second look comes when the first write can be seen."""
    shell.write_rows(ROWS)
    settings = SandboxSettings(faults={"500-after": 0.06, "lag": 1.0}, fault_lag=1, fault_seed=7)
    with RunningSandbox(settings) as sandbox:
        words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", sandbox.url, "--json"]
        done = shell.run(*words, "--concurrency", "8", "--reconcile-wait", "1.5")
        result = stats(sandbox.url)

    assert done.rows == {"read": ROWS, "created": ROWS}
    assert result["duplicate_rows"]["billing-run"] == 0
    assert result["faults"]["lag"]


def test_lists_that_break_off_leave_rows_in_doubt(shell: Shell) -> None:
    """A lookup that fails half-way has shown nothing."""
    done, result, _ = load(shell, {"500-after": 0.06, "lookups-500": 1.0})

    assert done.code == 4
    assert 0 < done.rows["in_doubt"] <= sum(result["ambiguous"]["stored"].values())
    assert result["duplicate_rows"]["billing-run"] == 0


def test_bare_arrays_are_lists_too(shell: Shell) -> None:
    """Some services answer a list without pages."""
    done, result, _ = load(shell, {"500": 0.06, "bare-list": 1.0})

    assert done.rows == {"read": ROWS, "created": ROWS}
    assert result["duplicate_rows"]["billing-run"] == 0
