"""The ids of records that loads into a tenant have created, as the lookups of a mapping want them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from loader.errors import JournalFailed, JournalUnusable
from loader.journal import Journal
from loader.payload.lookups import placeholders
from loader.payload.results import LookupResult
from loader.records import ExistingRecord, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from loader.mapping import MappingPlan
    from loader.pipeline.events import Observer

    KnownIn = Callable[[str, Sequence[str]], Mapping[str, ExistingRecord]]
    """What is known of these external ids of a record type; ids that nothing is known of are left out."""

_KEPT: Final = 100_000  # ids kept in memory for each record type


class ReferenceResolver:
    """Finds ids by external ids; one that was found is kept, since a created record keeps its id.

    Calls come one at a time.

    Args:
        tenant: Whose records.
        known: Asked for keys whose ids are not kept.
    """

    def __init__(self, tenant: str, known: KnownIn) -> None:
        self._tenant = tenant
        self._known = known
        self._ids: dict[str, dict[str, str]] = {}

    def __call__(self, keys: Mapping[str, Sequence[str]]) -> dict[str, LookupResult]:
        """What is known of keys, by record type."""
        return {record_type: self._found(record_type, wanted) for record_type, wanted in keys.items()}

    def _found(self, record_type: str, keys: Sequence[str]) -> LookupResult:
        kept = self._ids.setdefault(record_type, {})
        if len(kept) > _KEPT:
            kept.clear()
        ids = {key: kept[key] for key in keys if key in kept}
        asked = [key for key in keys if key not in ids]
        known = self._known(record_type, asked) if asked else {}
        new = {key: each.id for key, each in known.items() if each.id is not None}
        kept |= new
        ids |= new
        return LookupResult(ids, {key: self._reason(known.get(key)) for key in asked if key not in ids})

    def _reason(self, known: ExistingRecord | None) -> str:
        if known is None:
            return f"which no load into tenant {self._tenant} has created; load it first"
        if known.status is Status.CREATED:
            return f"which load {known.load_id} is said to have created, and nobody has said with what id"
        return f"which is in doubt; reconcile its load first: loader reconcile {known.load_id}"


@contextmanager
def crosswalk_of(home: Path, tenant: str) -> Iterator[ReferenceResolver]:
    """A load's crosswalk.

    It reads by a connection of its own, opened when the first key is wanted: batches are prepared on another
    thread than the one that writes.

    Args:
        home: Where the journal is.
        tenant: Whose records.
    """
    with ExitStack() as opened:
        journals: list[Journal] = []

        def known(record_type: str, keys: Sequence[str]) -> Mapping[str, ExistingRecord]:
            try:
                if not journals:
                    journals.append(opened.enter_context(Journal.open(home)))
                return journals[0].known_in(tenant, record_type, keys)
            except JournalUnusable as error:
                raise JournalFailed(error.message, next_step=error.next_step) from None

        yield ReferenceResolver(tenant, known)


def dry_crosswalk(
    mapping: MappingPlan, tenant: str, journal: Journal | None
) -> Callable[[Mapping[str, Sequence[str]]], Mapping[str, LookupResult]]:
    """A dry run's crosswalk: that of a load, but for keys of the mapping's own record type.

    A record that such a key names may be created by the very load that is tried out, so that the key counts
    as found.

    Args:
        mapping: The mapping.
        tenant: Whose records.
        journal: What earlier loads have left; None: there were none.
    """
    own = mapping.record.name_of_type
    asked = ReferenceResolver(tenant, partial(journal.known_in, tenant) if journal else _nothing)

    def found(keys: Mapping[str, Sequence[str]]) -> dict[str, LookupResult]:
        known = asked(keys)
        if own in known:
            known[own] = LookupResult({**placeholders({own: keys[own]})[own].ids, **known[own].ids}, {})
        return known

    return found


def _nothing(record_type: str, keys: Sequence[str]) -> Mapping[str, ExistingRecord]:  # noqa: ARG001 - it is a KnownIn
    """Of a journal that is not there."""
    return {}


def tell_lookups(mapping: MappingPlan, tenant: str, journal: Journal | None, watcher: Observer) -> None:
    """Warns, before anything is read, of lookups that cannot find anything yet.

    Args:
        mapping: The mapping.
        tenant: Whose records.
        journal: What earlier loads have left; None: there were none.
        watcher: Is told.
    """
    for record_type, columns in mapping.lookups.items():
        own = record_type == mapping.record.name_of_type
        if not own and not (journal and journal.has_created(tenant, record_type)):
            watcher.note(
                f"warning: no load into tenant {tenant} has created a {record_type} yet: rows with a key in "
                f"{_named(columns)} will wait (blocked)"
            )


def tell_untried(mapping: MappingPlan, watcher: Observer, *, tenant: str | None) -> None:
    """Says which lookups a dry run or a preview does not try.

    Args:
        mapping: The mapping.
        watcher: Is told.
        tenant: Whose records they would become; None: nobody's, so that no lookup is tried.
    """
    own = mapping.record.name_of_type
    for record_type, columns in mapping.lookups.items():
        shown = f"<{record_type} KEY>"
        if tenant is None:
            watcher.note(
                f"note: ids of {record_type} for {_named(columns)} were not looked up, since no tenant is "
                f"given: every key counts as found, and {shown} stands for its id"
            )
        elif record_type == own:
            watcher.note(
                f"note: keys of {record_type} in {_named(columns)} count as found: the load may create these "
                "records itself; those that it does not leave their rows blocked"
            )


def _named(columns: Sequence[str]) -> str:
    return f"column{'s' if len(columns) > 1 else ''} {', '.join(columns)}"
