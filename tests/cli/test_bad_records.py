"""One bad record costs one record: what is in the rejects, and what becomes of it when it is fixed."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from tests.support.shell import MAPPING

if TYPE_CHECKING:
    from tests.support.shell import Ended, Shell

FAULTS = {
    b'K1,"open,C\n': (["K1", '"open', "C"], "row.unclosed_quote"),
    b'K2,"x" y,C\n': (["K2", '"x" y', "C"], "row.text_after_quote"),
    b"K3,b\xe9d,C\n": (["K3", "b\ufffdd", "C"], "row.bad_bytes"),
    b"K4,n\0l,C\n": (["K4", "n\0l", "C"], "row.nul_byte"),
    b"K5,short\n": (["K5", "short", ""], "row.too_few_cells"),
    b"K6,long,C,more,\n": (["K6", "long", "C"], "row.too_many_cells"),
    b'K7,"l1\nl2" x,C\n': (["K7", '"l1\nl2" x', "C"], "row.text_after_quote"),
}
FIXED = ("open", "xy", "bad", "nl", "short", "long", "l1\nl2")


def validated(shell: Shell, *words: str) -> Ended:
    """A dry run whose rejects go into the folder `report`."""
    return shell.run("validate", "runs.yaml", *words, "--report", "report", "--json")


def rejects(shell: Shell) -> list[list[str]]:
    """The lines of the rejects, the header too."""
    with (shell.folder / "report" / "rejects.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_each_costs_itself_only(shell: Shell) -> None:
    """Every good row between bad ones is valid; each bad one is listed with its cells, place and reason."""
    good = [b'G%d,"quo""ted",C\n' % number for number in range(len(FAULTS) + 1)]
    shell.write("runs.yaml", MAPPING)
    shell.write(
        "runs.csv",
        b"Key,Name,State\n" + b"".join(a + b for a, b in zip(good, [*FAULTS, b""], strict=True)),
    )
    done = validated(shell, "runs.csv", "-s", "encoding=utf-8")
    assert done.code == 3
    assert done.rows == {"read": 15, "valid": 8, "invalid": 7}
    header, *lines = rejects(shell)
    assert header == ["Key", "Name", "State", "_status", "_record_no", "_line", "_field", "_code", "_message"]
    for number, (line, (cells, code)) in enumerate(zip(lines, FAULTS.values(), strict=True), 1):
        assert line[:3] == cells
        assert line[3:6] == ["invalid", str(2 * number), str(2 * number + 1)]
        assert line[7] == code
    assert lines[5][9:] == ["more", ""]


def test_rejects_go_on_being_rejected_until_they_are_fixed(shell: Shell) -> None:
    """The rejects loaded as they are are rejected again; fixed, they are all valid."""
    shell.write("runs.yaml", MAPPING)
    shell.write("runs.csv", b"Key,Name,State\nG1,One,C\n" + b"".join(FAULTS) + b"G2,Two,C\n")
    validated(shell, "runs.csv", "-s", "encoding=utf-8")
    for name in ("again.csv", "and_again.csv"):
        shell.write(name, (shell.folder / "report" / "rejects.csv").read_bytes())
        assert validated(shell, name).rows == {"read": 7, "invalid": 7}
    header, *lines = rejects(shell)
    with (shell.folder / "fixed.csv").open("w", encoding="utf-8", newline="") as file:
        fixed = [[line[0], name, "C", *line[3:9]] for line, name in zip(lines, FIXED, strict=True)]
        csv.writer(file).writerows([header, *fixed])
    done = validated(shell, "fixed.csv")
    assert done.rows == {"read": 7, "valid": 7}, json.dumps(rejects(shell))
