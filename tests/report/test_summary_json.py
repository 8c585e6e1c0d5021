"""The `--json` object, its balance, and the exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from loader.errors import Unbalanced
from loader.records import LoadState, Requests, Status
from loader.report import Summary, dry_rows, exit_code, load_rows
from loader.report.values import FindingCount

if TYPE_CHECKING:
    from pathlib import Path

TOTALS = {
    Status.CREATED: 950,
    Status.ALREADY_LOADED: 20,
    Status.FILTERED: 5,
    Status.INVALID: 12,
    Status.BLOCKED: 3,
    Status.REFUSED: 6,
    Status.IN_DOUBT: 4,
}


def summary(totals: dict[Status, int], state: LoadState = "finished") -> Summary:
    """A load with rows that balance."""
    return Summary("L", "billing-run", "acme", state, load_rows(sum(totals.values()), totals))


def test_the_object_of_a_load_is_as_documented(tmp_path: Path) -> None:
    """Every key of the documented example is there, in its order, with its value."""
    load = Summary(
        load_id="20261122T101500Z-8f3a2c1d",
        resource="billing-run",
        tenant="acme",
        state="finished",
        rows=load_rows(1000, TOTALS),
        requests=Requests(981, 12, 9),
        seconds=20.1,
        files={"results": ".loader/loads/x/results.csv", "rejects": ".loader/loads/x/rejects.csv"},
        findings=(FindingCount("date.format", "run_date", 7), FindingCount("row.bad_bytes", "", 1)),
    )
    load.check_balance()
    load.write(tmp_path / "summary.json")
    text = (tmp_path / "summary.json").read_text()
    assert text == load.to_json() + "\n"
    assert text.count("\n") == 1
    assert (
        text
        == json.dumps(
            {
                "load_id": "20261122T101500Z-8f3a2c1d",
                "resource": "billing-run",
                "tenant": "acme",
                "state": "finished",
                "rows": {
                    "read": 1000,
                    "created": 950,
                    "already_loaded": 20,
                    "filtered": 5,
                    "invalid": 12,
                    "blocked": 3,
                    "refused": 6,
                    "in_doubt": 4,
                    "pending": 0,
                },
                "findings": [
                    {"code": "date.format", "field": "run_date", "rows": 7},
                    {"code": "row.bad_bytes", "field": "", "rows": 1},
                ],
                "requests": {"sent": 981, "retried": 12, "throttled": 9},
                "seconds": 20.1,
                "files": {"results": ".loader/loads/x/results.csv", "rejects": ".loader/loads/x/rejects.csv"},
            }
        )
        + "\n"
    )


def test_the_object_of_a_dry_run_counts_valid_rows() -> None:
    """A dry run has `valid` in place of what only sending can bring about."""
    dry = Summary(None, "billing-run", None, "finished", dry_rows(10, 7, {Status.INVALID: 3}))
    dry.check_balance()
    written = json.loads(dry.to_json())
    assert written["load_id"] is None
    assert list(written["rows"]) == ["read", "valid", "already_loaded", "filtered", "invalid", "blocked"]
    assert written["rows"]["valid"] == 7


def test_approval_is_last_where_there_is_any() -> None:
    """A dry run's approval and a load's code are last, and are left out where there is none."""
    plain = Summary(None, "r", "t", "finished", dry_rows(0, 0, {}))
    dry, load = replace(plain, approval={"code": "K7QM-3F2X"}), replace(plain, approved="K7QM-3F2X")
    written = json.loads(plain.to_json())
    assert json.loads(dry.to_json()) == {**written, "approval": {"code": "K7QM-3F2X"}}
    assert json.loads(load.to_json()) == {**written, "approved": "K7QM-3F2X"}
    assert list(written)[-1] == "files"


def test_any_path_goes_through_any_pipe() -> None:
    """Names of any script, and bytes that are not text, give plain ASCII that reads back the same."""
    files = {"results": "räte-\u2028-\udce4.csv"}
    load = Summary("L", "r", "t", "finished", load_rows(0, {}), files=files)
    assert load.to_json().isascii()
    assert json.loads(load.to_json())["files"] == files


@pytest.mark.parametrize("read", [999, 1001])
def test_rows_that_do_not_balance_are_a_bug(read: int) -> None:
    """A row too many or too few is an error that names the numbers."""
    load = Summary("L", "billing-run", "acme", "finished", load_rows(read, TOTALS))
    with pytest.raises(
        Unbalanced, match=rf"{read} read, 1000 accounted for \(created 950, .*pending 0\)"
    ) as caught:
        load.check_balance()
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("status", list(Status))
def test_every_status_is_counted_in_the_sum(status: Status) -> None:
    """No status is left out of the balance."""
    summary({status: 1}).check_balance()
    with pytest.raises(Unbalanced):
        Summary("L", "r", "t", "finished", load_rows(0, {status: 1})).check_balance()


@pytest.mark.parametrize(
    ("totals", "state", "code"),
    [
        ({}, "finished", 0),
        ({Status.CREATED: 1}, "finished", 0),
        ({Status.ALREADY_LOADED: 1}, "finished", 0),
        ({Status.FILTERED: 1}, "finished", 0),
        ({Status.CREATED: 1, Status.INVALID: 1}, "finished", 3),
        ({Status.CREATED: 1, Status.BLOCKED: 1}, "finished", 3),
        ({Status.CREATED: 1, Status.REFUSED: 1}, "finished", 3),
        ({Status.CREATED: 1, Status.IN_DOUBT: 1}, "finished", 4),
        ({Status.REFUSED: 1, Status.IN_DOUBT: 1}, "finished", 4),
        ({Status.CREATED: 1}, "stopped", 5),
        ({Status.INVALID: 1, Status.IN_DOUBT: 1}, "stopped", 5),
        ({Status.PENDING: 1}, "stopped", 5),
        ({Status.IN_DOUBT: 1, Status.PENDING: 1}, "finished", 5),
        ({Status.CREATED: 1}, "interrupted", 5),
    ],
)
def test_exit_codes(totals: dict[Status, int], state: LoadState, code: int) -> None:
    """Each line of the table, and which comes first where several hold."""
    assert exit_code(summary(totals, state)) == code


@pytest.mark.parametrize(("signal", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_exit_codes_of_signals(signal: Literal["SIGINT", "SIGTERM"], code: int) -> None:
    """An interrupted load says by what, whatever its rows are."""
    totals = {Status.INVALID: 1, Status.PENDING: 5, Status.IN_DOUBT: 2}
    assert exit_code(summary(totals, "interrupted"), signal=signal) == code


def test_exit_code_of_a_dry_run() -> None:
    """A dry run ends well if every row is valid, else with 3."""
    assert exit_code(Summary(None, "r", None, "finished", dry_rows(1, 1, {}))) == 0
    assert exit_code(Summary(None, "r", None, "finished", dry_rows(1, 0, {Status.INVALID: 1}))) == 3
