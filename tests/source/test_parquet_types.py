"""Parquet's types on their way through a mapping into the payload, and into `rejects.parquet`."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from loader.errors import MappingError, SourceError
from loader.findings import Finding
from loader.mapping import compile_mapping, parse_mapping
from loader.payload import build
from loader.records import CORE, LINE, PROBLEM, RECORD_NO, REJECT_COLUMNS, Status
from loader.report import Rejected, RejectsWriter
from loader.resources import BUILT_IN
from loader.settings import SourceOptions
from loader.source import open_source
from tests.source.source_cases import opened, read

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = Rejected(Status.REFUSED, (Finding("answer.refused", params={"status": 422}),))
MAPPING = """\
resource: billing-run
fields:
  name: {value: n}
  status: {value: draft}
  application_expiration_options.expiration_date_range_start: {value: "2019-01-01"}
  application_expiration_options.expiration_date_range_end: {value: "2019-12-31"}
  training_provider_billing_options: {invoice_template_id: {value: a}, payment_terms_id: {value: b}}
"""


def written(folder: Path, values: list[Any], dtype: Any) -> Path:
    """Write a Parquet file with a column C of such values."""
    path = folder / "in.parquet"
    pl.DataFrame({"C": pl.Series(values, dtype=dtype)}).write_parquet(path)
    return path


def sent(path: Path, field: str, rule: str = "C") -> list[Any]:
    """Return a field's payload for each row; "invalid" for rows that are."""
    source = open_source([str(path)], SourceOptions())
    mapping = parse_mapping(f"{MAPPING}  {field}: {rule}\n", "m.yaml", BUILT_IN)
    compiled = compile_mapping(mapping, source.files[0].schema)
    found: list[Any] = []
    for batch in source.batches(2):
        for core in build(batch.rows, compiled).rows[CORE]:
            payload = None if core is None else json.loads(core)
            found.append("invalid" if payload is None else _at(payload, field))
    return found


def _at(payload: Any, field: str) -> Any:
    for name in field.split("."):
        payload = (payload or {}).get(name)
    return payload


def rejected(path: Path) -> pl.DataFrame:
    """Return all rows of a file as `rejects.parquet` has them."""
    source = open_source([str(path)], SourceOptions())
    with RejectsWriter(path.parent / "out", source.files) as writer:
        for batch in source.batches(2):
            writer.add(batch, dict.fromkeys(batch.rows[RECORD_NO], REFUSED))
        out = writer.close()
    assert out is not None
    again = open_source([str(out)], SourceOptions())
    assert again.files[0].schema == source.files[0].schema
    assert read(again).cells == read(source).cells
    return pl.read_parquet(out).drop(REJECT_COLUMNS)


NOON = datetime(2024, 7, 1, 12, 0, 0, 123456)  # noqa: DTZ001 - a time without a zone is what is meant
ANY = "renewal_forecasting_options.x"  # a field that the page does not list takes any type
CASES = [
    ("text", ["007", None], pl.String, ANY, ["007", None]),
    ("int8", [7, -1], pl.Int8, ANY, [7, -1]),
    ("uint64", [2**64 - 1], pl.UInt64, ANY, [2**64 - 1]),
    ("int128", [10**30], pl.Int128, ANY, [10**30]),
    ("float", [7.0, 0.1, 1e300], pl.Float64, ANY, [7, 0.1, 1e300]),
    ("decimal", [Decimal("7.00"), Decimal("-0.10")], pl.Decimal(10, 2), ANY, [7, -0.1]),
    ("flag", [True, False, None], pl.Boolean, "activate_applications", [True, False, None]),
    ("date", [date(2024, 2, 29), None], pl.Date, "run_date", ["2024-02-29", None]),
    ("time", [time(13, 14)], pl.Time, ANY, ["13:14:00"]),
    ("local ms", [NOON.replace(microsecond=123000)], pl.Datetime("ms"), ANY, ["2024-07-01T12:00:00.123Z"]),
    ("local us", [NOON], pl.Datetime("us"), ANY, ["2024-07-01T12:00:00.123456Z"]),
    ("local ns", [NOON], pl.Datetime("ns"), ANY, ["2024-07-01T12:00:00.123456Z"]),
    ("utc", [NOON.replace(tzinfo=UTC)], pl.Datetime("us", "UTC"), ANY, ["2024-07-01T12:00:00.123456Z"]),
    (
        "zone",
        [datetime(2024, 7, 1, 10, tzinfo=UTC)],
        pl.Datetime("ms", "Europe/Berlin"),
        ANY,
        ["2024-07-01T10:00:00Z"],
    ),
    ("categories", ["draft", None, "draft"], pl.Categorical, ANY, ["draft", None, "draft"]),
    ("enum", ["x", "y"], pl.Enum(["x", "y"]), ANY, ["x", "y"]),
    ("nothing", [None, None], pl.Null, ANY, [None, None]),
    ("all null", [None, None], pl.Int64, ANY, [None, None]),
    ("list", [["a", None, "b"], [], None], pl.List(pl.String), ANY, [["a", "b"], None, None]),
    ("array", [[1, 2], None], pl.Array(pl.Int64, 2), ANY, [[1, 2], None]),
    (
        "struct",
        [{"a": 1, "b": None}, {"a": None, "b": None}, None],
        pl.Struct({"a": pl.Int64, "b": pl.String}),
        ANY,
        [{"a": 1}, None, None],
    ),
    (
        "list of structs",
        [[{"d": date(2024, 1, 1), "n": Decimal("1.50")}], []],
        pl.List(pl.Struct({"d": pl.Date, "n": pl.Decimal(10, 2)})),
        ANY,
        [[{"d": "2024-01-01", "n": 1.5}], []],
    ),
    (
        "deep",
        [{"l": [[{"x": "é"}]]}],
        pl.Struct({"l": pl.List(pl.List(pl.Struct({"x": pl.Categorical})))}),
        ANY,
        [{"l": [[{"x": "é"}]]}],
    ),
]


@pytest.mark.parametrize(
    ("values", "dtype", "field", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_into_the_payload_and_into_the_rejects(
    tmp_path: Path, values: list[Any], dtype: Any, field: str, expected: list[Any]
) -> None:
    """A typed cell is sent as what it is, and comes back in the rejects with its type."""
    path = written(tmp_path, values, dtype)
    assert sent(path, field) == expected
    source = open_source([str(path)], SourceOptions())
    assert_frame_equal(
        rejected(path), pl.concat(batch.rows.drop(RECORD_NO, LINE, PROBLEM) for batch in source.batches(9))
    )


def test_structs_fill_fields_of_objects(tmp_path: Path) -> None:
    """A column of objects can be a part of the payload, checked by the API's own rules."""
    reminders = [[{"reminder_notice_id": "R1", "name": None}], [{"reminder_notice_id": None, "name": "x"}]]
    dtype = pl.List(pl.Struct({"reminder_notice_id": pl.String, "name": pl.String}))
    path = written(
        tmp_path, [{"reminders": reminder} for reminder in reminders], pl.Struct({"reminders": dtype})
    )
    assert sent(path, "application_reminder_options") == [
        {"reminders": [{"reminder_notice_id": "R1"}]},
        "invalid",
    ]


def test_local_times_take_the_zone_that_the_mapping_names(tmp_path: Path) -> None:
    """A time without a zone is of the zone that the mapping names; one with a zone keeps its moment."""
    path = written(tmp_path, [NOON.replace(microsecond=0)], pl.Datetime("ms"))
    rule = "{column: C, datetime: '%Y-%m-%d %H:%M', timezone: Europe/Berlin}"
    assert sent(path, ANY, rule) == ["2024-07-01T10:00:00Z"]
    path = written(tmp_path, [datetime(2024, 7, 1, 12, tzinfo=UTC)], pl.Datetime("ns", "America/New_York"))
    assert sent(path, ANY, rule) == ["2024-07-01T12:00:00Z"]


@pytest.mark.parametrize(("values", "dtype"), [([b"x"], pl.Binary), ([timedelta(1)], pl.Duration("us"))])
def test_types_that_no_payload_can_hold(tmp_path: Path, values: list[Any], dtype: Any) -> None:
    """A column of bytes or durations is an error of the mapping that reads it, and of no other."""
    path = written(tmp_path, values, dtype)
    with pytest.raises(MappingError, match="which no payload can hold"):
        sent(path, ANY)
    assert sent(path, ANY, "{value: 1}") == [1]
    assert rejected(path)["C"].to_list() == values


def test_large_texts(tmp_path: Path) -> None:
    """A text of some megabytes is sent whole."""
    assert sent(written(tmp_path, ["ä" * 3_000_000], pl.String), ANY) == ["ä" * 3_000_000]


def test_a_file_without_rows(tmp_path: Path) -> None:
    """No rows, no batches, no error."""
    path = written(tmp_path, [], pl.String)
    source = open_source([str(path)], SourceOptions())
    assert list(source.batches(10)) == []
    assert source.total_hint() == 0


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    """A file that names two columns alike is refused."""
    pl.DataFrame({"aa": [1], "ab": [2]}).write_parquet(tmp_path / "x.parquet", use_pyarrow=False)
    content = (tmp_path / "x.parquet").read_bytes().replace(b"ab", b"aa")
    with pytest.raises(SourceError, match="aa"):
        opened(tmp_path, content, "t.parquet")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut(tmp_path: Path, share: float) -> None:
    """A file without its end is refused when it is opened."""
    path = written(tmp_path, [f"text {number}" for number in range(5000)], pl.String)
    content = path.read_bytes()
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        opened(tmp_path, content[: int(len(content) * share)], "t.parquet")


def test_a_file_with_bad_bytes_inside(tmp_path: Path) -> None:
    """Damage behind a complete footer ends the load as lost, without a traceback; nothing is made up."""
    path = written(tmp_path, [f"text {number}" for number in range(5000)], pl.String)
    content = bytearray(path.read_bytes())
    content[100:400] = b"\xff" * 300
    source = opened(tmp_path, bytes(content), "t.parquet")
    with pytest.raises(Exception, match=r"t\.parquet") as caught:
        list(source.batches(1000))
    assert caught.value.__class__.__name__ == "SourceLost"


def test_packed_parquet(tmp_path: Path) -> None:
    """Parquet inside of gzip is refused with what to do: it is compressed already."""
    path = written(tmp_path, [1], pl.Int64)
    with pytest.raises(SourceError, match="is gzip around Parquet") as caught:
        opened(tmp_path, gzip.compress(path.read_bytes()), "t.parquet.gz")
    assert caught.value.next_step == "Decompress it first."
    with pytest.raises(SourceError, match="is gzip around Parquet"):
        opened(tmp_path, gzip.compress(path.read_bytes()), "t.data.gz")
