"""The ids of records that loads into a tenant have created, as the lookups of a mapping need them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from loader.errors import JournalFailed, JournalUnusable
from loader.findings import Finding
from loader.journal import open_journal
from loader.payload.lookups import placeholders
from loader.payload.results import LookupResult
from loader.records import ExistingRecord, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from loader.findings import JsonValue
    from loader.journal import Journal
    from loader.mapping import MappingPlan
    from loader.pipeline.rows.transform import FindIds

    KnownRecords = Callable[[str, Sequence[str]], Mapping[str, ExistingRecord]]
    """What is known of these external ids of a record type; ids of which nothing is known are left out."""

_KEPT: Final = 100_000  # ids kept in memory for each record type


class ReferenceResolver:
    """Finds ids by external ids; an id that was found is kept, since a created record keeps its id.

    Calls come one at a time.

    Args:
        tenant: The tenant that the records are in.
        known: Asked for keys without a kept id.
    """

    def __init__(self, tenant: str, known: KnownRecords) -> None:
        self._tenant = tenant
        self._known = known
        self._ids: dict[str, dict[str, str]] = {}

    def __call__(self, keys: Mapping[str, Sequence[str]]) -> dict[str, LookupResult]:
        """Return what is known of keys, by record type."""
        return {record_type: self._look_up(record_type, asked) for record_type, asked in keys.items()}

    def _look_up(self, record_type: str, keys: Sequence[str]) -> LookupResult:
        kept = self._ids.setdefault(record_type, {})
        if len(kept) > _KEPT:
            kept.clear()
        ids = {key: kept[key] for key in keys if key in kept}
        # Keys without an id are asked again with each batch: this very load may create their records.
        asked = [key for key in keys if key not in ids]
        known = self._known(record_type, asked) if asked else {}
        new = {key: record.id for key, record in known.items() if record.id is not None}
        kept |= new
        ids |= new
        reasons = {key: self._reason(record_type, known.get(key)) for key in asked if key not in ids}
        return LookupResult(ids, reasons)

    def _reason(self, record_type: str, record: ExistingRecord | None) -> Finding:
        if record is None:
            return Finding("lookup.not_found", params={"record_type": record_type, "tenant": self._tenant})
        code = "lookup.no_id" if record.status is Status.CREATED else "lookup.in_doubt"
        return Finding(code, params={"record_type": record_type, "load_id": record.load_id})


@contextmanager
def journal_references(home: Path, tenant: str) -> Iterator[ReferenceResolver]:
    """Give a load its references, read from the journal.

    They are read through a connection of their own, opened when the first key is needed: batches are
    transformed on another thread than the one that writes the journal.

    Args:
        home: Where the journal is.
        tenant: The tenant that the records are in.
    """
    with ExitStack() as stack:
        journals: list[Journal] = []

        def known(record_type: str, keys: Sequence[str]) -> Mapping[str, ExistingRecord]:
            try:
                if not journals:
                    journals.append(stack.enter_context(open_journal(home)))
                return journals[0].known_in(tenant, record_type, keys)
            except JournalUnusable as error:
                # Rows may have been sent by now: this is no longer an error of the call.
                raise JournalFailed(error.message, next_step=error.next_step) from None

        yield ReferenceResolver(tenant, known)


def dry_run_references(mapping: MappingPlan, tenant: str, journal: Journal | None) -> FindIds:
    """Return the references of a dry run: those of a load, but every key of the own record type is found.

    The record that such a key names may be created by the very load that is tried out.

    Args:
        mapping: The mapping.
        tenant: The tenant to load into.
        journal: What earlier loads left; None: there were none.
    """
    own = mapping.record_type.name
    resolve = ReferenceResolver(tenant, partial(journal.known_in, tenant) if journal else _nothing)

    def find(keys: Mapping[str, Sequence[str]]) -> dict[str, LookupResult]:
        results = resolve(keys)
        if own in results:
            made_up_ids = placeholders({own: keys[own]})[own].ids
            results[own] = LookupResult({**made_up_ids, **results[own].ids}, {})
        return results

    return find


def _nothing(record_type: str, keys: Sequence[str]) -> Mapping[str, ExistingRecord]:  # noqa: ARG001 - it is a KnownRecords
    """Return what is known where there is no journal: nothing."""
    return {}


def hopeless_lookups(mapping: MappingPlan, tenant: str, journal: Journal | None) -> Iterator[Finding]:
    """Yield a warning for each record type without any created record: none of its keys can be found.

    Args:
        mapping: The mapping.
        tenant: The tenant to load into.
        journal: What earlier loads left; None: there were none.
    """
    for record_type, columns in mapping.lookups.items():
        own = record_type == mapping.record_type.name
        if not own and not (journal and journal.has_created(tenant, record_type)):
            yield Finding(
                "lookup.nothing_created",
                params={"record_type": record_type, "tenant": tenant, "names": list(columns)},
            )


def untried_lookups(mapping: MappingPlan, *, tenant: str | None) -> Iterator[Finding]:
    """Yield a note for each record type that a dry run or a preview does not look up.

    Args:
        mapping: The mapping.
        tenant: The tenant to load into; None: there is none, so that no lookup is tried.
    """
    for record_type, columns in mapping.lookups.items():
        params: dict[str, JsonValue] = {"record_type": record_type, "names": list(columns)}
        if tenant is None:
            yield Finding("lookup.not_tried", params=params)
        elif record_type == mapping.record_type.name:
            yield Finding("lookup.own_type", params=params)
