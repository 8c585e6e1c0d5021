"""What signing a dry run approves: its code, its file, and every way in which a load is something else."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loader import __version__
from loader.approval import (
    Approval,
    ApprovedFile,
    SignedReport,
    check_approved,
    code_of,
    differences,
    same_code,
)
from loader.errors import ConfigurationError
from loader.manifest import ApprovedReport
from loader.pipeline.rows import open_inputs
from loader.records import Status
from loader.report import Summary, dry_rows
from loader.resources import BUILT_IN
from tests.support.shell import MAPPING

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
RUNS = ApprovedFile("runs.csv", 1234, "ab" * 32)
MORE = ApprovedFile("more.csv", 99, "cd" * 32)
APPROVED = Approval(
    tenant="acme",
    resource="billing-run",
    service_path="/billingRuns/{tenantId}",
    mapping="runs.yaml",
    mapping_sha256="12" * 32,
    source_options={"delimiter": ";", "quote": None},
    files=(RUNS, MORE),
    joined_files=(),
    made_at=NOON,
)
UNCOUNTED = {"mapping", "made_at", "loader_version"}


def written(folder: Path, of: Approval = APPROVED, **changes: Any) -> Path:
    """A folder with the summary of a dry run that approves, with changes by hand."""
    rows = dry_rows(1_160, 1_141, {Status.INVALID: 19})
    made = Summary(None, of.resource, of.tenant, "finished", rows, approval=of.as_json())
    summary = {**json.loads(made.to_json()), **changes}
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    return folder


def refusal(folder: Path, now: Approval = APPROVED) -> str:
    """The message where a load is not approved, with the hint."""
    with pytest.raises(ConfigurationError) as caught:
        check_approved(folder, now)
    assert caught.value.exit_code == 2
    assert caught.value.next_step
    return f"{caught.value.message}\nhint: {caught.value.next_step}"


# --- The code --------------------------------------------------------------------------------------------


def test_code_of_fixed_parts_stays_what_it_is() -> None:
    """A paper signed today must fit the same load tomorrow: this code never changes."""
    assert APPROVED.code == "7ABS-1S46"


def test_parts_that_are_empty_do_not_count() -> None:
    """A part that a later version adds leaves the codes of papers that lack it as they are."""
    parts = {"tenant": "acme", "files": [{"name": "a", "size": 0}]}
    assert code_of(parts) == code_of({**parts, "new": [], "other": None, "third": {}})
    assert code_of(parts) != code_of({**parts, "new": 0})


def test_code_can_be_read_out() -> None:
    """Eight characters in two groups, none of which is taken for another."""
    codes = [code_of({"tenant": str(number)}) for number in range(500)]
    assert all(len(code) == 9 and code[4] == "-" for code in codes)
    assert set("".join(codes)) == set("-0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    "heard", ["k7qm-3f01", "K7QM3F01", "k7qm 3f01", "K7QM-3FOI", "k7qm-3fol", "K7-QM3F-01"]
)
def test_codes_are_compared_as_people_write_them(heard: str) -> None:
    """Case, dashes, spaces and letters that look like digits make no difference."""
    assert same_code("K7QM-3F01", heard)
    assert not same_code("K7QM-3F02", heard)


TEXTS = st.text(max_size=8)
FILES = st.builds(ApprovedFile, TEXTS, st.integers(0, 10**12), TEXTS)
APPROVALS = st.builds(
    Approval,
    tenant=st.none() | st.text(min_size=1, max_size=8),
    resource=TEXTS,
    service_path=TEXTS,
    mapping=TEXTS,
    mapping_sha256=TEXTS,
    source_options=st.dictionaries(TEXTS, st.none() | TEXTS | st.booleans() | st.integers(2, 9), max_size=3),
    files=st.lists(FILES, max_size=3).map(tuple),
    joined_files=st.lists(FILES, max_size=2).map(tuple),
    made_at=st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),
    loader_version=TEXTS,
)


@settings(max_examples=60, deadline=None)
@given(APPROVALS, APPROVALS, st.sampled_from([field.name for field in fields(Approval)]))
def test_any_change_of_a_part_changes_the_code_and_is_named(
    one: Approval, other: Approval, part: str
) -> None:
    """What counts changes both code and answer; what does not count changes neither."""
    changed: Approval = replace(one, **{part: getattr(other, part)})
    same = getattr(one, part) == getattr(other, part) or part in UNCOUNTED
    assert (changed.code == one.code) is same
    assert (not list(differences(one, changed))) is (same and one.tenant is not None)


@settings(max_examples=40, deadline=None)
@given(APPROVALS)
def test_approval_is_read_as_it_was_written(approval: Approval) -> None:
    """Through JSON and back, with any text in it."""
    assert Approval.from_json(json.loads(json.dumps(approval.as_json()))) == approval


def test_name_that_is_no_text_goes_through() -> None:
    """A file name with bytes that are not UTF-8 is approved like others."""
    odd = replace(APPROVED, files=(replace(RUNS, name="r\udce4te.csv"),))
    assert Approval.from_json(json.loads(json.dumps(odd.as_json()))) == odd


# --- What it is made of ----------------------------------------------------------------------------------


def made_of(folder: Path, tenant: str | None = "acme", *, text: str = MAPPING, **overrides: Any) -> Approval:
    """The approval of runs.csv."""
    source = folder / "runs.csv"
    if not source.exists():
        source.write_text("Key,Name,State\nK1,One,C\n", encoding="utf-8")
    return open_inputs(text, "runs.yaml", [str(source)], overrides, types=BUILT_IN).approval(tenant, NOON)


def test_approval_of_inputs_has_all_that_decides(tmp_path: Path) -> None:
    """Tenant, record type, path, hashes and options are those of the inputs."""
    made = made_of(tmp_path, delimiter=",")
    assert (made.tenant, made.resource, made.service_path) == (
        "acme",
        "billing-run",
        "/billingRuns/{tenantId}",
    )
    assert (made.mapping, made.source_options) == ("runs.yaml", {"delimiter": ","})
    assert [(file.name, file.size) for file in made.files] == [("runs.csv", 24)]
    assert all(len(item) == 64 for item in (made.mapping_sha256, made.files[0].sha256))
    assert (made.made_at, made.loader_version, made.joined_files) == (NOON, __version__, ())


def test_options_count_as_they_are_read(tmp_path: Path) -> None:
    """Another way to write the same option is no difference; an option of the mapping counts as one of -s."""
    assert made_of(tmp_path, skip_lines="0").code == made_of(tmp_path, skip_lines=0).code
    assert made_of(tmp_path, skip_lines=0).code != made_of(tmp_path).code
    explicit = made_of(tmp_path, text=f"{MAPPING}source: {{delimiter: ','}}\n")
    assert explicit.source_options == made_of(tmp_path, delimiter=",").source_options


def test_folder_and_name_of_the_mapping_do_not_count(tmp_path: Path) -> None:
    """The same files elsewhere, and the same mapping under another name, are what was approved."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    assert made_of(here).code == made_of(there).code == replace(made_of(here), mapping="final.yaml").code


JOINED = f"""{MAPPING}
  application_reminder_options.reminders:
    {{rows: reminders.csv, key: Key, each: {{reminder_notice_id: Notice}}}}
"""


def test_joined_files_count(tmp_path: Path) -> None:
    """A second file is part of what is approved: another content is another approval."""
    path = tmp_path / "reminders.csv"
    path.write_text("Key,Notice\nK1,N1\n", encoding="utf-8")
    made = made_of(tmp_path, text=JOINED)
    assert [(joined_file.name, joined_file.size) for joined_file in made.joined_files] == [
        ("reminders.csv", 17)
    ]
    path.write_text("Key,Notice\nK1,N2\n", encoding="utf-8")
    assert made_of(tmp_path, text=JOINED).code != made.code


# --- What a load says about it ---------------------------------------------------------------------------


def test_the_same_is_approved(tmp_path: Path) -> None:
    """A later load of the same is approved by code and rows, and keeps where the report is."""
    later = replace(APPROVED, made_at=NOON.replace(year=2027))
    signed = check_approved(written(tmp_path), later)
    assert signed == SignedReport(APPROVED, 1_141, tmp_path)
    assert signed.kept() == ApprovedReport(code=APPROVED.code, folder=str(tmp_path.absolute()))


def test_another_version_of_the_loader_is_no_reason_to_refuse(tmp_path: Path) -> None:
    """It is one to look: the approval has it."""
    older = replace(APPROVED, loader_version="0.0.9")
    assert check_approved(written(tmp_path, older), APPROVED).approval.loader_version == "0.0.9"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tenant": "beta"}, ["tenant: acme was approved, this load goes to beta"]),
        (
            {"resource": "billing-template"},
            ["record type: billing-run was approved, this load creates billing-template"],
        ),
        (
            {"service_path": "/v2/runs"},
            ["path: /billingRuns/{tenantId} was approved, records now go to /v2/runs"],
        ),
        (
            {"mapping_sha256": "34" * 32, "mapping": "new.yaml"},
            [
                "mapping: runs.yaml with the hash 1212121212121212… was approved",
                "new.yaml now has 3434343434343434…",
            ],
        ),
        (
            {"source_options": {"delimiter": ",", "quote": None}},
            ["source option delimiter (of the mapping, or -s): ';' was approved, it is now ','"],
        ),
        ({"source_options": {"delimiter": ";"}}, ["option quote", "None was approved, it is now no value"]),
        (
            {"source_options": {"delimiter": ";", "quote": None, "skip_lines": 2}},
            ["option skip_lines", "no value was approved, it is now 2"],
        ),
        (
            {"files": (replace(RUNS, size=1300, sha256="ef" * 32), MORE)},
            ["file runs.csv has other content: abab", "it is now efef", "it had 1,234 bytes, now 1,300"],
        ),
        (
            {"files": (replace(RUNS, sha256="ef" * 32), MORE)},
            ["file runs.csv has other content", "(it had 1,234 bytes, as many as now)"],
        ),
        ({"files": (RUNS,)}, ["file more.csv was approved and is missing"]),
        ({"files": (RUNS, MORE, replace(MORE, name="x.csv", sha256="99"))}, ["file x.csv was not approved"]),
        ({"files": (RUNS, MORE, MORE)}, ["file more.csv was not approved"]),
        (
            {"files": (MORE, RUNS)},
            ["files in another order: runs.csv, more.csv was approved, it is now more.csv, runs.csv"],
        ),
        ({"joined_files": (MORE,)}, ["second file more.csv was not approved"]),
    ],
)
def test_each_difference_is_named(tmp_path: Path, changes: dict[str, Any], words: list[str]) -> None:
    """One line a difference, and none besides, with the code that was given."""
    message = refusal(written(tmp_path), replace(APPROVED, **changes))
    heading, difference, hint = message.splitlines()
    assert heading == f"{tmp_path}: this load differs from what {APPROVED.code} approves:"
    assert hint.startswith("hint: Load what was approved. Or: validate again with --report")
    for word in words:
        assert word in difference


def test_file_under_another_name_is_recognized(tmp_path: Path) -> None:
    """Its name goes into every record, so that it is no longer what was approved."""
    now = replace(APPROVED, files=(replace(RUNS, name="export.csv"), MORE))
    _, gone, new, _ = refusal(written(tmp_path), now).splitlines()
    assert gone == "- file runs.csv was approved and is missing"
    assert new.startswith("- file export.csv was not approved: it is runs.csv under another name")


def test_all_differences_are_named_at_once(tmp_path: Path) -> None:
    """Nobody goes round and round for one difference after the other."""
    now = replace(
        APPROVED,
        tenant="beta",
        resource="billing-template",
        mapping_sha256="00",
        source_options={},
        files=(replace(MORE, size=1), replace(RUNS, name="b.csv")),
        joined_files=(RUNS,),
    )
    lines = [line for line in refusal(written(tmp_path), now).splitlines() if line.startswith("- ")]
    starts = (
        "tenant",
        "record type",
        "mapping",
        "source option delimiter",
        "source option quote",
        "file more.csv",
        "file runs.csv",
        "file b.csv",
        "second file runs.csv",
    )
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(f"- {start}")


def test_long_options_are_compared_whole(tmp_path: Path) -> None:
    """They are cut short where they are shown, not where they are compared."""
    was, now = (replace(APPROVED, source_options={"null_values": ["x" * 70, last]}) for last in "ab")
    message = refusal(written(tmp_path, was), now)
    assert "null_values" in message
    assert "x" * 61 not in message


def test_dry_run_without_a_tenant_approves_nothing(tmp_path: Path) -> None:
    """It says so, with what else differs, and what to do."""
    message = refusal(written(tmp_path, replace(APPROVED, tenant=None)), replace(APPROVED, files=(RUNS,)))
    assert "- the dry run had no --tenant, so no tenant is approved" in message
    assert "- file more.csv was approved and is missing" in message
    assert "hint: Validate again with --tenant acme and --report" in message


# --- Files that are no such summary ----------------------------------------------------------------------


def test_missing_summary(tmp_path: Path) -> None:
    """A folder without a summary, and no folder at all."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        message = refusal(folder)
        assert f"{folder}/summary.json: cannot be read: No such file" in message
        assert "hint: Pass the folder that `loader validate --report` wrote." in message


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "expected an object with load_id, state and rows"),
        (b"null", "expected an object"),
        (b'{"name": "other"}', "expected an object"),
    ],
)
def test_foreign_summary(tmp_path: Path, content: bytes, word: str) -> None:
    """A summary.json of something else."""
    (tmp_path / "summary.json").write_bytes(content)
    message = refusal(tmp_path)
    assert f"{tmp_path}/summary.json: not a summary: " in message
    assert word in message


def test_summary_that_is_a_folder(tmp_path: Path) -> None:
    """A folder of that name is no summary."""
    (tmp_path / "summary.json").mkdir()
    assert "summary.json: cannot be read: Is a directory" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"load_id": "20261122T101500Z-00000001"}, "this is the summary of load 20261122T101500Z-00000001"),
        ({"state": "stopped"}, "did not read all rows: its state is 'stopped'"),
        ({"approval": None}, "the file was changed"),
        ({"approval": "K7QM-3F2X"}, "the file was changed"),
        ({"tenant": "beta"}, "its tenant is not that of its approval"),
        ({"resource": "billing-template"}, "its resource is not that of its approval"),
        ({"rows": {"read": 5, "valid": 4}}, "its rows do not add up"),
        ({"rows": {"read": 5, "created": 5}}, "its rows do not add up"),
        ({"rows": {"read": "5", "valid": "5"}}, "its rows are not counts"),
        ({"rows": [5, 5]}, "its rows are not counts"),
    ],
)
def test_summary_that_approves_nothing(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    """A load's, an unfinished one's, and what hands have been at."""
    message = refusal(written(tmp_path, **changes))
    assert word in message
    assert message.startswith(f"{tmp_path}/summary.json: ")


def test_summary_without_an_approval(tmp_path: Path) -> None:
    """One that an earlier loader wrote."""
    summary = json.loads((written(tmp_path) / "summary.json").read_text())
    del summary["approval"]
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    assert "it has no approval" in refusal(tmp_path)


@pytest.mark.parametrize("key", sorted(APPROVED.as_json()))
@pytest.mark.parametrize(
    "value", ["other", 5, None, [], {}, [1], [{"name": "x", "size": "y", "sha256": "z"}]]
)
def test_approval_changed_by_hand(tmp_path: Path, key: str, value: object) -> None:
    """No part can be changed without a refusal, whatever it is changed to; but for what does not count."""
    changed = {**APPROVED.as_json(), key: value}
    free_text = key in {"mapping", "loader_version"} and isinstance(value, str)
    if changed == APPROVED.as_json() or free_text:
        assert check_approved(written(tmp_path, approval=changed), APPROVED).rows == 1_141
    else:
        message = refusal(written(tmp_path, approval=changed))
        assert "the file was changed after the dry run wrote it" in message


@pytest.mark.parametrize("key", sorted(APPROVED.as_json()))
def test_approval_with_a_part_missing(tmp_path: Path, key: str) -> None:
    """Nor can one be taken out, or put in."""
    changed = {name: part for name, part in APPROVED.as_json().items() if name != key}
    assert "the file was changed" in refusal(written(tmp_path, approval=changed))
    assert "the file was changed" in refusal(written(tmp_path, approval={**APPROVED.as_json(), "more": 1}))


def test_code_in_lower_case_is_the_code(tmp_path: Path) -> None:
    """The code itself counts as people write it."""
    changed = {**APPROVED.as_json(), "code": APPROVED.code.lower().replace("-", "")}
    assert check_approved(written(tmp_path, approval=changed), APPROVED).approval == APPROVED
