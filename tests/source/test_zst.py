"""`.zst` is read like `.gz`: recognized by its bytes, read to its end, damage reported."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from backports import zstd

from loader.errors import SourceError
from tests.source.source_cases import opened, read, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

ROWS = b"a,b\n" + b"".join(b"%d,text %d\n" % (number, number * 7919) for number in range(20_000))
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"


@pytest.mark.parametrize("name", ["rows.csv.zst", "rows.csv", "rows"])
def test_known_by_its_bytes(tmp_path: Path, name: str) -> None:
    """Whatever its name, a compressed file is decompressed; that is reported."""
    source = opened(tmp_path, zstd.compress(ROWS), name)
    assert len(read(source).cells) == 20_000
    assert source.files[0].notes[0].startswith("detected: zstd, ")
    assert source.files[0].size == len(zstd.compress(ROWS))


def test_several_frames(tmp_path: Path) -> None:
    """Frames behind one another are one content, frames to be skipped are skipped."""
    half = len(ROWS) // 2
    content = SKIPPABLE + zstd.compress(ROWS[:half]) + SKIPPABLE + zstd.compress(ROWS[half:])
    assert read_bytes(tmp_path, content).cells == read_bytes(tmp_path, ROWS).cells


def test_positions_are_those_of_the_content(tmp_path: Path) -> None:
    """Offsets count the unpacked bytes; reading goes on from any of them."""
    packed, plain = opened(tmp_path, zstd.compress(ROWS), "a.csv.zst"), opened(tmp_path, ROWS)
    for ours, theirs in zip(packed.batches(3000), plain.batches(3000), strict=True):
        assert (ours.start, ours.end) == (theirs.start, theirs.end)
        assert read(packed, start=ours.end).cells == read(plain, start=ours.end).cells


def damaged(content: bytes, how: str) -> bytes:
    """A packed content that is not whole."""
    if how == "cut":
        return content[:-1]
    if how == "half":
        return content[: len(content) // 2]
    if how == "flipped":
        return content[:1000] + bytes([content[1000] ^ 0xFF]) + content[1001:]
    return content + b"and more"


@pytest.mark.parametrize("how", ["cut", "half", "flipped", "more"])
@pytest.mark.parametrize("name", ["rows.csv.zst", "rows.ndjson.zst"])
def test_damage_is_found_when_it_is_opened(tmp_path: Path, how: str, name: str) -> None:
    """A packed file is read to its end before a row is sent."""
    rows = ROWS if ".csv" in name else b"".join(b'{"a":%d}\n' % (number * 7919) for number in range(20_000))
    checked: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
    with pytest.raises(SourceError, match="the zstd data is damaged or cut short") as caught:
        opened(tmp_path, damaged(zstd.compress(rows, options=checked), how), name)
    assert str(caught.value.next_step).endswith("`zstd -t` checks it.")


def test_names_that_do_not_fit(tmp_path: Path) -> None:
    """A name that says another packing, or one where there is none, is refused."""
    with pytest.raises(SourceError, match=r"is named \.zst but is not zstd"):
        opened(tmp_path, ROWS, "rows.csv.zst")
    with pytest.raises(SourceError, match=r"is named \.gz but is not gzip") as caught:
        opened(tmp_path, zstd.compress(ROWS), "rows.csv.gz")
    assert caught.value.next_step == "It is zstd: rename it."
    with pytest.raises(SourceError, match=r"is named \.zst but is not zstd"):
        opened(tmp_path, gzip.compress(ROWS), "rows.csv.zst")
