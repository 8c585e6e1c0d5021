"""What `loader init` proposes for the sample files, compared with the shipped mappings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loader.mapping import compile_mapping, parse_mapping
from loader.payload import build
from loader.pipeline.authoring import propose_mapping
from loader.pipeline.events import SilentObserver
from loader.records import CORE, RECORD_NO, STATE
from loader.resources import BUILT_IN
from loader.source import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
RUNS = ROOT / "sample_data" / "billing-runs.csv"
TEMPLATES = ROOT / "sample_data" / "billing-templates.parquet"
READ: dict[str, Any] = {"skip_lines": 2, "skip_footer": 1}

RUN_EDITS = {
    "payment_terms_id: Net Days": (
        "payment_terms_id: {sql: \"CASE WHEN \\\"Net Days\\\" = '30' THEN 'NET30' "
        "WHEN \\\"Net Days\\\" = '14' THEN 'NET14' ELSE 'DUE' END\"}"
    ),
    'sys_created_at: {column: Created At, datetime: "%d.%m.%Y %H:%M"}': (
        'sys_created_at: {column: Created At, datetime: "%d.%m.%Y %H:%M", timezone: Europe/Berlin}'
    ),
    "sys_created_by_id: Created By": 'sys_created_by_id: {template: "mitra:{Created By}"}',
}
"""The three changes by hand: the terms' ids, the time zone, and a prefix; no file shows those."""

RUN_CHOICES = {
    'application_types: {column: AppTypes, split: ","}': (
        'application_types: {column: AppTypes, split: ",", case: upper}'
    ),
    'status_reason_ids: {column: Status Reasons, split: ","}': (
        'status_reason_ids: {column: Status Reasons, split: ",", case: upper}'
    ),
    "# restrict_application_types: {sql:": "restrict_application_types: {sql:",
    'perform_drops: {column: "Drop?", boolean: {true: [J, "Y"], false: ["N"]}}': (
        'perform_drops: {column: "Drop?", boolean: {true: [J, "Y"], false: ["N"]}, default: false}'
    ),
    "  drop_options:\n": "  drop_options:\n    grace_days: {column: Grace Days, number: {}}\n",
    "fields:\n": (
        "fields:\n"
        "  renewal_reminder_options.legacy_options: {json: Options}\n"
        "  renewal_forecasting_options.minimum_fee: "
        '{column: Forecast Fee, number: {decimal: ",", thousands: "."}}\n'
    ),
}
"""What the shipped mapping adds by its own choice: values in other case, a default, unlisted fields."""

TEMPLATE_EDITS = {
    "advance_phases: advance": "advance_phases: {column: advance, default: false}",
    "# visit_type_restriction: {value: include}": "visit_type_restriction: {value: include}",
    "fields:\n": (
        "fields:\n  phase_advancement_options: "
        "{advancement_fee: fee, weighting: weight, valid_from: valid_from}\n"
    ),
}


def proposal(path: Path, resource: str, read: Mapping[str, Any]) -> str:
    """Return the proposed mapping's text."""
    record_type = BUILT_IN[resource]
    return propose_mapping(
        str(path), record_type, read, types=BUILT_IN, rows=20_000, observer=SilentObserver()
    ).proposal.text


@pytest.fixture(scope="module")
def runs() -> str:
    """Return the proposal for the runs."""
    return proposal(RUNS, "billing-run", READ)


@pytest.fixture(scope="module")
def templates() -> str:
    """Return the proposal for the templates."""
    return proposal(TEMPLATES, "billing-template", {})


def edited(text: str, *edits: Mapping[str, str]) -> str:
    """Return the text with all edits made; the text of each occurs once."""
    for edit in edits:
        for old, new in edit.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
    return text


def built(text: str, path: Path) -> dict[int, tuple[str, Any]]:
    """Return record number -> state and payload, for every row of the sample."""
    mapping = parse_mapping(text, "proposal.yaml", BUILT_IN)
    source = open_source([str(path)], mapping.source)
    compiled = compile_mapping(mapping, source.files[0].schema)
    records: dict[int, tuple[str, Any]] = {}
    for batch in source.batches(1000):
        rows = build(batch.rows, compiled).rows
        for number, state, core in rows.select(RECORD_NO, STATE, CORE).iter_rows():
            records[number] = (state, core and json.loads(core))
    return records


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a payload's values by dotted path; lists are values."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, f"{path}.{name}" if path else name)
    else:
        yield path, value


def shipped(name: str) -> str:
    """Return a shipped mapping's text."""
    return (ROOT / "mappings" / f"{name}.yaml").read_text(encoding="utf-8")


def test_templates_need_three_changes(templates: str) -> None:
    """Three lines changed, and every template has the state and payload of the shipped mapping."""
    assert len(TEMPLATE_EDITS) == 3
    expected = built(shipped("billing-template"), TEMPLATES)

    assert built(edited(templates, TEMPLATE_EDITS), TEMPLATES) == expected


def test_runs_need_three_changes(runs: str) -> None:
    """Three lines changed, and the proposal for the runs makes of each row what the shipped mapping makes.

    What differs then is what the shipped mapping adds by its own choice: fields that no page lists (with
    the three rows that are invalid only for them), one flag computed from a list, one default, two lists
    in capitals.
    """
    assert len(RUN_EDITS) == 3
    expected = built(shipped("billing-run"), RUNS)
    actual = built(edited(runs, RUN_EDITS), RUNS)
    states = {number for number in expected if expected[number][0] != actual[number][0]}
    differing, only_shipped, only_proposed = set(), set(), set()
    for number, (state, payload) in expected.items():
        if state == "ready":
            ours, theirs = dict(leaves(actual[number][1])), dict(leaves(payload))
            differing |= {path for path in ours if path in theirs and ours[path] != theirs[path]}
            only_shipped |= set(theirs) - set(ours)
            only_proposed |= set(ours) - set(theirs)

    assert len(actual) == len(expected) == 2000
    assert states == {985, 1044, 1555}
    assert {actual[number][0] for number in states} == {"ready"}
    assert only_proposed == set()
    assert differing == {
        "application_activation_options.application_types",
        "application_activation_options.status_reason_ids",
    }
    assert {".".join(path.split(".")[:2]) for path in only_shipped} == {
        "perform_drops",
        "application_activation_options.restrict_application_types",
        "drop_options.grace_days",
        "renewal_forecasting_options.minimum_fee",
        "renewal_reminder_options.legacy_options",
    }


def test_runs_can_be_made_the_same(runs: str) -> None:
    """With those choices made as well, every row's state and payload are those of the shipped mapping."""
    expected = built(shipped("billing-run"), RUNS)

    assert built(edited(runs, RUN_EDITS, RUN_CHOICES), RUNS) == expected


@pytest.mark.parametrize(("name", "path", "share"), [("runs", RUNS, 0.8), ("templates", TEMPLATES, 0.96)])
def test_proposals_work_as_they_are(
    name: str, path: Path, share: float, request: pytest.FixtureRequest
) -> None:
    """Nothing required is missing: four of five runs, all but two templates, are ready at once."""
    records = built(request.getfixturevalue(name), path)
    ready = sum(state == "ready" for state, _ in records.values())

    assert ready > share * len(records)
