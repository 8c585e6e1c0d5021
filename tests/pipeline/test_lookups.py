"""Ids of records loaded before: rows that refer to them, rows that wait for them, and how these get in."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

from loader.sandbox import RunningSandbox, SandboxSettings
from tests.support.shell import MAPPING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.shell import Ended, Shell

RUNS = (
    f"{MAPPING}  template_id: {{lookup: billing-template, column: Template, case: upper, null_if: ['-']}}\n"
)
TEMPLATES = """\
resource: billing-template
external_id: Key
fields:
  name: Name
  fundraising_notice_options:
    expiration_date_range_start: {value: {position: "on", relative_to: the reference date}}
    expiration_date_range_end: {value: {position: "on", relative_to: the reference date}}
  team_notice_options:
    visit_start_date_range_start: {value: {position: "on", relative_to: the reference date}}
    visit_start_date_range_end: {value: {position: "on", relative_to: the reference date}}
"""
PARENTS = f"{MAPPING}  recurring_billing_run_id: {{lookup: billing-run, column: Parent}}\n"
WARNED = "warning: no load into tenant acme has created a billing-template yet"


@pytest.fixture
def url() -> Iterator[str]:
    """A sandbox with two tenants."""
    with RunningSandbox(SandboxSettings(tenants=("acme", "other"), page_size=1000)) as sandbox:
        yield sandbox.url


class Loads:
    """Loads of a shell into a sandbox."""

    def __init__(self, shell: Shell, url: str) -> None:
        self.shell = shell
        self.url = url

    def load(self, mapping: str, name: str, rows: str, *more: str, tenant: str = "acme") -> Ended:
        """Loads rows of CSV; the source's name is `name`.csv."""
        self.shell.write(f"{name}.yaml", mapping)
        self.shell.write(f"{name}.csv", rows)
        where = ("--tenant", tenant, "--base-url", self.url)
        return self.shell.run("load", f"{name}.yaml", f"{name}.csv", *where, "--json", *more)

    def templates(self, *keys: str, tenant: str = "acme") -> dict[str, str]:
        """Loads templates; their ids by key."""
        rows = "".join(f"{key},Template {key}\n" for key in keys)
        done = self.load(TEMPLATES, f"templates-{'-'.join(keys)}", f"Key,Name\n{rows}", tenant=tenant)
        assert done.code == 0, done.err
        return {line["external_id"]: line["id"] for line in self.shell.results(done)}

    def runs(self, rows: str, *more: str) -> Ended:
        """Loads runs that may refer to templates."""
        return self.load(RUNS, "runs", f"Key,Name,State,Template\n{rows}", *more)

    def resume(self, done: Ended, *more: str) -> Ended:
        """Goes on with a load."""
        return self.shell.run("resume", done.summary["load_id"], "--json", *more)

    def stored(self, field: str) -> dict[str, Any]:
        """A field of the runs that the sandbox has stored, by their external ids."""
        request = Request(  # noqa: S310 - a URL of this machine
            f"{self.url}/billingRuns/acme?fields=sys_external_id,{field}",
            headers={"Authorization": "Bearer x"},
        )
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - likewise
            items = json.load(answer)["Items"]
        assert len({item["sys_external_id"] for item in items}) == len(items)
        return {item["sys_external_id"]: item.get(field) for item in items}


@pytest.fixture
def loads(shell: Shell, url: str) -> Loads:
    """Loads into a sandbox of the test's own."""
    return Loads(shell, url)


def findings_of(loads: Loads, done: Ended) -> dict[str, tuple[str, str, str, str]]:
    """The rejects of a load: key -> status, fields, codes, messages."""
    path = loads.shell.folder / done.summary["files"]["rejects"]
    with path.open(encoding="utf-8", newline="") as file:
        return {
            line["Key"]: (line["_status"], line["_field"], line["_code"], line["_message"])
            for line in csv.DictReader(file)
        }


def test_ids_of_earlier_loads_are_put_in(loads: Loads) -> None:
    """Keys of records of two earlier loads become their ids; a null key stays a null."""
    ids = loads.templates("T1") | loads.templates("T2", "T1")
    done = loads.runs("R1,a,C, t1 \nR2,b,C,T2\nR3,c,C,\nR4,d,C,-\n")
    assert (done.code, done.rows) == (0, {"read": 4, "created": 4}), done.err
    assert loads.stored("template_id") == {"R1": ids["T1"], "R2": ids["T2"], "R3": None, "R4": None}
    assert WARNED not in done.err


def test_blocked_rows_get_in_when_what_they_wait_for_is_there(loads: Loads) -> None:
    """Load templates, load runs: one waits; load the missing template, resume the runs: all created."""
    ids = loads.templates("T1")
    done = loads.runs("R1,a,C,T1\nR2,b,C,T7\n")
    assert (done.code, done.rows) == (3, {"read": 2, "created": 1, "blocked": 1}), done.err
    message = 'no load into tenant acme has created the billing-template "T7"'
    assert findings_of(loads, done) == {"R2": ("blocked", "template_id", "lookup.not_found", message)}
    result = loads.shell.results(done)[1]
    assert (result["code"], result["message"]) == ("lookup.not_found", f"template_id: {message}")
    assert "blocked: template_id: names a billing-template that no load has created" in done.err
    assert done.next_words == ["resume", done.summary["load_id"]]
    assert loads.stored("template_id") == {"R1": ids["T1"]}

    still = loads.resume(done)
    assert (still.code, still.rows) == (3, done.rows)
    ids |= loads.templates("T7")
    resumed = loads.resume(done)
    assert (resumed.code, resumed.rows) == (0, {"read": 2, "created": 2}), resumed.err
    assert loads.stored("template_id") == {"R1": ids["T1"], "R2": ids["T7"]}
    assert "rejects" not in resumed.summary["files"]


def test_a_later_load_of_the_same_file_tries_again(loads: Loads) -> None:
    """A row that waited is sent by the next load of its file, and is not sent again by the first one."""
    first = loads.runs("R1,a,C,T1\nR2,b,C,\n")
    assert first.rows == {"read": 2, "created": 1, "blocked": 1}
    assert WARNED in first.err
    ids = loads.templates("T1")
    second = loads.runs("R1,a,C,T1\nR2,b,C,\n")
    assert (second.code, second.rows) == (0, {"read": 2, "created": 1, "already_loaded": 1}), second.err
    resumed = loads.resume(first)
    assert (resumed.code, resumed.rows) == (0, {"read": 2, "created": 1, "already_loaded": 1}), resumed.err
    assert loads.stored("template_id") == {"R1": ids["T1"], "R2": None}


def test_rejects_of_blocked_rows_can_be_loaded(loads: Loads) -> None:
    """The rejects, loaded with the same mapping once the records are there, come in."""
    done = loads.runs("R1,a,C,T1\nR2,,C,T1\n")
    assert done.rows == {"read": 2, "invalid": 1, "blocked": 1}
    loads.templates("T1")
    again = loads.shell.follow(done, "--json")
    assert again.rows == {"read": 2, "created": 1, "invalid": 1}, again.err


def test_all_that_is_wrong_is_listed_with_all_keys(loads: Loads) -> None:
    """A row with a finding is invalid; its unresolved keys, one in each place, are listed with it."""
    mapping = (
        f"{RUNS}"
        "  application_activation_options.program_ids: {lookup: billing-template, column: List, split: ';'}\n"
        "  drop_options.zz_items:\n"
        "    - {inner: {lookup: billing-template, column: One}}\n"
    )
    loads.templates("T1")
    rows = "Key,Name,State,Template,List,One\nR1,,C,T1,T1;T8;T1;T9,T7\nR2,b,C,T6,T5,\nR3,b,C,T1,T1,T1\n"
    done = loads.load(mapping, "runs", rows)
    assert done.rows == {"read": 3, "created": 1, "invalid": 1, "blocked": 1}, done.err
    rejects = findings_of(loads, done)
    status, fields, _, messages = rejects["R1"]
    paths = ["name", *["application_activation_options.program_ids"] * 2, "drop_options.zz_items[0].inner"]
    assert (status, fields.split("; ")) == ("invalid", paths)
    assert [key in messages for key in ('"T8"', '"T9"', '"T7"', '"T1"')] == [True, True, True, False]
    assert rejects["R2"][:2] == ("blocked", "template_id; application_activation_options.program_ids")


def test_tenants_have_their_own_records(loads: Loads) -> None:
    """A record of another tenant, or of another type, is not what a key means."""
    loads.templates("T1", tenant="other")
    assert loads.load(MAPPING, "others", "Key,Name,State\nT1,a,C\n").code == 0
    done = loads.runs("R1,a,C,T1\n")
    assert (done.code, done.rows) == (3, {"read": 1, "blocked": 1})
    assert WARNED in done.err


def test_what_is_loaded_already_waits_for_nothing(loads: Loads) -> None:
    """A row that an earlier load has created is already loaded, whatever key it has by now."""
    loads.runs("R1,a,C,\n")
    again = loads.runs("R1,a,C,T9\n")
    assert (again.code, again.rows) == (0, {"read": 1, "already_loaded": 1})
    assert loads.shell.results(again)[0]["code"] == "changed.payload"


def test_a_key_that_occurs_twice_is_invalid_and_waits(loads: Loads) -> None:
    """The second of two rows with one external id says both what is wrong with it and what it waits for."""
    done = loads.runs("R1,a,C,\nR1,b,C,T9\n")
    assert done.rows == {"read": 2, "created": 1, "invalid": 1}
    assert findings_of(loads, done)["R1"][1] == "template_id; sys_external_id"


def test_ids_that_already_loaded_rows_carry(loads: Loads) -> None:
    """Two loads of one template give one id."""
    ids = loads.templates("T1")
    assert loads.templates("T1") == ids
    assert loads.runs("R1,a,C,T1\n").code == 0
    assert loads.stored("template_id") == {"R1": ids["T1"]}


@pytest.mark.parametrize("order", [("R1,,", "R2,R1,", "R3,R2,"), ("R3,R2,", "R2,R1,", "R1,,")])
def test_rows_may_refer_to_rows_of_their_own_file(loads: Loads, order: tuple[str, ...]) -> None:
    """Parents before and behind their children: all are created by one load, a level after the other."""
    rows = "".join(f"{key},{parent},a,C\n" for key, parent, _ in (item.split(",") for item in order))
    done = loads.load(PARENTS, "runs", f"Key,Parent,Name,State\n{rows}", "--max-errors", "0")
    assert (done.code, done.rows) == (0, {"read": 3, "created": 3}), done.err
    ids = {line["external_id"]: line["id"] for line in loads.shell.results(done)}
    assert loads.stored("recurring_billing_run_id") == {"R1": None, "R2": ids["R1"], "R3": ids["R2"]}
    assert "warning" not in done.err


def test_rows_whose_parents_never_come(loads: Loads) -> None:
    """A row that waits for itself, for one that waits, or for a wrong one is blocked; the load ends."""
    rows = "R1,R1,a,C\nR2,R3,a,C\nR3,R2,a,C\nR4,R5,a,C\nR5,,,C\nR6,,a,C\n"
    done = loads.load(PARENTS, "runs", f"Key,Parent,Name,State\n{rows}")
    assert (done.code, done.rows) == (3, {"read": 6, "created": 1, "invalid": 1, "blocked": 4}), done.err
    loads.load(PARENTS, "mended", "Key,Parent,Name,State\nR5,,a,C\n")
    resumed = loads.resume(done)
    assert resumed.rows == {"read": 6, "created": 2, "invalid": 1, "blocked": 3}


def test_a_dry_run_looks_up_and_sends_nothing(loads: Loads) -> None:
    """With a tenant, as a load; without one, every key counts as found and a note says so."""
    loads.templates("T1")
    loads.shell.write("runs.yaml", RUNS)
    loads.shell.write("runs.csv", "Key,Name,State,Template\nR1,a,C,T1\nR2,b,C,T7\nR3,,C,T7\n")
    tried = loads.shell.run("validate", "runs.yaml", "runs.csv", "--tenant", "acme", "--json")
    assert (tried.code, tried.rows) == (3, {"read": 3, "valid": 1, "blocked": 1, "invalid": 1})
    assert "not looked up" not in tried.err
    untried = loads.shell.run("validate", "runs.yaml", "runs.csv", "--json")
    assert (untried.code, untried.rows) == (3, {"read": 3, "valid": 2, "invalid": 1})
    assert "note: ids of billing-template for Template were not looked up" in untried.err
    unknown = loads.shell.run("validate", "runs.yaml", "runs.csv", "--tenant", "other", "--json")
    assert unknown.rows == {"read": 3, "blocked": 2, "invalid": 1}
    assert WARNED.replace("acme", "other") in unknown.err
    elsewhere = ("--tenant", "acme", "--home", "elsewhere", "--json")
    assert loads.shell.run("validate", "runs.yaml", "runs.csv", *elsewhere).rows == unknown.rows
    assert not (loads.shell.folder / "elsewhere").exists()
    assert loads.stored("template_id") == {}


def test_a_dry_run_counts_keys_of_its_own_type_as_found(loads: Loads) -> None:
    """A load creates the parents itself; the dry run says that it takes this for granted."""
    loads.shell.write("runs.yaml", PARENTS)
    loads.shell.write("runs.csv", "Key,Parent,Name,State\nR1,,a,C\nR2,R1,a,C\n")
    tried = loads.shell.run("validate", "runs.yaml", "runs.csv", "--tenant", "acme", "--json")
    assert (tried.code, tried.rows) == (0, {"read": 2, "valid": 2})
    assert "note: keys of billing-run in Parent count as found" in tried.err


def test_a_preview_shows_what_would_be_looked_up(loads: Loads) -> None:
    """A payload has a text in angle brackets in the place of the id."""
    loads.shell.write("runs.yaml", RUNS)
    loads.shell.write("runs.csv", "Key,Name,State,Template\nR1,a,C,T7\n")
    shown = loads.shell.run("preview", "runs.csv", "-m", "runs.yaml", "--format", "json")
    assert json.loads(shown.out)[0]["payload"]["template_id"] == "<billing-template T7>"
    assert "<billing-template KEY> is shown in their place" in shown.err


def test_blocked_rows_count_for_max_errors(loads: Loads) -> None:
    """What waits for another record type is an error of the load."""
    done = loads.runs("R1,a,C,T1\nR2,a,C,T1\nR3,a,C,\n", "--max-errors", "1")
    assert done.code == 5
    assert "2 rows have errors, and --max-errors allows 1" in done.err


def test_lookups_of_several_files_and_batches(loads: Loads) -> None:
    """Every batch of every file gets its ids, with batches smaller than the file."""
    ids = loads.templates(*(f"T{number}" for number in range(7)))
    loads.shell.write(
        "more.csv", "Key,Name,State,Template\n" + "".join(f"M{n},a,C,T{n % 8}\n" for n in range(20))
    )
    rows = "".join(f"R{number},a,C,T{number % 8}\n" for number in range(20))
    done = loads.runs(rows, "more.csv", "--batch-size", "3", "--concurrency", "2")
    waiting = 2 * len([number for number in range(20) if number % 8 == 7])
    assert (done.code, done.rows) == (3, {"read": 40, "created": 40 - waiting, "blocked": waiting})
    assert loads.stored("template_id") == {
        f"{letter}{number}": ids[f"T{number % 8}"]
        for letter in "RM"
        for number in range(20)
        if number % 8 != 7
    }
