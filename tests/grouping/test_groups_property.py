"""Records of several rows: read in any batches and from any batch on, as an oracle makes them."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loader.errors import SourceError
from loader.grouping import source as groups
from loader.manifest import KeptGroups, Manifest
from loader.pipeline.rows import open_inputs
from loader.pipeline.rows.transform import Transformer
from loader.records import GROUP, PARENT, RECORD_NO, Position, SendableRow, Status
from loader.resources import BUILT_IN
from loader.settings import RunSettings
from tests.support.groups_oracle import Made, Row, ScatteredError, records_of

if TYPE_CHECKING:
    from loader.identity import Row as TransformedRow
    from loader.pipeline.rows import Inputs
    from loader.records import Batch

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "60"))
"""How many files each test draws; set the variable to try more."""

MAPPING = """\
resource: billing-run
external_id: K
group_by: K
where: "COALESCE(W, '') <> 'x'"
source: {delimiter: ";", encoding: utf-8}
fields:
  name: Name
  status: {value: draft}
  application_expiration_options.expiration_date_range_start: {value: "2019-01-01"}
  application_expiration_options.expiration_date_range_end: {value: "2019-12-31"}
  training_provider_billing_options: {invoice_template_id: {value: a}, payment_terms_id: {value: b}}
  application_reminder_options.reminders:
    each: {reminder_notice_id: {column: Notice, map: {a: n-a, b: n-b}}}
"""
many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
keys = st.sampled_from(["1", "1", "2", "3", " 3 ", "4", "5", ""])
a_row = st.builds(
    Row,
    key=keys,
    name=st.sampled_from(["N", "N", "N", "N", "", "M"]),
    where=st.sampled_from(["", "", "", "x"]),
    notice=st.sampled_from(["a", "a", "b", "", "z"]),
    fault=st.sampled_from(["", "", "", "", "", "", "", "", "short", "bytes"]),
)
good_row = st.builds(
    Row,
    key=st.sampled_from(["1", "2", "3", "4", "5", "6"]),
    where=st.sampled_from(["", "", "", "x"]),
    notice=st.sampled_from(["a", "b", ""]),
)
odd_row = st.builds(
    Row,
    key=st.sampled_from(["1", "2", "3", ""]),
    where=st.sampled_from(["", "x"]),
    notice=st.sampled_from(["a", ""]),
    fault=st.sampled_from(["", "", "", "short", "bytes"]),
)


def by_key(rows: list[Row]) -> list[Row]:
    """Sort rows by key; rows without one stay where they are, between others."""
    keyed = iter(sorted((row for row in rows if row.known), key=lambda row: row.known))
    return [next(keyed) if row.known else row for row in rows]


tables = st.one_of(
    st.lists(a_row, min_size=1, max_size=16).map(by_key),
    st.lists(odd_row, min_size=1, max_size=12).map(by_key),
    st.lists(good_row, min_size=1, max_size=16),
    st.lists(a_row, min_size=1, max_size=8),
)


def opened(folder: str, rows: list[Row]) -> Inputs:
    """Write the rows to a file, and open it with the mapping that the oracle is for."""
    path = Path(folder) / "rows.csv"
    path.write_bytes(b"K;Name;W;Notice\n" + b"".join(row.line() for row in rows))
    return open_inputs(MAPPING, "m.yaml", [str(path)], {}, types=BUILT_IN)


def transformed(inputs: Inputs, batches: list[Batch]) -> list[TransformedRow]:
    """Return what batches become."""
    transformer = Transformer(inputs.mapping, load_id="L", tenant="acme")
    return [row for batch in batches for row in transformer.transform(batch).rows]


def as_oracle(row: TransformedRow) -> tuple[int, str, list[str] | None]:
    """Return a transformed row as the oracle has it."""
    if not isinstance(row, SendableRow):
        return row.record_no, {Status.FILTERED: "filtered"}.get(row.status, row.status.value), None
    body: dict[str, Any] = json.loads(row.body)
    reminders = body["application_reminder_options"]["reminders"]
    return row.record_no, "ready", [reminder["reminder_notice_id"] for reminder in reminders]


def expected(made: list[Made]) -> list[tuple[int, str, list[str] | None]]:
    """Return the oracle's records."""
    return [(item.number, item.state, item.items) for item in made]


def facts(batches: list[Batch]) -> list[Any]:
    """Return all that distinguishes batches."""
    return [
        (batch.start, batch.end, batch.rows.rows(), batch.children[GROUP].rows(), dict(batch.extra))
        for batch in batches
    ]


@many
@given(tables, st.integers(1, 5), st.integers(1, 9))
def test_groups_agree_with_the_oracle(rows: list[Row], size: int, block: int) -> None:
    """In any batches, over any borders: the oracle's records, counted without a gap, with all their rows."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "_ROWS_AT_ONCE", block)
        inputs = opened(folder, rows)
        try:
            made = records_of(rows)
        except ScatteredError:
            with pytest.raises(SourceError, match="not sorted by K"):
                list(inputs.source.batches(size))
            return
        batches = list(inputs.source.batches(size))
        found = transformed(inputs, batches)
    assert [row.seq for row in found] == list(range(len(made)))
    assert [as_oracle(row) for row in found] == expected(made)
    assert inputs.source.total_hint() == len(made)
    assert [batch.end.seq - batch.start.seq for batch in batches[:-1]] == [size] * (len(batches) - 1)
    own = [
        iter_row
        for batch in batches
        for iter_row in batch.children[GROUP].select(PARENT, RECORD_NO).iter_rows()
    ]
    assert own == [(item.number, number) for item in made for number in item.rows]


@many
@given(tables, st.integers(1, 4), st.integers(1, 9), st.data())
def test_reading_goes_on_from_any_batch(rows: list[Row], size: int, block: int, data: st.DataObject) -> None:
    """From where a batch ended, in a process that knows nothing, or only that the rows are in order."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        inputs = opened(folder, rows)
        try:
            whole = list(inputs.source.batches(size))
        except SourceError:
            return
        patch.setattr(groups, "_ROWS_AT_ONCE", block)
        index = inputs.source.index  # type: ignore[union-attr]  # the mapping groups
        kept = KeptGroups(records=index.records) if index.is_plain else None
        manifest = Manifest(settings=RunSettings(tenant="acme"), groups=kept)
        number = data.draw(st.integers(0, len(whole) - 1))
        start = whole[number - 1].end if number else Position()
        limit = data.draw(st.one_of(st.none(), st.integers(start.seq, whole[-1].end.seq)))
        path = [inputs.source.files[0].path]
        again = open_inputs(MAPPING, "m.yaml", path, {}, types=BUILT_IN, manifest=manifest)
        rest = list(again.source.batches(size, start, limit))
        if limit is None:
            assert facts(rest) == facts(whole[number:])
        assert (
            sum(batch.rows.height for batch in rest)
            == (whole[-1].end.seq if limit is None else limit) - start.seq
        )
