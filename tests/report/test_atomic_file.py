"""Files that appear complete or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import polars as pl
import pytest

from loader.atomic_file import AtomicFile
from loader.errors import Stopped
from loader.report.atomic import replacing, write_errors
from loader.report.folder import files_of, make_folder


def test_a_file_appears_when_it_is_published(tmp_path: Path) -> None:
    """Under its name, for its owner only, and with nothing beside it."""
    path = tmp_path / "new" / "a.txt"
    draft = AtomicFile(path)
    draft.file.write(b"text")
    assert not path.exists()
    draft.publish()
    draft.discard()
    assert path.read_bytes() == b"text"
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_name_that_is_known_at_the_end(tmp_path: Path) -> None:
    """Such as one that depends on the content."""
    draft = AtomicFile(tmp_path / "a.txt")
    draft.publish(tmp_path / "b.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_may_not_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    """Also where the file system has no hard links."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = tmp_path / "a.txt"
    AtomicFile(path).publish(overwrite=False)
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        AtomicFile(path).publish(overwrite=False)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_that_links_do_not_explain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised, and the draft goes."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    with pytest.raises(OSError, match="broken"):
        AtomicFile(tmp_path / "a.txt").publish(overwrite=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a bug"), Stopped("no")])
def test_a_block_that_raises_leaves_what_was(tmp_path: Path, error: BaseException) -> None:
    """Whatever it raises."""
    path = tmp_path / "a.txt"
    with replacing(path) as file:
        file.write(b"old")

    def write() -> None:
        with replacing(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(type(error)):
        write()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), pl.exceptions.ComputeError("No space left")]
)
def test_errors_name_the_file(error: Exception) -> None:
    """Those of the file system and those of Polars."""
    with (
        pytest.raises(Stopped, match=r"a\.txt: cannot be written: No space left") as caught,
        write_errors(Path("a.txt")),
    ):
        raise error
    assert "Make room" in (caught.value.next_step or "")


def test_the_files_of_a_folder(tmp_path: Path) -> None:
    """Those for people that exist, by what they are."""
    folder = tmp_path / "loads" / "x"
    make_folder(folder)
    assert files_of(folder) == {}
    for name in ("results.csv", "rejects.ndjson", "report.html", "summary.json"):
        (folder / name).touch()
    assert files_of(folder) == {
        "results": str(folder / "results.csv"),
        "rejects": str(folder / "rejects.ndjson"),
        "report": str(folder / "report.html"),
    }
