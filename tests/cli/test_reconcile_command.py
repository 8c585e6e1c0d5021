"""`loader reconcile`: looking rows up, and taking a person's word for them."""

from __future__ import annotations

import getpass
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.remembering_api import AFTER, RememberingApi, load_words, no_lists

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.shell import Ended, Shell


@pytest.fixture
def api() -> Iterator[RememberingApi]:
    """A service without lists, which answers 500 for rows 2 and 3 when they come first, and stores them."""
    fates = {"K00002", "K00003"}
    with RememberingApi(lambda key, n: AFTER if key in fates and n == 1 else "", no_lists) as api:
        yield api


@pytest.fixture
def doubtful(shell: Shell, api: RememberingApi) -> str:
    """A load of four rows; 2 and 3 are in doubt."""
    shell.write_rows(4)
    done = shell.run(*load_words(api.url))
    assert (done.code, done.rows) == (4, {"read": 4, "created": 2, "in_doubt": 2})
    load_id: str = done.summary["load_id"]
    return load_id


def decisions(shell: Shell) -> list[tuple[int, str, str, str]]:
    """Row, verdict, user and time of each decision in the journal."""
    with closing(sqlite3.connect(shell.folder / ".loader" / "journal.db")) as connection:
        query = "SELECT seq, verdict, decided_by, decided_at FROM decision ORDER BY seq"
        return connection.execute(query).fetchall()


def states(shell: Shell, done: Ended) -> list[tuple[str, str]]:
    """Status and id of each line of results.csv."""
    return [(line["status"], line["id"]) for line in shell.results(done)]


def test_lookups_that_work_again(shell: Shell, api: RememberingApi, doubtful: str) -> None:
    """Rows that are found are created, in the journal and in results.csv; nothing is sent."""
    api.look = None
    done = shell.run("reconcile", doubtful[:20], "--reconcile-wait", "0", "--json")
    assert (done.code, done.rows) == (0, {"read": 4, "created": 4})
    assert {line["external_id"]: line["id"] for line in shell.results(done)} == api.ids()
    assert len(api.keys()) == 4
    assert done.next_words == ["status", doubtful]
    again = shell.run("reconcile", doubtful, "--json")
    assert (again.code, again.rows) == (0, done.rows)


def test_rows_that_are_not_there(shell: Shell, api: RememberingApi, doubtful: str) -> None:
    """Rows that are not found are pending; the next command sends them."""
    api.look = None
    api.stored = [item for item in api.stored if item["sys_external_id"] != "K00003"]
    done = shell.run("reconcile", doubtful, "--reconcile-wait", "0", "--json")
    assert (done.code, done.rows) == (5, {"read": 4, "created": 3, "pending": 1})
    assert done.next_words == ["resume", doubtful]
    resumed = shell.follow(done, "--json")
    assert (resumed.code, resumed.rows) == (0, {"read": 4, "created": 4})
    assert api.keys().count("K00003") == 2


def test_no_lookups(shell: Shell, doubtful: str) -> None:
    """Without lookups the rows stay in doubt, and the output has how to decide."""
    done = shell.run("reconcile", doubtful)
    assert done.code == 4
    assert "HTTP 404: no such path" in done.err
    assert f"loader reconcile {doubtful} --as created|unsent" in done.err


def test_as_created(shell: Shell, api: RememberingApi, doubtful: str) -> None:
    """All rows in doubt are created by a person's word, which is kept with user and time."""
    looks, before = len(api.looks), datetime.now(UTC).replace(microsecond=0)
    done = shell.run("reconcile", doubtful, "--as", "created", "--json")
    assert (done.code, done.rows) == (0, {"read": 4, "created": 4})
    assert [status for status, _ in states(shell, done)] == ["created"] * 4
    kept = decisions(shell)
    assert [item[:3] for item in kept] == [(seq, "created", getpass.getuser()) for seq in (1, 2)]
    assert all(before <= datetime.fromisoformat(item[3]) <= datetime.now(UTC) for item in kept)
    assert (len(api.looks), len(api.keys())) == (looks, 4)
    assert getpass.getuser() in shell.results(done)[1]["message"]


def test_as_unsent(shell: Shell, api: RememberingApi, doubtful: str) -> None:
    """Rows decided not to be stored are pending, and resume sends them."""
    done = shell.run("reconcile", doubtful, "--as", "unsent", "--json")
    assert (done.code, done.rows) == (5, {"read": 4, "created": 2, "pending": 2})
    assert [decision[1] for decision in decisions(shell)] == ["unsent", "unsent"]
    resumed = shell.follow(done, "--json")
    assert (resumed.code, resumed.rows) == (0, {"read": 4, "created": 4})
    assert len(api.keys()) == 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2\n3\n", [("created", ""), ("created", "")]),
        ("\ufeff2,abc-2\r\n\r\n 3 , abc-3 \r\n", [("created", "abc-2"), ("created", "abc-3")]),
        ("runs.csv:3,abc-3", [("in_doubt", ""), ("created", "abc-3")]),
        ("", [("in_doubt", ""), ("in_doubt", "")]),
    ],
)
def test_rows_of_a_file(shell: Shell, doubtful: str, text: str, expected: list[tuple[str, str]]) -> None:
    """Only the rows that are named are decided, with the ids that are given."""
    shell.write("rows.txt", text)
    done = shell.run("reconcile", doubtful, "--as", "created", "--rows", "rows.txt", "--json")
    assert states(shell, done)[1:3] == expected
    left = [status for status, _ in expected].count("in_doubt")
    assert (done.code, done.rows.get("in_doubt", 0)) == (4 if left else 0, left)
    assert len(decisions(shell)) == 2 - left


def test_ids_of_rows_that_were_not_stored(shell: Shell, doubtful: str) -> None:
    """An id given for a row that was not stored is not taken for its record's."""
    shell.write("rows.txt", "2,abc-2\n")
    done = shell.run("reconcile", doubtful, "--as", "unsent", "--rows", "rows.txt", "--json")
    assert states(shell, done)[1] == ("pending", "")


@pytest.mark.parametrize("text", ["3\n1\n", "3\n9\n", "3\nother.csv:2\n"])
def test_rows_that_are_not_in_doubt(shell: Shell, doubtful: str, text: str) -> None:
    """A row that is not in doubt is named, and nothing is decided."""
    shell.write("rows.txt", text)
    done = shell.run("reconcile", doubtful, "--as", "created", "--rows", "rows.txt", "--json")
    number = text.split()[1].rpartition(":")[2]
    assert (done.code, done.out) == (2, "")
    assert f", record {number}: not in doubt in load {doubtful}" in done.err
    assert decisions(shell) == []


@pytest.mark.parametrize("line", ["x", "-2", "2.0", "2;abc", ",abc", "runs.csv:", "²"])
def test_lines_that_name_no_row(shell: Shell, doubtful: str, line: str) -> None:
    """A line of another form is shown with its place, and nothing is decided."""
    shell.write("rows.txt", f"3\n{line}\n")
    done = shell.run("reconcile", doubtful, "--as", "created", "--rows", "rows.txt")
    assert done.code == 2
    assert "rows.txt, line 2" in done.err
    assert decisions(shell) == []


def test_rows_of_several_files(shell: Shell, api: RememberingApi) -> None:
    """With several files a row is named with its file."""
    shell.write_rows(2)
    shell.write_rows(2, "more.csv", first=3)
    words = load_words(api.url)
    words.insert(words.index("runs.csv"), "more.csv")
    load_id = shell.run(*words).summary["load_id"]
    shell.write("rows.txt", "2\n")
    wrong = shell.run("reconcile", load_id, "--as", "created", "--rows", "rows.txt")
    assert wrong.code == 2
    assert "FILE:RECORD_NO" in wrong.err
    shell.write("rows.txt", "runs.csv:2,a\nmore.csv:1,b\n")
    done = shell.run("reconcile", load_id, "--as", "created", "--rows", "rows.txt", "--json")
    assert (done.code, done.rows) == (0, {"read": 4, "created": 4})
    result = {line["external_id"]: line["id"] for line in shell.results(done)}
    assert (result["K00002"], result["K00003"]) == ("a", "b")


@pytest.mark.parametrize("words", [[], ["--as", "created"]])
def test_unknown_loads(shell: Shell, doubtful: str, words: list[str]) -> None:
    """A load that is not there is an error of usage, also where there is no journal."""
    assert shell.run("reconcile", "2020", *words).code == 2
    assert shell.run("reconcile", doubtful, "--home", "elsewhere", *words).code == 2
    assert not (shell.folder / "elsewhere").exists()


def test_wrong_usage(shell: Shell, doubtful: str) -> None:
    """Rows without a verdict, a file that is not there, another tenant: exit code 2, nothing decided."""
    shell.write("rows.txt", "2\n")
    for words in (
        ["--rows", "rows.txt"],
        ["--as", "created", "--rows", "missing.txt"],
        ["--as", "stored"],
        ["--as", "created", "--tenant", "other"],
        ["--tenant", "other"],
    ):
        done = shell.run("reconcile", doubtful, *words)
        assert (done.code, done.out) == (2, ""), words
        assert "next: loader" in done.err
    assert decisions(shell) == []
