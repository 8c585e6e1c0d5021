"""What is asked of the journal for lookups, how often, and what its answers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loader.errors import JournalFailed
from loader.findings import Finding
from loader.journal import open_journal
from loader.payload.results import LookupResult
from loader.pipeline.rows import references
from loader.pipeline.rows.references import ReferenceResolver, journal_references
from loader.records import ExistingRecord, Status
from tests.journal.journal_values import created, decided, load, ready

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Asked:
    """Knows records of billing templates, and what it was asked for."""

    def __init__(self) -> None:
        self.known: dict[str, ExistingRecord] = {}
        self.calls: list[tuple[str, list[str]]] = []

    def create(self, *keys: str) -> None:
        """Makes records known."""
        for key in keys:
            self.known[key] = ExistingRecord(Status.CREATED, "L1", 0, 1, f"id-{key}", None)

    def __call__(self, record_type: str, keys: Sequence[str]) -> Mapping[str, ExistingRecord]:
        """Answers."""
        self.calls.append((record_type, list(keys)))
        return {
            key: self.known[key] for key in keys if key in self.known and record_type == "billing-template"
        }


def test_a_record_type_is_asked_once_a_batch_and_only_for_what_is_not_known() -> None:
    """Ids that were found are kept; keys without one are asked for again."""
    asked = Asked()
    asked.create("a", "b")
    find = ReferenceResolver("acme", asked)
    first = find({"billing-template": ["a", "x"], "billing-run": ["a"]})
    assert first["billing-template"].ids == {"a": "id-a"}
    assert first["billing-run"].ids == {}
    asked.create("x")
    second = find({"billing-template": ["a", "b", "x"]})
    assert second["billing-template"] == LookupResult({"a": "id-a", "b": "id-b", "x": "id-x"}, {})
    assert find({"billing-template": ["x", "a"]})["billing-template"].ids == {"x": "id-x", "a": "id-a"}
    assert asked.calls == [
        ("billing-template", ["a", "x"]),
        ("billing-run", ["a"]),
        ("billing-template", ["b", "x"]),
    ]


def test_not_every_id_is_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays flat: past a limit what is kept is dropped and asked for again."""
    monkeypatch.setattr(references, "_KEPT", 2)
    asked = Asked()
    asked.create(*"abcd")
    find = ReferenceResolver("acme", asked)
    for keys in (["a", "b", "c"], ["a", "d"]):
        assert find({"billing-template": keys})["billing-template"].ids == {key: f"id-{key}" for key in keys}
    assert asked.calls[1] == ("billing-template", ["a", "d"])


def test_a_key_without_an_id_has_a_reason() -> None:
    """No record, one in doubt, and one whose id nobody has given."""
    asked = Asked()
    asked.known = {
        "doubt": ExistingRecord(Status.IN_DOUBT, "L7", 0, 12, None, None),
        "unknown": ExistingRecord(Status.CREATED, "L8", 0, 1, None, None),
    }
    results = ReferenceResolver("acme", asked)({"billing-template": ["doubt", "none", "unknown"]})
    kind = {"record_type": "billing-template"}
    assert results["billing-template"] == LookupResult(
        {},
        {
            "doubt": Finding("lookup.in_doubt", params={**kind, "load_id": "L7"}),
            "none": Finding("lookup.not_found", params={**kind, "tenant": "acme"}),
            "unknown": Finding("lookup.no_id", params={**kind, "load_id": "L8"}),
        },
    )


def test_a_load_reads_the_journal_beside_the_one_that_writes(tmp_path: Path) -> None:
    """What was committed a moment ago is found; the file is opened when the first key is wanted."""
    with journal_references(tmp_path, "acme") as find:
        assert find({}) == {}
        assert not list(tmp_path.iterdir())
        with open_journal(tmp_path) as journal:
            started = load()
            journal.begin(started)
            assert find({"billing-run": ["K1"]})["billing-run"].ids == {}
            assert not journal.has_created("acme", "billing-run")
            journal.commit(started.load_id, intents=[ready(0, "K1")], decided=[decided(1, external_id="K2")])
            assert find({"billing-run": ["K1"]})["billing-run"].reasons["K1"].code == "lookup.in_doubt"
            journal.commit(started.load_id, outcomes=[created(0)])
            found = find({"billing-run": ["K1", "K2"], "billing-template": ["K1"]})
            assert found["billing-run"].ids == {"K1": "id-0"}
            assert found["billing-template"].ids == {}
            assert journal.has_created("acme", "billing-run")
            assert not journal.has_created("other", "billing-run")
            assert not journal.has_created("acme", "billing-template")


def test_a_journal_that_cannot_be_read_stops_the_load(tmp_path: Path) -> None:
    """Rows may have been sent by then, so that it is no error of the call."""
    (tmp_path / "journal.db").write_text("this is no journal, but it is long enough to be one" * 40)
    with journal_references(tmp_path, "acme") as find, pytest.raises(JournalFailed):
        find({"billing-run": ["K1"]})
