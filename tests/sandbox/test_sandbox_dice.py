"""Faults as they are set, on the command line and while the sandbox runs, and the dice that bring them."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from loader.cli import run as run_loader
from loader.errors import ConfigurationError
from loader.sandbox import SandboxSettings
from loader.sandbox.faults import KINDS, Faults, check_faults, parse_faults, source_row
from tests.sandbox.bodies import client_of, paths, run, sandbox_client

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PATH = "/billingRuns/acme"
MIXED = {"500": 0.2, "503": 0.1, "drop-before": 0.1, "cut": 0.1, "garbage": 0.1}


def faults(chances: Mapping[str, object], seed: int = 0) -> Faults:
    """Return faults with a clock that does not move."""
    return Faults(chances, seed, lambda: 0.0)


def body(number: int, load: str = "L1") -> bytes:
    """The body of a row of a load."""
    mark = {"sys_bulk_load_id": load, "sys_bulk_load_record_no": number, "sys_bulk_load_source_file": "a.csv"}
    return json.dumps({"name": load, **mark}).encode()


def thrown(dice: Faults, numbers: Iterable[int], load: str = "L1") -> dict[int, object]:
    """Number of a row -> the fault that it meets; None: none."""
    return {number: dice.for_write(PATH, body(number, load)) for number in numbers}


def test_one_seed_brings_the_same_faults_in_any_order() -> None:
    """Rows meet the same ones in another order and under another load id, and others with another seed."""
    forth, back = range(400), list(range(400))
    random.Random(1).shuffle(back)
    expected = thrown(faults(MIXED, 7), forth)
    assert thrown(faults(MIXED, 7), back, "L2") == expected
    assert thrown(faults(MIXED, 8), forth) != expected


def test_each_attempt_throws_anew() -> None:
    """A row that met a fault may go through the next time; its attempts are its own."""
    dice, other = faults({"cut": 0.5}, 3), faults({"cut": 0.5}, 3)
    alone = [dice.for_write(PATH, body(1)) for _ in range(40)]
    among = []
    for _ in range(40):
        other.for_write(PATH, body(2))
        among.append(other.for_write(PATH, body(1)))
    assert alone == among
    assert 8 < sum(1 for fault in alone if fault) < 32


def test_a_body_without_a_row_is_known_by_its_content() -> None:
    """Its text is what counts, but for what each processing of it writes anew; other texts throw anew."""
    bodies = [{"name": name, "sys_bulk_load_at": "10:00"} for name in map(str, range(200))]
    later = [{**item, "sys_bulk_load_at": "11:00"} for item in bodies]
    dice, again = faults(MIXED), faults(MIXED)
    first = [dice.for_write(PATH, json.dumps(item).encode()) for item in bodies]
    assert [again.for_write(PATH, json.dumps(item).encode()) for item in later] == first
    assert 60 < sum(1 for fault in first if fault) < 160
    broken = [faults({"500": 0.5}).for_write(PATH, bytes([number]) * 9) for number in range(100)]
    assert 20 < sum(1 for fault in broken if fault) < 80


def test_probabilities_are_what_was_asked_for() -> None:
    """Alone each kind comes as often as it is set; of several that fall together each has its share."""
    dice = faults({"cut": 0.06})
    assert 480 <= sum(1 for fault in thrown(dice, range(10_000)).values() if fault) <= 720
    both = thrown(faults({"cut": 1, "empty": 1}), range(1000)).values()
    assert 400 < sum(1 for fault in both if getattr(fault, "form", "") == "cut") < 600


def test_reads_throw_for_what_they_ask_and_each_time_anew() -> None:
    """Refusals come one at a time; one that a read cannot meet leaves the others as they are."""
    dice, again = faults({"lookups-off": 0.5, "list-off": 0.5}, 5), faults({"lookups-off": 0.5}, 5)
    whole = [dice.for_read("all", whole=True, later_page=False)[0] for _ in range(100)]
    assert set(whole) == {None, "lookups-off", "list-off"}
    part = [dice.for_read("one", whole=False, later_page=False)[0] for _ in range(100)]
    assert part == [again.for_read("one", whole=False, later_page=False)[0] for _ in range(100)]
    assert set(part) == {None, "lookups-off"}


def test_a_burst_leaves_the_dice_of_others_alone() -> None:
    """A row that another's burst caught meets at its next attempt what it would have met without."""
    dice = faults({"429": 0.05, "cut": 0.4}, 2)
    calm = thrown(faults({"429": 0.05, "cut": 0.4}, 2), range(1))
    number = next(
        item for item in range(1, 999) if getattr(dice.for_write(PATH, body(item)), "form", "") == "429"
    )
    assert number
    for _ in range(9):
        assert getattr(dice.for_write(PATH, body(0)), "form", "") == "429"
    assert thrown(dice, range(1)) == calm


def test_a_burst_is_over_after_a_second() -> None:
    """However few requests came in it; before that, a row that would go through does not."""
    seconds = [5.0]
    calm = thrown(faults({"429-silent": 0.05}), range(200))
    hit = next(number for number, fault in calm.items() if fault)
    through = [number for number, fault in calm.items() if not fault][:3]
    dice = Faults({"429-silent": 0.05}, 0, lambda: seconds[0])
    for number in (hit, through[0]):
        fault = dice.for_write(PATH, body(number))
        assert (fault and fault.form, fault and fault.retry_after) == ("429", False)
    seconds[0] = 6.0
    assert thrown(dice, through) == dict.fromkeys(through)


def test_a_row_number_may_be_written_as_a_float() -> None:
    """1 and 1.0 are one row; a body may hold any number that JSON can."""
    sources = [
        source_row({"sys_bulk_load_record_no": number}) for number in (1, 1.0, 1.5, 10**400, "1", None)
    ]
    assert sources[0] == sources[1]
    assert sources[2] == "[null, 1.5]"
    assert sources[3] == f"[null, {10**400}]"
    assert sources[4:] == [None, None]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"500-afterwards": 0.1}, "unknown kind '500-afterwards'"),
        ({"cut": 1.5}, "cut: expected a probability from 0 to 1, found 1.5"),
        ({"cut": -0.1}, "found -0.1"),
        ({"cut": float("nan")}, "found nan"),
        ({"cut": "0.1"}, "found 0.1"),
        ({"cut": True}, "found True"),
        ({"cut": None}, "found None"),
    ],
)
def test_faults_that_cannot_be_are_refused(wrong: dict[str, Any], message: str) -> None:
    """The message says what was found, and names every kind there is."""
    with pytest.raises(ConfigurationError) as refused:
        SandboxSettings(faults=wrong)
    assert message in refused.value.message
    assert ", ".join(KINDS) in refused.value.message


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_seconds_that_cannot_be_are_refused(seconds: float) -> None:
    """The message names the setting."""
    with pytest.raises(ConfigurationError, match="fault slow: expected seconds"):
        SandboxSettings(fault_slow=seconds)
    with pytest.raises(ConfigurationError, match="fault lag: expected seconds"):
        SandboxSettings(fault_lag=seconds)


def test_faults_on_the_command_line() -> None:
    """KIND:PROBABILITY, as often as one likes."""
    assert parse_faults(["500-after:0.1", "429:1", "lag:0"]) == {"500-after": 0.1, "429": 1, "lag": 0}
    assert parse_faults([]) == {}
    assert check_faults(dict.fromkeys(KINDS, 0.5)) == dict.fromkeys(KINDS, 0.5)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["cut"], "expected KIND:PROBABILITY, found 'cut'"),
        (["cut:often"], "found often"),
        (["cut:"], "expected a probability"),
        (["cutt:0.1"], "unknown kind 'cutt'"),
        (["cut:0.1", "cut:0.2"], "cut is given twice"),
    ],
)
def test_faults_that_are_misspelt_are_refused(
    texts: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program ends with 2 and shows the reason."""
    options = [part for text in texts for part in ("--fault", text)]
    assert run_loader(["sandbox", "--port", "0", *options]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_the_help_lists_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """`loader sandbox --help` names all of them, and no other in their list."""
    assert run_loader(["sandbox", "--help"]) == 0
    listed = capsys.readouterr().out.partition("Kinds of faults\n")[2].partition("\n\n")[0]
    named = [line[4:].partition("  ")[0].split(", ") for line in listed.splitlines()]
    assert sorted(kind for kinds in named for kind in kinds if kind) == sorted(KINDS)


def test_the_command_takes_its_faults() -> None:
    """Options reach the sandbox that it starts."""
    options = ["--fault", "empty:1", "--fault", "lag:0.5", "--fault-seed", "7", "--fault-lag", "0.1"]
    program = [sys.executable, "-m", "loader", "sandbox", "--port", "0", *options, "--fault-slow", "1"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        with client_of(process.stdout.readline().strip()) as client:
            assert client.get("/_faults").json() == {"empty": 1, "lag": 0.5}
            assert client.post(PATH, json=run()).content == b""
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def test_faults_change_while_it_runs() -> None:
    """PUT replaces all of them for the requests that follow; GET shows what is set; neither needs a token."""
    with sandbox_client(SandboxSettings(faults={"500-before": 1})) as client:
        assert client.get("/_faults", headers={"Authorization": ""}).json() == {"500-before": 1}
        assert client.post(PATH, json=run()).status_code == 500
        answer = client.put("/_faults", json={"garbage": 1}, headers={"Authorization": ""})
        assert (answer.status_code, answer.json()) == (200, {"garbage": 1})
        assert client.get("/_faults").json() == {"garbage": 1}
        assert client.post(PATH, json=run()).text.startswith("<!doctype")
        assert client.put("/_faults", json={}).json() == {}
        assert client.post(PATH, json=run()).json()["id"]


def test_faults_that_cannot_be_are_not_set() -> None:
    """A wrong PUT is refused with what is wrong, and changes nothing."""
    with sandbox_client(SandboxSettings(faults={"500-before": 1})) as client:
        for content in (b"", b"[]", b"{", b'{"cut": 2}', b'{"cut": 0.5, "cutt": 0.5}', b'{"cut": NaN}'):
            answer = client.put("/_faults", content=content)
            assert (answer.status_code, paths(answer)) == (400, {})
        assert "expected one of 500, 500-before" in client.put("/_faults", json={"x": 1}).json()["message"]
        assert client.get("/_faults").json() == {"500-before": 1}
        answer = client.post("/_faults", json={})
        assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD", "PUT"})
        for method in ("GET", "PUT"):
            answer = client.request(method, "/_faults", json={}, headers={"Host": "attacker.example"})
            assert answer.status_code == 403
        assert client.get("/_faults").json() == {"500-before": 1}


def outcome(client: httpx.Client, number: int) -> str:
    """What a row came back with."""
    mark = {"sys_bulk_load_record_no": number, "sys_bulk_load_source_file": "a.csv"}
    try:
        answer = client.post(PATH, json=run(**mark))
    except httpx.RemoteProtocolError as error:
        return str(error)[:20]
    return f"{answer.status_code} {answer.headers.get('retry-after')} {answer.text[:6]}"


def test_two_sandboxes_with_one_seed_answer_alike() -> None:
    """Over many connections, in another order, each row meets the same; the figures are the same too."""
    settings = SandboxSettings(faults=MIXED, fault_seed=11)
    numbers = range(200)
    with sandbox_client(settings) as client:
        one_by_one = [outcome(client, number) for number in numbers]
        first = client.get("/stats").json()
    with sandbox_client(settings) as client, ThreadPoolExecutor(8) as pool:
        at_once = list(pool.map(lambda number: outcome(client, number), reversed(numbers)))
        second = client.get("/stats").json()
    assert at_once[::-1] == one_by_one
    assert second == first
    assert set(first["faults"]) == set(MIXED)
