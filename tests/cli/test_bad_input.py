"""What is wrong with a call, a file, a mapping or a service is reported: where, what, and what next."""

from __future__ import annotations

import gzip
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.scripted_api import ScriptedApi, always
from tests.support.shell import MAPPING, Ended, stats

if TYPE_CHECKING:
    from pathlib import Path

    from loader.sandbox import RunningSandbox
    from tests.support.shell import Shell

PARTS = ("load", "runs.yaml", "runs.csv", "--tenant", "acme", "--json")


def load(shell: Shell, url: str, *more: str) -> Ended:
    """Loads runs.csv into acme."""
    return shell.run(*PARTS, "--base-url", url, *more)


def refused(shell: Shell, *words: str | Path) -> str:
    """Runs a command that must end with 2 before anything is sent; gives its messages."""
    with ScriptedApi() as api:
        more = ["--base-url", api.url] if words[0] in {"load", "resume"} else []
        done = shell.run(*words, *more)
        assert api.asked == []
    assert done.code == 2
    assert done.out == ""
    assert "Traceback" not in done.err
    assert done.next_words
    return done.err


# --- The source ------------------------------------------------------------------------------------------


def test_missing_column(shell: Shell) -> None:
    """A column that the mapping names and the file lacks is named, with the nearest one."""
    shell.write_rows(2)
    shell.write("runs.csv", "Key,Nam,State\nK1,One,C\n")
    output = refused(shell, *PARTS)
    assert "Name" in output
    assert "Nam" in output
    assert "runs.yaml" in output


def test_empty_file(shell: Shell) -> None:
    """An empty file is no source."""
    shell.write_rows(1)
    shell.write("runs.csv", "")
    assert "runs.csv: " in refused(shell, *PARTS)


def test_file_with_a_header_only(shell: Shell, sandbox: RunningSandbox) -> None:
    """A header without rows is a load of no rows."""
    shell.write_rows(0)
    done = load(shell, sandbox.url)
    assert (done.code, done.rows) == (0, {})


def test_file_without_header(shell: Shell) -> None:
    """Without a header the columns of the mapping are missing: the first row's cells are named."""
    shell.write_rows(1)
    shell.write("runs.csv", "K1,One,C\nK2,Two,C\n")
    output = refused(shell, *PARTS)
    assert "Key" in output
    assert "K1" in output


@pytest.mark.parametrize("content", [b"", b"PAR1 cut off", b"Key,Name\n"])
def test_unreadable_parquet(shell: Shell, content: bytes) -> None:
    """What is named .parquet and is none is refused as such."""
    shell.write_rows(1)
    shell.write("runs.parquet", content)
    output = refused(shell, "load", "runs.yaml", "runs.parquet", "--tenant", "acme")
    assert "runs.parquet" in output


def test_wrong_encoding(shell: Shell, sandbox: RunningSandbox) -> None:
    """A file that is not of the encoding that was given sends no row with broken text."""
    shell.write_rows(1)
    shell.write("runs.csv", "Key,Name,State\nK1,Jörg,C\nK2,Two,C\n".encode("cp1252"))
    done = load(shell, sandbox.url, "-s", "encoding=utf-8")
    assert done.code in {2, 3}
    assert "Traceback" not in done.err
    assert "utf-8" in done.err.lower()
    if done.code == 3:
        assert done.rows == {"read": 2, "created": 1, "invalid": 1}


def test_unknown_encoding(shell: Shell) -> None:
    """An encoding that does not exist is named."""
    shell.write_rows(1)
    assert "cp12522" in refused(shell, *PARTS, "-s", "encoding=cp12522")


def test_ragged_rows(shell: Shell, sandbox: RunningSandbox) -> None:
    """Rows with too many or too few cells are invalid, the others are loaded."""
    shell.write_rows(1)
    shell.write("runs.csv", "Key,Name,State\nK1,One,C\nK2,Two\nK3,Three,C,D\nK4,Four,C\n")
    done = load(shell, sandbox.url)
    assert (done.code, done.rows) == (3, {"read": 4, "created": 2, "invalid": 2})
    lines = shell.results(done)
    assert "has 2 cells, but the header has 3" in lines[1]["message"]
    assert "has 4 cells, but the header has 3" in lines[2]["message"]
    assert "fewer cells than columns  (record 2)" in done.err
    assert "more cells than columns  (record 3)" in done.err


def test_cell_of_a_megabyte(shell: Shell, sandbox: RunningSandbox) -> None:
    """A cell of 1 MB is sent, and refused by the service's own limit; the rows around it are created."""
    shell.write_rows(1)
    shell.write("runs.csv", f"Key,Name,State\nK1,One,C\nK2,{'x' * 1024 * 1024},C\nK3,Three,C\n")
    done = load(shell, sandbox.url)
    assert (done.code, done.rows) == (3, {"read": 3, "created": 2, "refused": 1})
    assert shell.results(done)[1]["http_status"] == "413"
    assert len(done.err) < 5000


def test_missing_source(shell: Shell) -> None:
    """A file that is not there, and a glob that matches nothing, are named."""
    shell.write_rows(1)
    assert "away.csv: there is no such file" in refused(
        shell, "load", "runs.yaml", "away.csv", "--tenant", "acme"
    )
    assert "no*.csv: no file matches" in refused(shell, "load", "runs.yaml", "no*.csv", "--tenant", "acme")
    assert "is a folder" in refused(shell, "load", "runs.yaml", ".", "--tenant", "acme")


def test_cut_gzip_before_the_first_row(shell: Shell) -> None:
    """A .gz that is cut off in its first bytes is refused."""
    shell.write_rows(1)
    shell.write("runs.csv.gz", gzip.compress(b"Key,Name,State\nK1,One,C\n")[:15])
    assert "runs.csv.gz" in refused(shell, "load", "runs.yaml", "runs.csv.gz", "--tenant", "acme")


def test_cut_gzip_in_the_middle(shell: Shell, sandbox: RunningSandbox) -> None:
    """A .gz that breaks off far behind the first rows: those before it count, the load is stopped."""
    shell.write_rows(1)
    dice = "".join(f"K{number:05d},Run {number * 7919 % 10007},C\n" for number in range(1, 20_001))
    packed = gzip.compress(("Key,Name,State\nK0,,C\n" + dice).encode())
    shell.write("runs.csv.gz", packed[: len(packed) * 2 // 3])
    words = ("runs.yaml", "runs.csv.gz", "--json")
    tried = shell.run("validate", *words)
    assert tried.code in {2, 5}
    done = shell.run("load", *words, "--tenant", "acme", "--base-url", sandbox.url, "--batch-size", "100")
    assert done.code in {2, 5}
    assert "Traceback" not in tried.err + done.err
    assert "runs.csv.gz" in done.err
    if done.code == 5:
        assert done.summary["state"] == "stopped"
        assert done.rows["created"] == stats(sandbox.url)["stored"]["billing-run"]
        assert done.rows.get("in_doubt", 0) == 0
        assert shell.follow(done, "--json").code == 5


# --- The mapping -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MAPPING + "  nmae: Name\n", ["nmae", "name"]),
        (MAPPING + "  perform_drops: {value: perhaps}\n", ["perform_drops", "perhaps"]),
        (
            MAPPING + "  application_activation_options.program_restriction: {value: inclde}\n",
            ["inclde", "include"],
        ),
        ("resource: billing-rum\nfields: {name: Name}\n", ["billing-rum", "billing-run"]),
        ("fields: [\n", ["runs.yaml"]),
        ("", ["runs.yaml"]),
        ("just words", ["runs.yaml"]),
    ],
)
def test_wrong_mapping(shell: Shell, text: str, words: list[str]) -> None:
    """An unknown field, a wrong constant, no YAML: reported before any row is read, by load and validate."""
    shell.write_rows(1)
    shell.write("runs.yaml", text)
    for output in (refused(shell, *PARTS), refused(shell, "validate", "runs.yaml", "runs.csv")):
        for word in words:
            assert word in output


def test_all_errors_of_a_mapping_at_once(shell: Shell) -> None:
    """Every error of a mapping is reported at once."""
    shell.write_rows(1)
    shell.write("runs.yaml", MAPPING + "  nmae: Name\n  run_dat: Name\n  perform_drops: {value: perhaps}\n")
    output = refused(shell, *PARTS)
    assert all(word in output for word in ("nmae", "run_dat", "perhaps"))


def test_unreadable_mapping(shell: Shell) -> None:
    """A mapping that is missing, a folder, or not UTF-8 is named."""
    shell.write_rows(1)
    assert "away.yaml: the mapping cannot be read" in refused(
        shell, "load", "away.yaml", "runs.csv", "--tenant", "acme"
    )
    assert "the mapping cannot be read" in refused(shell, "load", ".", "runs.csv", "--tenant", "acme")
    shell.write("runs.yaml", MAPPING.replace("INV-STD", "Größe").encode("cp1252"))
    assert "not UTF-8" in refused(shell, *PARTS)


# --- The service -----------------------------------------------------------------------------------------


def test_no_server(shell: Shell) -> None:
    """A server that is not there: stopped, every row pending, and resume loads them once it is."""
    shell.write_rows(40)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        done = load(shell, url, "--give-up-after", "0.3")
    assert (done.code, done.rows) == (5, {"read": 40, "pending": 40})
    assert "no request succeeded for 0.3 s" in done.err
    with ScriptedApi() as api:
        resumed = shell.follow(done, "--base-url", api.url, "--json")
        assert (resumed.code, resumed.rows) == (0, {"read": 40, "created": 40})
        assert len(api.keys()) == len(set(api.keys())) == 40


@pytest.mark.parametrize(
    ("status", "word"), [(401, "LOADER_TOKEN"), (403, "403"), (404, "acme"), (405, "405")]
)
def test_answers_that_stop_a_load(shell: Shell, status: int, word: str) -> None:
    """401, 403, 404 and 405 stop the load: no row is burnt, all can be sent later."""
    shell.write_rows(60)
    with ScriptedApi(always(status, "not you")) as api:
        done = load(shell, api.url)
        assert (done.code, done.rows) == (5, {"read": 60, "pending": 60})
        assert len(api.asked) <= 32
        assert word in done.err
        assert "Traceback" not in done.err
    with ScriptedApi() as api:
        resumed = shell.follow(done, "--base-url", api.url, "--json")
        assert (resumed.code, resumed.rows) == (0, {"read": 60, "created": 60})


def test_another_tenant(shell: Shell, sandbox: RunningSandbox) -> None:
    """A tenant that the service does not know stops the load."""
    shell.write_rows(5)
    done = shell.run(
        "load", "runs.yaml", "runs.csv", "--tenant", "acmee", "--base-url", sandbox.url, "--json"
    )
    assert (done.code, done.rows) == (5, {"read": 5, "pending": 5})
    assert "acmee" in done.err


def test_the_same_refusal_from_the_start(shell: Shell) -> None:
    """When the first rows are all refused with the same words, the rest stays pending."""
    shell.write_rows(200)
    with ScriptedApi(always(400, "payment_terms_id is closed")) as api:
        done = load(shell, api.url)
        assert done.code == 5
        assert done.rows["refused"] == len(api.asked) < 100
    assert "all refused for the same reason" in done.err
    assert "payment_terms_id is closed" in done.err


# --- The token -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "", "  ", "two words", "line\nbreak", "ümlaut"])
def test_bad_token(shell: Shell, token: str | None) -> None:
    """No token, or one that no service gives out, is refused without being shown."""
    shell.write_rows(1)
    shell.env = {} if token is None else {"LOADER_TOKEN": token}
    output = refused(shell, *PARTS)
    assert "LOADER_TOKEN" in output
    assert not (token and token.strip()) or token not in output


def test_token_file(shell: Shell, sandbox: RunningSandbox) -> None:
    """LOADER_TOKEN_FILE names a file with the token; one that is missing is named."""
    shell.write_rows(1)
    shell.env = {"LOADER_TOKEN_FILE": "token.txt"}
    assert "token.txt" in refused(shell, *PARTS)
    shell.write("token.txt", "from-a-file\n")
    assert load(shell, sandbox.url).code == 0


def test_plain_http_to_another_machine(shell: Shell) -> None:
    """A token never goes over plain HTTP to another machine: refused before anything is opened."""
    shell.write_rows(1)
    done = shell.run(*PARTS, "--base-url", "http://api.example.org")
    assert done.code == 2
    assert "plain HTTP" in done.err
    assert not (shell.folder / ".loader").exists()


# --- Home, and loads -------------------------------------------------------------------------------------


def test_home_that_cannot_be_written(shell: Shell) -> None:
    """A home where nobody, not even root, can write is named."""
    shell.write_rows(1)
    assert "/proc/loader" in refused(shell, *PARTS, "--home", "/proc/loader")


def test_home_on_a_file(shell: Shell) -> None:
    """A home that is a file, or below one, is named."""
    shell.write_rows(1)
    assert "runs.csv" in refused(shell, *PARTS, "--home", "runs.csv/home")
    assert "runs.csv" in refused(shell, *PARTS, "--home", "runs.csv")


def test_home_whose_loads_are_a_file(shell: Shell) -> None:
    """Where the files of a load cannot go, nothing is sent."""
    shell.write_rows(1)
    (shell.folder / ".loader").mkdir()
    shell.write(".loader/loads", "not a folder")
    assert ".loader/loads" in refused(shell, *PARTS)


def test_home_with_a_journal_that_is_none(shell: Shell) -> None:
    """A journal that is no journal is named and left as it is."""
    shell.write_rows(1)
    (shell.folder / ".loader").mkdir()
    path = shell.write(".loader/journal.db", "x" * 5000)
    assert "journal.db" in refused(shell, *PARTS)
    assert path.read_text() == "x" * 5000


def test_unknown_load(shell: Shell, sandbox: RunningSandbox) -> None:
    """An id that no load has leads to the list of loads; no journal is made by asking."""
    shell.write_rows(1)
    assert "there is no journal" in refused(shell, "resume", "2026")
    assert "there is no journal" in refused(shell, "status")
    assert not (shell.folder / ".loader").exists()
    load(shell, sandbox.url)
    for command in ("resume", "status"):
        done = shell.run(command, "1999")
        assert done.code == 2
        assert "1999" in done.err
        assert done.next_words == ["status"]


def test_resume_of_a_finished_load(shell: Shell) -> None:
    """A finished load is not touched: resume says so, sends nothing and ends by its rows."""
    shell.write_rows(3)
    shell.write("runs.csv", "Key,Name,State\nK1,One,C\nK2,,C\n")
    with ScriptedApi() as api:
        done = load(shell, api.url)
        assert done.code == 3
        (shell.folder / "runs.csv").unlink()
        again = shell.run("resume", done.summary["load_id"], "--json")
        assert len(api.asked) == 1
    assert (again.code, again.summary) == (3, done.summary)
    assert "is finished: nothing is left to send" in again.err


def _stopped(shell: Shell) -> Ended:
    with ScriptedApi(always(403)) as api:
        done = load(shell, api.url)
    assert (done.code, done.rows) == (5, {"read": 10, "pending": 10})
    return done


def test_resume_with_a_changed_source(shell: Shell) -> None:
    """A source that is not what it was is refused, and the difference named."""
    source = shell.write_rows(10)
    load_id = _stopped(shell).summary["load_id"]
    before = source.read_text()
    source.write_text(before + "K00011,Run 11,C\n")
    assert "bytes" in refused(shell, "resume", load_id)
    source.write_text(before.replace("Run 7", "Run 8"))
    assert "SHA-256" in refused(shell, "resume", load_id)
    source.unlink()
    assert "runs.csv: there is no such file" in refused(shell, "resume", load_id)
    source.write_text(before)
    with ScriptedApi() as api:
        done = shell.run("resume", load_id, "--base-url", api.url, "--json")
    assert (done.code, done.rows) == (0, {"read": 10, "created": 10})


def test_resume_uses_the_mapping_of_the_beginning(shell: Shell) -> None:
    """A mapping that was edited, or removed, since changes nothing for a load that has started."""
    shell.write_rows(10)
    load_id = _stopped(shell).summary["load_id"]
    (shell.folder / "runs.yaml").unlink()
    with ScriptedApi() as api:
        done = shell.run("resume", load_id, "--base-url", api.url, "--json")
        assert (done.code, done.rows) == (0, {"read": 10, "created": 10})
        terms = {item.body["training_provider_billing_options"]["payment_terms_id"] for item in api.asked}
    assert terms == {"NET30"}


def test_resume_tells_that_the_mapping_has_changed(shell: Shell) -> None:
    """It names the first line that differs, and goes on with the mapping as it was."""
    shell.write_rows(10)
    load_id = _stopped(shell).summary["load_id"]
    mapping = shell.folder / "runs.yaml"
    mapping.write_text(mapping.read_text().replace("NET30", "NET99"))
    with ScriptedApi() as api:
        done = shell.run("resume", load_id, "--base-url", api.url, "--json")
        terms = {item.body["training_provider_billing_options"]["payment_terms_id"] for item in api.asked}
    assert (done.code, terms) == (0, {"NET30"})
    assert "runs.yaml has changed since the load started, from line 9 on" in done.err


def test_resume_from_another_folder(shell: Shell) -> None:
    """The load knows where its sources are, whatever folder it is resumed from."""
    shell.write_rows(10)
    load_id = _stopped(shell).summary["load_id"]
    home = shell.folder / ".loader"
    shell.folder = shell.folder.parent
    with ScriptedApi() as api:
        done = shell.run("resume", load_id, "--base-url", api.url, "--home", home, "--json")
    assert (done.code, done.rows) == (0, {"read": 10, "created": 10})
    assert done.next_words == ["status", load_id, "--home", str(home)]


def test_resume_into_another_tenant(shell: Shell) -> None:
    """A load stays in its tenant."""
    shell.write_rows(10)
    load_id = _stopped(shell).summary["load_id"]
    assert "tenant acme" in refused(shell, "resume", load_id, "--tenant", "other")
