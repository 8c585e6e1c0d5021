"""Loads whose records are made of several rows: killed, resumed, rejected, fixed, reconciled like others."""

from __future__ import annotations

import csv
import io
import random
import signal
from typing import TYPE_CHECKING

import openpyxl
import polars as pl
import pytest

from loader.sandbox import SandboxSettings
from tests.pipeline.crowd import counted
from tests.support.remembering_api import AFTER, RememberingApi, load_words
from tests.support.scripted_api import ScriptedApi
from tests.support.shell import ended, stats, stored

if TYPE_CHECKING:
    from pathlib import Path

    from loader.sandbox import RunningSandbox
    from tests.support.remembering_api import Reply
    from tests.support.shell import Shell

HEAD = """\
resource: billing-run
external_id: Key
fields:
  name: Name
  status: {value: draft}
  recurring_billing_run_id: Series
  application_expiration_options.expiration_date_range_start: {value: "2019-01-01"}
  application_expiration_options.expiration_date_range_end: {value: "2019-12-31"}
  training_provider_billing_options: {invoice_template_id: {value: a}, payment_terms_id: {value: b}}
  application_reminder_options.reminders:
"""
GROUPED = HEAD.replace("fields:", "group_by: Key\nfields:", 1) + (
    "    each: {reminder_notice_id: Notice, id: Nr}\n"
)
JOINED = HEAD + (
    "    {rows: reminders.csv, key: Run, equals: Key, each: {reminder_notice_id: Notice, id: Nr}}\n"
)
HEADER = "Key,Name,Series,Notice,Nr\n"


def write_groups(shell: Shell, count: int) -> dict[str, list[int]]:
    """Writes a mapping and so many groups of one to five rows; gives the record numbers of each."""
    shell.write("runs.yaml", GROUPED)
    rows: dict[str, list[int]] = {}
    lines = [HEADER]
    for group in range(1, count + 1):
        key = f"K{group:05d}"
        for nr in range(1, 1 + group * 7 % 5 + 1):
            rows.setdefault(key, []).append(len(lines))
            lines.append(f"{key},Run {group},S{group % 3},N{nr},{nr}\n")
    shell.write("runs.csv", "".join(lines))
    return rows


def sent_items(api: RememberingApi | ScriptedApi) -> dict[str, list[str]]:
    """The notices that came, by external id."""
    asked = api.stored if isinstance(api, RememberingApi) else [item.body for item in api.asked]
    return {
        body["sys_external_id"]: [
            item["reminder_notice_id"] for item in body["application_reminder_options"]["reminders"]
        ]
        for body in asked
    }


def rejects(shell: Shell, path: str) -> list[dict[str, str]]:
    """The lines of a rejects file."""
    return list(csv.DictReader(io.StringIO((shell.folder / path).read_text(encoding="utf-8"))))


@pytest.mark.parametrize("seed", range(2))
def test_killed_loads_of_groups_resume_exactly(shell: Shell, seed: int) -> None:
    """After kill -9 in the middle: every record once, whole, under the number of its first row."""
    rows = write_groups(shell, 160)
    dice = random.Random(seed)
    with counted(SandboxSettings(latency=0.005, page_size=10_000)) as sandbox:
        words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", sandbox.url, "--json"]
        process = shell.start(*words, "--concurrency", "4", "--batch-size", str(dice.choice([1, 7, 30])))
        sandbox.until(dice.randint(1, 120), process)
        process.kill()
        assert ended(process).code == -signal.SIGKILL
        load_id = next((shell.folder / ".loader" / "loads").iterdir()).name
        done = shell.run("resume", load_id, "--json", "--reconcile-wait", "0.05")
        assert (done.code, done.rows) == (0, {"read": 160, "created": 160})
        lines = [(line["external_id"], int(line["record_no"])) for line in shell.results(done)]
        assert lines == [(key, numbers[0]) for key, numbers in rows.items()]
        assert sorted(stored(sandbox.url)) == sorted(numbers[0] for numbers in rows.values())
        assert stats(sandbox.url)["duplicates"]["billing-run"] == 0


def test_every_row_becomes_an_item_once(shell: Shell) -> None:
    """What is sent has an item for every row of its group, in any batches; a second load adds none."""
    rows = write_groups(shell, 30)
    with ScriptedApi() as api:
        done = shell.run(*load_words(api.url, "--batch-size", "4"))
        assert (done.code, done.rows) == (0, {"read": 30, "created": 30})
        assert sent_items(api) == {
            key: [f"N{nr}" for nr in range(1, len(numbers) + 1)] for key, numbers in rows.items()
        }
        again = shell.run(*load_words(api.url))
        assert (again.code, again.rows) == (0, {"read": 30, "already_loaded": 30})


def test_limit_counts_records(shell: Shell) -> None:
    """--limit is the first so many records; a resume without it goes on behind them."""
    rows = write_groups(shell, 12)
    with ScriptedApi() as api:
        done = shell.run(*load_words(api.url, "--limit", "5"))
        assert (done.code, done.rows) == (0, {"read": 5, "created": 5})
        assert sorted(api.keys()) == list(rows)[:5]
        more = shell.run("resume", done.summary["load_id"], "--limit", "9", "--json")
        assert (more.code, more.rows) == (0, {"read": 9, "created": 9})
        assert sorted(api.keys()) == list(rows)[:9]


def test_rejected_groups_are_fixed_and_loaded(shell: Shell) -> None:
    """The rejects have all rows of a rejected group, each with what is wrong with it; fixed they load."""
    shell.write("runs.yaml", GROUPED)
    lines = [
        "1,One,,N1,1",
        "1,One,,N2,2",
        "2,Two,,N1,1",
        "2,Two,,N2,x",
        "2,Two,,,3",
        "3,Three,,N1",
        "3,Three,,N2,2",
    ]
    shell.write("runs.csv", HEADER + "\n".join([*lines, "4,Four,,N1,1"]) + "\n")
    with ScriptedApi() as api:
        done = shell.run(*load_words(api.url))
        assert (done.code, done.rows) == (3, {"read": 4, "created": 2, "invalid": 2})
        path = done.summary["files"]["rejects"]
        found = [(line["_record_no"], line["_line"], line["_message"]) for line in rejects(shell, path)]
        assert found == [
            ("3", "4", "its record, which begins with record 3, is invalid"),
            ("4", "5", '"x" is not a number'),
            ("5", "6", found[2][2]),
            ("6", "7", "has 4 cells, but the header has 5"),
            ("7", "8", "its record, which begins with record 6, is invalid"),
        ]
        assert "reminder_notice_id is required" in found[2][2]
        results = shell.results(done)
        assert [line["record_no"] for line in results] == ["1", "3", "6", "8"]
        place = "record 4, line 5: application_reminder_options.reminders[].id"
        assert f'{place}: "x" is not a number' in results[1]["message"]
        words = ["load", "runs.yaml", path, "--tenant", "acme", "--base-url", api.url, "--json"]
        unfixed = shell.run(*words)
        assert (unfixed.code, unfixed.rows) == (3, {"read": 2, "invalid": 2})
        text = (shell.folder / path).read_text(encoding="utf-8")
        fixed = (
            text.replace("N2,x,", "N2,2,")
            .replace("2,Two,,,3,", "2,Two,,N3,3,")
            .replace("N1,,inv", "N1,1,inv")
        )
        shell.write("mended.csv", fixed)
        words[2] = "mended.csv"
        again = shell.run(*words)
        assert (again.code, again.rows) == (0, {"read": 2, "created": 2})
        assert sent_items(api)["2"] == ["N1", "N2", "N3"]
        assert sent_items(api)["3"] == ["N1", "N2"]


def test_refused_groups_are_rejected_whole(shell: Shell) -> None:
    """The first row has the service's words, and the others that their record was refused."""
    shell.write("runs.yaml", GROUPED)
    shell.write("runs.csv", HEADER + "1,One,,N1,1\n1,One,,N2,2\n2,Two,,N1,1\n")
    with RememberingApi(fate=lambda key, _: 422 if key == "1" else "") as api:
        done = shell.run(*load_words(api.url))
    assert (done.code, done.rows) == (3, {"read": 2, "created": 1, "refused": 1})
    first, second = rejects(shell, done.summary["files"]["rejects"])
    assert "refers to nothing" in first["_message"]
    assert second["_message"] == "its record, which begins with record 1, is refused"


def test_parquet_groups(shell: Shell) -> None:
    """Typed keys group as well; a rejected group's rows keep their types."""
    shell.write("runs.yaml", GROUPED)
    frame = pl.DataFrame(
        {
            "Key": [7, 7, 8, 8, 7],
            "Name": ["A", "A", "B", "C", "A"],
            "Series": [None, None, None, None, None],
            "Notice": ["x", "y", "z", "z", "w"],
            "Nr": [1, 2, 1, 2, 3],
        },
        schema_overrides={"Series": pl.String},
    )
    frame.write_parquet(shell.folder / "runs.parquet")
    with ScriptedApi() as api:
        words = ["load", "runs.yaml", "runs.parquet", "--tenant", "acme", "--base-url", api.url, "--json"]
        done = shell.run(*words, "--batch-size", "1")
    assert (done.code, done.rows) == (3, {"read": 2, "created": 1, "invalid": 1})
    assert sent_items(api) == {"7": ["x", "y", "w"]}
    assert "are not one below the other" in done.err
    found = pl.read_parquet(shell.folder / done.summary["files"]["rejects"])
    assert found["Nr"].to_list() == [1, 2]
    assert found.schema["Key"] == pl.Int64()
    assert found["_record_no"].to_list() == [3, 4]


def test_doubtful_groups_are_reconciled_by_value(shell: Shell) -> None:
    """Where only a list by a field's value is offered, the bodies of doubtful records are made again."""
    write_groups(shell, 12)

    def only_by_value(_number: int, usual: Reply) -> Reply:
        return usual

    def lists(number: int, usual: Reply) -> Reply:
        path = api.looks[number - 1]
        return only_by_value(number, usual) if "recurring" in path else (404, {}, '{"message": "no"}')

    with RememberingApi(fate=lambda key, n: AFTER if key < "K00006" and n == 1 else "", look=lists) as api:
        done = shell.run(*load_words(api.url))
        assert (done.code, done.rows) == (0, {"read": 12, "created": 12})
        assert len(api.stored) == 12


def test_second_files_of_a_load(shell: Shell, tmp_path: Path) -> None:
    """Found beside the source and reported; a changed one is refused; the rejects load with it."""
    shell.write("runs.yaml", JOINED)
    data = tmp_path / "data"
    data.mkdir()
    (data / "runs.csv").write_text("Key,Name,Series\n1,One,\n2,Two,\n3,,\n", encoding="utf-8")
    second = data / "reminders.csv"
    second.write_text("Run,Notice,Nr\n2,b,1\n1,a,1\n2,c,2\n", encoding="utf-8")
    with ScriptedApi() as api:
        options = ["--tenant", "acme", "--base-url", api.url, "--json"]
        done = shell.run("load", "runs.yaml", data / "runs.csv", *options, "--limit", "2")
        assert f"reminders.csv: the second file is {second}; 3 rows kept in memory" in done.err
        assert (done.code, done.rows) == (0, {"read": 2, "created": 2})
        assert sent_items(api) == {"1": ["a"], "2": ["b", "c"]}
        text = second.read_text(encoding="utf-8")
        second.write_text(text.replace("c", "d"), encoding="utf-8")
        refused = shell.run("resume", done.summary["load_id"], "--limit", "3", "--json")
        assert refused.code == 2
        assert "as when the load started, but other content" in refused.err
        second.write_text(text + "1,x,9\n", encoding="utf-8")
        refused = shell.run("resume", done.summary["load_id"], "--limit", "3", "--json")
        assert "reminders.csv: has" in refused.err
        second.write_text(text, encoding="utf-8")
        more = shell.run("resume", done.summary["load_id"], "--limit", "3", "--json")
        assert (more.code, more.rows) == (3, {"read": 3, "created": 2, "invalid": 1})
        path = shell.folder / more.summary["files"]["rejects"]
        path.write_text(path.read_text(encoding="utf-8").replace("3,,", "2b,New,", 1), encoding="utf-8")
        again = shell.run("load", "runs.yaml", path, *options)
        assert (again.code, again.rows) == (0, {"read": 1, "created": 1})


def test_validate_and_preview_make_the_same_records(shell: Shell) -> None:
    """A dry run counts records and rejects whole groups; a preview shows them with their findings' places."""
    shell.write("runs.yaml", GROUPED)
    shell.write("runs.csv", HEADER + "1,One,,N1,1\n2,Two,,N1,1\n1,One,,N2,x\n")
    dry = shell.run("validate", "runs.yaml", "runs.csv", "--report", "out", "--json")
    assert (dry.code, dry.rows) == (3, {"read": 2, "valid": 1, "invalid": 1})
    assert [line["_record_no"] for line in rejects(shell, "out/rejects.csv")] == ["1", "3"]
    shown = shell.run("preview", "runs.csv", "-m", "runs.yaml", "--limit", "1")
    assert 'record 3, line 4: application_reminder_options.reminders[].id: "x" is not a number' in shown.out
    assert "record 2" not in shown.out


def test_files_without_order_and_doubtful_rows_send_nothing(shell: Shell, sandbox: RunningSandbox) -> None:
    """Where no record is known to be whole the load does not begin."""
    shell.write("runs.yaml", GROUPED)
    shell.write("runs.csv", HEADER + "1,One,,N1,1\n2,Two,,N1,1\n1,One,,N2,2\n,Lost,,N3,3\n")
    words = ["load", "runs.yaml", "runs.csv", "--tenant", "acme", "--base-url", sandbox.url]
    refused = shell.run(*words)
    assert refused.code == 2
    assert "record 4 has no Key, and the file is not sorted by Key" in refused.err
    assert not stored(sandbox.url)


def test_glued_exports_of_groups(shell: Shell) -> None:
    """A header that is repeated, even inside a group or in the second file, is no row of a record."""
    rows = ["K1,Run 1,S1,N1,1\n", "K1,Run 1,S1,N2,2\n", "K2,Run 2,S1,N3,1\n"]
    shell.write("runs.yaml", GROUPED)
    shell.write("runs.csv", HEADER + rows[0] + HEADER + rows[1] + HEADER + rows[2])
    with ScriptedApi() as api:
        done = shell.run(*load_words(api.url))
        assert (done.code, done.rows) == (0, {"read": 4, "created": 2, "filtered": 2})
        assert sent_items(api) == {"K1": ["N1", "N2"], "K2": ["N3"]}
    shell.write("runs.yaml", JOINED)
    shell.write("runs.csv", "Key,Name,Series\nK3,Run 3,S1\n")
    shell.write("reminders.csv", "Run,Notice,Nr\nK3,N1,1\nRun,Notice,Nr\nK3,N2,2\n")
    with ScriptedApi() as api:
        done = shell.run(*load_words(api.url))
        assert (done.code, sent_items(api)) == (0, {"K3": ["N1", "N2"]})


@pytest.mark.parametrize("batch", ["1", "2", "50"])
def test_ndjson_groups(shell: Shell, batch: str) -> None:
    """Lines group as rows do, whatever the batches; the rejects have the lines as they were written."""
    shell.write("runs.yaml", GROUPED)
    lines = [
        '{"Key": "1", "Name": "One", "Series": null, "Notice": "a", "Nr": 1}',
        '{"Key": "1", "Name": "One", "Notice": "b", "Nr": 2.50}',
        '{"Key": "2", "Name": "Two", "Notice": "c", "Nr": 1}',
        '{"Key": "2", "Name": "Zwo", "Notice": "d",  "Nr": 2}',
        '{"Key": "3", "Name": "Three", "Notice": "e", "Nr": 1}',
    ]
    shell.write("runs.ndjson", "\n".join(lines) + "\n")
    with ScriptedApi() as api:
        words = ["load", "runs.yaml", "runs.ndjson", "--tenant", "acme", "--base-url", api.url, "--json"]
        done = shell.run(*words, "--batch-size", batch, "--limit", "1")
        assert (done.code, done.rows) == (0, {"read": 1, "created": 1})
        done = shell.run("resume", done.summary["load_id"], "--limit", "9", "--json")
    assert (done.code, done.rows) == (3, {"read": 3, "created": 2, "invalid": 1})
    assert sent_items(api) == {"1": ["a", "b"], "3": ["e"]}
    written = (shell.folder / done.summary["files"]["rejects"]).read_text(encoding="utf-8").splitlines()
    assert [line.startswith(lines[at][:-1]) for line, at in zip(written, (2, 3), strict=True)] == [True, True]


def test_sheets_group(shell: Shell) -> None:
    """Rows of a workbook group as others do."""
    shell.write("runs.yaml", GROUPED)
    frame = pl.DataFrame(
        {"Key": ["1", "1", "2"], "Name": ["A", "A", "B"], "Notice": ["x", "y", "z"], "Nr": [1, 2, 1]}
    )
    frame = frame.with_columns(pl.lit("", pl.String).alias("Series"))
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [frame.columns, *frame.rows()]:
        sheet.append(list(row))
    book.save(shell.folder / "runs.xlsx")
    with ScriptedApi() as api:
        words = ["load", "runs.yaml", "runs.xlsx", "--tenant", "acme", "--base-url", api.url, "--json"]
        done = shell.run(*words, "--batch-size", "1")
    assert (done.code, done.rows) == (0, {"read": 2, "created": 2})
    assert sent_items(api) == {"1": ["x", "y"], "2": ["z"]}


def test_lookups_in_items(shell: Shell) -> None:
    """An item may hold the id of a record loaded before; while a key has none, its record waits."""
    shell.write(
        "runs.yaml",
        GROUPED.replace(
            "reminder_notice_id: Notice", "reminder_notice_id: {lookup: billing-run, column: Notice}"
        ),
    )
    shell.write("first.csv", HEADER + "N1,First,,,\n")
    shell.write("runs.csv", HEADER + "1,One,,N1,1\n1,One,,N2,2\n2,Two,,N1,1\n3,Three,,N9,x\n")
    with ScriptedApi() as api:
        words = ["load", "runs.yaml", "first.csv", "--tenant", "acme", "--base-url", api.url, "--json"]
        assert shell.run(*words).rows == {"read": 1, "created": 1}
        words[2] = "runs.csv"
        done = shell.run(*words)
        assert (done.code, done.rows) == (3, {"read": 3, "created": 1, "blocked": 1, "invalid": 1})
        assert sent_items(api)["2"] == ["id-1"]
        messages = [line["message"] for line in shell.results(done)]
        assert messages[0].startswith("record 2, line 3: ")
        assert 'has created the billing-run "N2"' in messages[0]
        assert "N9" in messages[2]
        assert '"x" is not a number' in messages[2]
        shell.write("second.csv", HEADER + "N2,Second,,,\n")
        words[2] = "second.csv"
        assert shell.run(*words).rows == {"read": 1, "created": 1}
        more = shell.run("resume", done.summary["load_id"], "--json")
        assert more.rows == {"read": 3, "created": 2, "invalid": 1}
        assert len(sent_items(api)["1"]) == 2


def test_check_knows_second_files(shell: Shell) -> None:
    """With a source, columns of second files are checked too; a file that is not there is an error."""
    shell.write("runs.yaml", JOINED.replace("Notice, id: Nr", "Notise, id: Nr"))
    shell.write("runs.csv", "Key,Name,Series\n1,One,\n")
    missing = shell.run("check", "runs.yaml", "runs.csv")
    assert missing.code == 2
    assert "reminders.csv" in missing.err + missing.out
    shell.write("reminders.csv", "Run,Notice,Nr\n1,a,1\n")
    wrong = shell.run("check", "runs.yaml", "runs.csv")
    assert wrong.code == 2
    assert "reminders.csv has no column 'Notise'" in wrong.err + wrong.out
    assert "did you mean 'Notice'" in wrong.err + wrong.out
    shell.write("runs.yaml", JOINED)
    assert shell.run("check", "runs.yaml", "runs.csv").code == 0


def test_examples_of_groups_are_run(shell: Shell) -> None:
    """An example gives the rows of a group, and rows of second files; differences are shown."""
    items = "{id: 1, reminder_notice_id: a}, {id: 2, reminder_notice_id: b}"
    reminders = f"application_reminder_options: {{reminders: [{items}]}}"
    example = f"""\
examples:
  - rows: [{{Key: "1", Name: A, Notice: a, Nr: 1}}, {{Key: "1", Name: A, Notice: b, Nr: 2}}]
    payload: {{{reminders}}}
  - rows: [{{Key: "1", Name: A, Notice: a, Nr: 1}}, {{Key: "1", Name: B, Notice: b, Nr: x}}]
    errors: [name, "application_reminder_options.reminders[].id"]
"""
    shell.write("runs.yaml", GROUPED + example)
    good = shell.run("check", "runs.yaml")
    assert good.code == 0, good.out + good.err
    assert "2 examples run" in good.out
    shell.write("runs.yaml", GROUPED + example.replace("id: 2", "id: 3"))
    bad = shell.run("check", "runs.yaml")
    assert bad.code == 2
    joined = f"""\
examples:
  - row: {{Key: "1", Name: A}}
    joined:
      reminders.csv: [{{Run: "1", Notice: a, Nr: 1}}, {{Run: "2", Notice: z}}, {{Run: "1", Notice: b, Nr: 2}}]
    payload: {{{reminders}}}
"""
    shell.write("runs.yaml", JOINED + joined)
    good = shell.run("check", "runs.yaml")
    assert good.code == 0, good.out + good.err
    shell.write("runs.yaml", JOINED + joined.replace("reminders.csv:", "remainders.csv:"))
    bad = shell.run("check", "runs.yaml")
    assert "no list uses rows of 'remainders.csv'" in bad.out + bad.err
