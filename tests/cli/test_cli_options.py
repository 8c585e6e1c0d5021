"""Options from the command line, the environment and loader.toml; and what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from loader.cli import cli
from loader.settings import RunSettings
from tests.support.scripted_api import ScriptedApi, always, created
from tests.support.shell import TOKEN, Ended

if TYPE_CHECKING:
    from tests.support.scripted_api import Asked
    from tests.support.shell import Shell


def load(shell: Shell, *more: str) -> Ended:
    """Loads runs.csv; tenant and base URL come from elsewhere."""
    return shell.run("load", "runs.yaml", "runs.csv", "--json", *more)


def test_command_line_then_environment_then_file(shell: Shell) -> None:
    """The command line wins over the environment, that over loader.toml, a target over its top."""
    shell.write_rows(2)
    with ScriptedApi() as api:
        shell.write(
            "loader.toml",
            f'tenant = "top"\nbase-url = "{api.url}"\nconcurrency = 3\nrate = "500/s"\nmax_errors = 7\n'
            '[test]\ntenant = "section"\nhome = "kept"\n[targets.other]\ntenant = "dotted"\n',
        )
        assert load(shell).summary["tenant"] == "top"
        done = load(shell, "--target", "test")
        assert done.summary["tenant"] == "section"
        assert done.summary["files"]["results"].startswith("kept/")
        assert load(shell, "--target", "other").summary["tenant"] == "dotted"
        shell.env["LOADER_TARGET"] = "test"
        assert load(shell).summary["tenant"] == "section"
        shell.env["LOADER_TENANT"] = "environment"
        assert load(shell).summary["tenant"] == "environment"
        assert load(shell, "--tenant", "line").summary["tenant"] == "line"
        assert {call.path.rpartition("/")[2] for call in api.asked} == {
            *("top", "section", "dotted", "environment", "line")
        }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tennant = 'x'\n", ["tennant", "did you mean tenant"]),
        ("[prod]\nbase_urll = 'x'\n", ["[prod] ", "base_url"]),
        ("token = 'hush-hush'\n", ["secrets do not belong", "LOADER_TOKEN"]),
        ("[prod]\nclient_secret = 'hush-hush'\n", ["secrets do not belong"]),
        ("target = 'prod'\n", ["no section [prod]"]),
        ("targets = 5\n", ["targets"]),
        ("tenant = \n", ["cannot be read"]),
        ("concurrency = 0\n", ["0", "1<=x<=1024"]),
        ("concurrency = 'many'\n", ["many"]),
        ("rate = 'fast'\n", ["--rate", "50/s"]),
        ("rate = '0/s'\n", ["--rate"]),
        ("max-errors = '200%'\n", ["--max-errors"]),
        ("tenant = 'a/b'\n", ["--tenant"]),
        ("home = 5\n", ["home", "folder", "found 5"]),
        ("[prod]\napproved = ['a']\n", ["[prod] approved", "folder", "found ['a']"]),
        ("base-url = 'ftp://127.0.0.1'\n", ["--base-url", "http"]),
    ],
)
def test_wrong_configuration(shell: Shell, text: str, words: list[str]) -> None:
    """What is wrong in loader.toml is named, secrets are refused and not shown."""
    shell.write_rows(1)
    shell.write("loader.toml", text)
    done = load(shell, *([] if "tenant" in text else ["--tenant", "acme"]))
    assert done.code == 2
    assert "Traceback" not in done.err
    assert "hush-hush" not in done.err
    for word in words:
        assert word in done.err


def test_options_of_a_run_are_the_settings() -> None:
    """Each setting has an option with the model's default and range, and no other option sets one."""
    options = {
        option.name: option for option in cli.commands["resume"].params if isinstance(option, click.Option)
    }
    assert set(RunSettings.model_fields) <= options.keys()
    assert options.keys() - set(RunSettings.model_fields) == {"target", "home", "as_json"}
    assert "[default: 16]" in str(options["concurrency"].help)
    concurrency, wait = options["concurrency"].type, options["reconcile_wait"].type
    assert isinstance(concurrency, click.IntRange)
    assert (concurrency.min, concurrency.max, concurrency.min_open) == (1, 1024, False)
    assert isinstance(wait, click.FloatRange)
    assert (wait.min, wait.max, wait.min_open) == (0, None, False)
    patience = options["give_up_after"].type
    assert isinstance(patience, click.FloatRange)
    assert (patience.min, patience.min_open) == (0, True)


@pytest.mark.parametrize("name", ["demo", "resume", "sandbox", "schema"])
def test_a_help_line_fits_a_terminal(name: str) -> None:
    """In a window of 80 columns, the help of an option is one line."""
    context = click.Context(cli.commands[name], info_name=name, terminal_width=80)
    options = cli.commands[name].get_help(context).partition("Options:\n")[2].partition("\n\n")[0]
    lines = [line for line in options.splitlines() if "--retry-after / --no-retry-after" not in line]
    assert len(lines) == len(cli.commands[name].get_params(context)) - _arguments(name)
    assert max(map(len, lines)) <= 80


def _arguments(name: str) -> int:
    """How many parameters of a command are no options."""
    return sum(isinstance(parameter, click.Argument) for parameter in cli.commands[name].params)


def test_every_sending_option_has_a_variable(shell: Shell) -> None:
    """Each option of load and resume, but for -s, can be set by a variable named like it."""
    for name in ("load", "resume"):
        for option in cli.commands[name].params:
            if isinstance(option, click.Option) and option.opts[-1] != "-s":
                long = max(option.opts, key=len)
                assert option.envvar == "LOADER_" + long.removeprefix("--").replace("-", "_").upper()
    shell.write_rows(4)
    with ScriptedApi() as api:
        shell.env |= {"LOADER_BASE_URL": api.url, "LOADER_TENANT": "acme", "LOADER_LIMIT": "3"}
        shell.env |= {"LOADER_JSON": "1", "LOADER_HOME": "elsewhere"}
        done = shell.run("load", "runs.yaml", "runs.csv")
        assert done.rows == {"read": 3, "created": 3}
        assert (shell.folder / "elsewhere" / "journal.db").exists()
        assert shell.follow(done).code == 0


def test_every_command_and_option_has_help() -> None:
    """No command and no option is without a help text."""
    for name, command in cli.commands.items():
        assert command.help, name
        for option in command.params:
            if isinstance(option, click.Option) and option.opts[-1] != "--help":
                assert option.help, (name, option.opts)


def test_token_is_shown_nowhere(shell: Shell) -> None:
    """After a load that ended, a 401 and a fault, no file and no output has the token."""
    shell.write_rows(30)
    shell.env |= {"LOADER_TENANT": "acme"}

    def echoing(asked: Asked) -> tuple[int, dict[str, str], str]:
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"
        if asked.number % 3 == 0:
            return always(400, f"your token {TOKEN} is fine, the row is not")(asked)
        return created(asked)

    runs = []
    with ScriptedApi(echoing) as api:
        runs.append(load(shell, "--base-url", api.url))
    with ScriptedApi(always(401, f"bad token {TOKEN}")) as api:
        shell.write_rows(5, first=100)
        runs.append(load(shell, "--base-url", api.url))
    shell.env["LOADER_TOKEN"] = TOKEN + "\nX: y"
    runs.append(load(shell, "--base-url", "http://127.0.0.1:1"))
    assert [done.code for done in runs] == [3, 5, 2]
    for done in runs:
        assert TOKEN not in done.out + done.err
    for path, content in shell.texts():
        assert TOKEN.encode() not in content, path


def test_source_options_override_the_mapping(shell: Shell) -> None:
    """-s wins over the mapping's section, and the next command repeats it."""
    shell.write_rows(1)
    shell.write("runs.csv", "a title\nKey|Name|State\nK1|'One|Two'|C\nK2||C\n")
    shell.env |= {"LOADER_TENANT": "acme"}
    words = ["-s", "delimiter=|", "-s", "quote='", "-s", "skip_lines=1", "-s", "null_values=,NULL"]
    with ScriptedApi() as api:
        done = load(shell, *words, "--base-url", api.url)
        assert (done.code, done.rows) == (3, {"read": 2, "created": 1, "invalid": 1})
        assert api.asked[0].body["name"] == "One|Two"
        again = shell.follow(done, "--json")
        assert (again.code, again.rows) == (3, {"read": 1, "invalid": 1})
    for wrong, word in (("colour=red", "colour"), ("delimiter", "KEY=VALUE"), ("skip_lines=x", "skip_lines")):
        refused = load(shell, "-s", wrong)
        assert refused.code == 2
        # The hint lists all keys and the next command has the option again: the error itself must name it.
        error = next(line for line in refused.err.splitlines() if line.lower().startswith("error"))
        assert word in error


def test_limit_reads_the_first_rows_only(shell: Shell) -> None:
    """--limit N is the first N rows; resume with a larger one goes on behind them."""
    shell.write_rows(50)
    shell.env |= {"LOADER_TENANT": "acme"}
    with ScriptedApi() as api:
        done = load(shell, "--base-url", api.url, "--limit", "7", "--batch-size", "3")
        assert (done.code, done.rows) == (0, {"read": 7, "created": 7})
        more = shell.run("resume", done.summary["load_id"], "--limit", "20", "--json")
        assert (more.code, more.rows) == (0, {"read": 20, "created": 20})
        assert sorted(api.keys()) == [f"K{number:05d}" for number in range(1, 21)]


def test_resume_keeps_the_settings_of_the_load(shell: Shell) -> None:
    """What the environment and loader.toml have by now does not move a load that started elsewhere."""
    shell.write_rows(10)
    with ScriptedApi(always(403)) as first, ScriptedApi() as other:
        stopped = load(shell, "--tenant", "acme", "--base-url", first.url)
        assert stopped.code == 5
        shell.write("loader.toml", f'tenant = "other"\nbase_url = "{other.url}"\n')
        shell.env |= {"LOADER_TENANT": "third", "LOADER_LIMIT": "2"}
        first.answers = created
        done = shell.follow(stopped, "--json")
        assert (done.code, done.rows) == (0, {"read": 10, "created": 10})
        assert other.asked == []
        assert {call.path for call in first.asked} == {"/billingRuns/acme"}


def test_rate_is_a_ceiling(shell: Shell) -> None:
    """In no second does the service see more than --rate allows."""
    shell.write_rows(45)
    shell.env |= {"LOADER_TENANT": "acme"}
    with ScriptedApi() as api:
        assert load(shell, "--base-url", api.url, "--rate", "1800/min").code == 0
    times = sorted(call.at for call in api.asked)
    # 45 requests at 30 a second take 1.5 s; a busy machine may see the first one late
    assert times[-1] - times[0] >= 1.2
    assert sum(time <= times[0] + 0.5 for time in times) <= 25


@pytest.mark.parametrize(
    ("limit", "code", "finished"), [("4", 5, False), ("5", 3, True), ("4%", 5, False), ("5%", 3, True)]
)
def test_max_errors(shell: Shell, limit: str, code: int, *, finished: bool) -> None:
    """More wrong rows than --max-errors stop the load; as many do not. A share counts from 100 rows on."""
    shell.write_rows(100)
    text = (shell.folder / "runs.csv").read_text()
    for number in (10, 30, 50, 70, 90):
        text = text.replace(f"Run {number},", ",")
    shell.write("runs.csv", text)
    shell.env |= {"LOADER_TENANT": "acme"}
    with ScriptedApi() as api:
        done = load(shell, "--base-url", api.url, "--max-errors", limit, "--batch-size", "20")
    assert done.code == code
    assert done.summary["state"] == ("finished" if finished else "stopped")
    assert done.rows["invalid"] == 5
    assert ("--max-errors" in done.err) is not finished


def test_several_files_and_globs_are_one_load(shell: Shell) -> None:
    """Files and globs are one load in the order given; record numbers count in each file."""
    shell.write_rows(3, "b1.csv", first=1)
    shell.write_rows(2, "b2.csv", first=11)
    shell.write_rows(2, "a.csv", first=21)
    shell.env |= {"LOADER_TENANT": "acme"}
    with ScriptedApi() as api:
        done = shell.run("load", "runs.yaml", "b*.csv", "a.csv", "--json", "--base-url", api.url)
    assert (done.code, done.rows) == (0, {"read": 7, "created": 7})
    assert [(line["source_file"], line["record_no"]) for line in shell.results(done)] == [
        *(("b1.csv", "1"), ("b1.csv", "2"), ("b1.csv", "3"), ("b2.csv", "1"), ("b2.csv", "2")),
        *(("a.csv", "1"), ("a.csv", "2")),
    ]


def test_second_load_sends_only_what_is_new(shell: Shell) -> None:
    """Rows that an earlier load created are not sent again; changed ones are reported as changed."""
    source = shell.write_rows(5)
    shell.env |= {"LOADER_TENANT": "acme"}
    with ScriptedApi() as api:
        first = load(shell, "--base-url", api.url)
        again = load(shell, "--base-url", api.url)
        assert (again.code, again.rows) == (0, {"read": 5, "already_loaded": 5})
        assert again.summary["requests"]["sent"] == 0
        assert [line["id"] for line in shell.results(again)] == [line["id"] for line in shell.results(first)]
        source.write_text(source.read_text().replace("Run 3", "Run three") + "K00006,Run 6,C\n")
        tried = shell.run("validate", "runs.yaml", "runs.csv", "--json")
        assert (tried.code, tried.rows) == (0, {"read": 6, "valid": 1, "already_loaded": 5})
        third = load(shell, "--base-url", api.url)
        assert (third.code, third.rows) == (0, {"read": 6, "created": 1, "already_loaded": 5})
        assert len(api.asked) == 6
        shell.env["LOADER_TENANT"] = "other"
        assert load(shell, "--base-url", api.url).rows == {"read": 6, "created": 6}
    changed = [line for line in shell.results(third) if line["code"] == "changed.payload"]
    assert [line["external_id"] for line in changed] == ["K00003"]


def test_external_id_twice_in_a_load(shell: Shell) -> None:
    """The second row with an external id is invalid and names the first, also in another file."""
    shell.write_rows(3, "a.csv")
    shell.write_rows(1, "b.csv", first=2)
    shell.env |= {"LOADER_TENANT": "acme"}
    with ScriptedApi() as api:
        done = shell.run("load", "runs.yaml", "a.csv", "b.csv", "--json", "--base-url", api.url)
        assert (done.code, done.rows) == (3, {"read": 4, "created": 3, "invalid": 1})
    line = shell.results(done)[3]
    assert line["code"] == "external_id.duplicate"
    assert 'external id "K00002" is already used in a.csv, record 2' in line["message"]
