"""A dry run that is signed, and loads that are held against it: from the shell to the socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.scripted_api import ScriptedApi, always, created
from tests.support.shell import MAPPING, Ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loader.sandbox import RunningSandbox
    from tests.support.scripted_api import Asked
    from tests.support.shell import Shell

TEMPLATES = Path(__file__).parents[2] / "mappings" / "billing-template.yaml"


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    """A service that stores everything and counts what it was asked."""
    with ScriptedApi() as running:
        yield running


def signed(shell: Shell, *more: str, sources: tuple[str, ...] = ("runs.csv",)) -> str:
    """Makes a dry run into the folder `signed`; gives its code."""
    done = shell.run("validate", "runs.yaml", *sources, "--report", "signed", "--json", *more)
    assert done.code in {0, 3}, done.err
    code: str = done.summary["approval"]["code"]
    return code


def load(shell: Shell, url: str, *more: str, sources: tuple[str, ...] = ("runs.csv",)) -> Ended:
    """Loads what was signed into acme."""
    words = ["load", "runs.yaml", *sources, "--base-url", url, "--json", "--approved", "signed"]
    return shell.run(*words, *([] if "--tenant" in more else ["--tenant", "acme"]), *more)


def stored_code(shell: Shell, load_id: str) -> Any:
    """What the load's own `summary.json` says that it was approved by."""
    return json.loads((shell.folder / ".loader/loads" / load_id / "summary.json").read_text())["approved"]


def test_validate_gives_a_code_and_leads_to_the_load(shell: Shell) -> None:
    """On stdout, in summary.json with all that is approved, and the next command names the folder."""
    shell.write_rows(3)
    done = shell.run("validate", "runs.yaml", "runs.csv", "--tenant", "acme", "--report", "signed")
    summary = json.loads((shell.folder / "signed/summary.json").read_text())
    approval = summary["approval"]
    assert f"code: {approval['code']}" in done.out.splitlines()
    assert (approval["tenant"], approval["resource"]) == ("acme", "billing-run")
    assert [item["name"] for item in approval["files"]] == ["runs.csv"]
    assert summary["rows"]["valid"] == 3
    assert done.next_words == ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--approved", "signed"]


def test_validate_without_a_report_approves_nothing(shell: Shell) -> None:
    """There is no paper to sign, so there is no code."""
    shell.write_rows(3)
    assert "approval" not in shell.run("validate", "runs.yaml", "runs.csv", "--json").summary
    done = shell.run("validate", "runs.yaml", "runs.csv", "--tenant", "acme")
    assert "code:" not in done.out
    assert "--approved" not in done.next_words


def test_approved_load_tells_its_code_everywhere(shell: Shell, sandbox: RunningSandbox) -> None:
    """At the start, in the object, in summary.json and in the load's status."""
    shell.write_rows(20)
    code = signed(shell, "--tenant", "acme")
    done = load(shell, sandbox.url)
    assert (done.code, done.rows) == (0, {"read": 20, "created": 20})
    assert done.err.startswith(f"approved: {code}, for 20 rows, by the dry run of ")
    load_id = done.summary["load_id"]
    assert done.summary["approved"] == stored_code(shell, load_id) == code
    assert shell.run("status", load_id, "--json").summary["approved"] == code
    status = shell.run("status", load_id).out
    assert f"approved: {code}" in status.splitlines()
    assert f"approved by: the dry run in {shell.folder / 'signed'}" in status.splitlines()


def test_load_without_an_approval_says_nothing_of_one(shell: Shell, sandbox: RunningSandbox) -> None:
    """Nothing new is printed or written."""
    shell.write_rows(2)
    words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", sandbox.url]
    done = shell.run(*words)
    assert done.code == 0
    status = shell.run("status", done.next_words[1])
    assert all("approved" not in text for text in (done.out, done.err, status.out, status.err))
    assert all(b"approved" not in content for path, content in shell.texts() if path.name != "journal.db")


def test_invalid_rows_are_not_sent_and_a_part_may_be(shell: Shell, sandbox: RunningSandbox) -> None:
    """What the report counted invalid stays invalid; --limit sends less of what was approved, never more."""
    shell.write_rows(3)
    rows = "".join(f"K{number},{name},C\n" for number, name in enumerate(("a", "", "c", "d", ""), 1))
    shell.write("runs.csv", f"Key,Name,State\n{rows}")
    signed(shell, "--tenant", "acme")
    first = load(shell, sandbox.url, "--limit", "3")
    assert first.rows == {"read": 3, "created": 2, "invalid": 1}
    assert "for 3 rows" in first.err
    second = load(shell, sandbox.url)
    assert (second.code, second.rows) == (3, {"read": 5, "already_loaded": 2, "created": 1, "invalid": 2})


def test_server_is_not_part_of_what_is_approved(
    shell: Shell, sandbox: RunningSandbox, api: ScriptedApi
) -> None:
    """One paper serves for the rehearsal and for the load itself."""
    shell.write_rows(2)
    signed(shell, "--tenant", "acme")
    assert load(shell, api.url, "--home", "rehearsal").code == 0
    assert load(shell, sandbox.url).code == 0


def test_two_files_are_approved_in_their_order(shell: Shell, api: ScriptedApi) -> None:
    """As a glob or by name they are the same; the other way round they are not."""
    shell.write_rows(2)
    shell.write_rows(2, "more.csv", first=50)
    signed(shell, "--tenant", "acme", sources=("more.csv", "runs.csv"))
    turned = load(shell, api.url, sources=("runs.csv", "more.csv"))
    assert turned.code == 2
    assert (
        "files in another order: more.csv, runs.csv was approved, it is now runs.csv, more.csv" in turned.err
    )
    assert api.asked == []
    assert load(shell, api.url, sources=("*.csv",)).rows == {"read": 4, "created": 4}


def fixed_mapping(shell: Shell) -> None:
    """A constant of the mapping becomes another."""
    shell.write("runs.yaml", MAPPING.replace("INV-STD", "INV-NEW"))


def other_records(shell: Shell) -> None:
    """The mapping makes records of another type."""
    text = TEMPLATES.read_text(encoding="utf-8")
    assert "source:\n  format: parquet\n" in text
    shell.write("runs.yaml", text.replace("source:\n  format: parquet\n", ""))


def one_more_row(shell: Shell) -> None:
    """A row comes in."""
    with (shell.folder / "runs.csv").open("a") as file:
        file.write("K9,Nine,D\n")


def one_more_file(shell: Shell) -> None:
    """A file comes in, by a glob."""
    shell.write_rows(2, "runs-2.csv", first=50)


def everything(shell: Shell) -> None:
    """All of these."""
    for change in (one_more_file, one_more_row, other_records):
        change(shell)


def nothing(_: Shell) -> None:
    """The files are as they were."""


TENANT = ("tenant: acme was approved, this load goes to beta",)
TYPE = (
    "record type: billing-run was approved, this load creates billing-template",
    "mapping: runs.yaml with the hash ",
)
ROW = ("file runs.csv has other content", "it had 75 bytes, now 85")
FILE = ("file runs-2.csv was not approved",)
OPTION = ("source option skip_footer", "no value was approved, it is now 1")


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        (nothing, ["--tenant", "beta"], TENANT),
        (fixed_mapping, [], ("mapping: runs.yaml with the hash ",)),
        (other_records, [], TYPE),
        (one_more_row, [], ROW),
        (one_more_file, [], FILE),
        (nothing, ["-s", "skip_footer=1"], OPTION),
        (everything, ["--tenant", "beta", "-s", "skip_footer=1"], (*TENANT, *TYPE, *ROW, *FILE, *OPTION)),
    ],
)
def test_any_difference_is_refused_before_anything_is_sent(
    shell: Shell, api: ScriptedApi, change: Callable[[Shell], None], more: list[str], words: tuple[str, ...]
) -> None:
    """Exit code 2, every difference by name, no request, no load in the journal."""
    shell.write_rows(4)
    code = signed(shell, "--tenant", "acme")
    change(shell)
    done = load(shell, api.url, *more, sources=("runs*.csv",))
    assert (done.code, done.out) == (2, "")
    assert f"error: signed: this load differs from what {code} approves:" in done.err
    for word in words:
        assert word in done.err
    assert api.asked == []
    assert not (shell.folder / ".loader").exists()


def test_refusal_leads_to_a_new_report_beside_the_signed_one(shell: Shell, api: ScriptedApi) -> None:
    """The next command makes another report, and the one that was signed stays as it is."""
    shell.write_rows(4)
    old = signed(shell, "--tenant", "acme")
    one_more_row(shell)
    done = load(shell, api.url)
    words = ["validate", "runs.yaml", "runs.csv", "--tenant", "acme", "--report", "signed-2"]
    assert done.next_words == words
    again = shell.follow(done)
    assert again.code == 0
    new = json.loads((shell.folder / "signed-2/summary.json").read_text())["approval"]["code"]
    assert old == json.loads((shell.folder / "signed/summary.json").read_text())["approval"]["code"] != new
    last = shell.follow(again, "--base-url", api.url, "--json")
    assert (last.rows, last.summary["approved"]) == ({"read": 5, "created": 5}, new)


def test_dry_run_without_a_tenant_approves_no_load(shell: Shell, api: ScriptedApi) -> None:
    """It says to validate again, with the tenant."""
    shell.write_rows(2)
    signed(shell)
    done = load(shell, api.url)
    assert done.code == 2
    assert "- the dry run had no --tenant" in done.err
    assert "Validate again with --tenant acme and --report" in done.err
    assert api.asked == []
    again = shell.follow(done)
    assert shell.follow(again, "--base-url", api.url).code == 0


def test_folders_that_approve_nothing(shell: Shell, api: ScriptedApi) -> None:
    """None there, a load's own, one changed by hand, one of a dry run that broke off."""
    shell.write_rows(2)
    done = load(shell, api.url)
    assert (done.code, done.next_words[-1]) == (2, "signed")
    assert "signed/summary.json: cannot be read: No such file or directory" in done.err
    signed(shell, "--tenant", "acme")
    path = shell.folder / "signed/summary.json"
    summary = json.loads(path.read_text())
    for changed, word in (
        (
            {**summary, "approval": {**summary["approval"], "tenant": "beta"}},
            "the code does not fit the parts",
        ),
        ({**summary, "state": "stopped"}, "did not read all rows"),
        ({**summary, "load_id": "20261122T101500Z-00000001"}, "this is the summary of load 20261122T101500Z"),
    ):
        path.write_text(json.dumps(changed))
        refused = load(shell, api.url)
        assert refused.code == 2
        assert word in refused.err
    assert api.asked == []


def test_folder_of_a_load_approves_nothing(shell: Shell, sandbox: RunningSandbox, api: ScriptedApi) -> None:
    """What a load left behind is no dry run, although the load was approved itself."""
    shell.write_rows(2)
    signed(shell, "--tenant", "acme")
    load_id = load(shell, sandbox.url).summary["load_id"]
    done = load(shell, api.url, "--approved", f".loader/loads/{load_id}")
    assert done.code == 2
    assert f"this is the summary of load {load_id}, expected that of a dry run" in done.err
    assert api.asked == []


def test_resume_goes_on_with_the_approval(shell: Shell, sandbox: RunningSandbox) -> None:
    """The code stays with the load, and neither the folder nor the mapping's file is asked for again."""
    shell.write_rows(30)
    code = signed(shell, "--tenant", "acme")

    def failing(asked: Asked) -> tuple[int, dict[str, str], str]:
        return (created if asked.number <= 10 else always(403))(asked)

    with ScriptedApi(failing) as api:
        stopped = load(shell, api.url, "--concurrency", "1")
    assert (stopped.code, stopped.rows) == (5, {"read": 30, "created": 10, "pending": 20})
    assert stopped.summary["approved"] == code
    (shell.folder / "signed/summary.json").unlink()
    fixed_mapping(shell)
    resumed = shell.follow(stopped, "--base-url", sandbox.url, "--json")
    assert (resumed.code, resumed.rows) == (0, {"read": 30, "created": 30})
    assert f"approved: {code}" in resumed.err.splitlines()
    assert resumed.summary["approved"] == stored_code(shell, resumed.summary["load_id"]) == code


def test_reconciling_keeps_the_approval(shell: Shell) -> None:
    """Rows in doubt are reconciled, and the load is still the one that was approved."""
    shell.write_rows(2)
    code = signed(shell, "--tenant", "acme")
    with ScriptedApi(always(500)) as api:
        doubtful = load(shell, api.url, "--reconcile-wait", "0")
    assert (doubtful.code, doubtful.summary["approved"]) == (4, code)
    reconciled = shell.run("reconcile", doubtful.summary["load_id"], "--as", "created", "--json")
    assert (reconciled.code, reconciled.summary["approved"]) == (0, code)


def test_approval_by_environment_and_file(shell: Shell, api: ScriptedApi) -> None:
    """As every option: the command line wins over the environment, that over loader.toml."""
    shell.write_rows(2)
    signed(shell, "--tenant", "acme")
    words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", api.url]
    shell.write("loader.toml", 'approved = "nowhere"\n')
    assert "nowhere/summary.json: cannot be read" in shell.run(*words).err
    shell.env["LOADER_APPROVED"] = "neither"
    assert "neither/summary.json: cannot be read" in shell.run(*words).err
    assert api.asked == []
    done = shell.run(*words, "--approved", "signed")
    assert done.code == 0
    assert shell.run("resume", done.next_words[1]).code == 0
