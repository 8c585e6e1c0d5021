"""The faults that a sandbox can have: their kinds, how they are written, and the dice that bring them.

The dice are a hash of the seed, the kind, the question, and the number of the attempt at it. So two runs with
the same seed meet the same faults, whatever the order of their requests and the number of their connections.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loader.errors import ConfigurationError
from loader.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

WRITES: Final = (
    *(f"{status}{moment}" for status in (500, 502, 503, 504) for moment in ("", "-before", "-after")),
    "drop-before",
    "drop-after",
    "cut",
    "empty",
    "garbage",
    "slow",
    "429",
    "429-silent",
    "token-dies",
)
"""The kinds that a POST can meet, one at a time. A status without `-before` or `-after` comes before the
record is stored or after it, as the dice fall."""

REFUSALS: Final = ("lookups-off", "lookups-403", "lookups-405", "lookups-500", "list-off")
"""The kinds that a GET is refused with, one at a time: `lookups-500` only a list's second and later pages,
`list-off` only the list of all records."""

CHANGES: Final = ("lag", "bare-list")
"""The kinds that change what a GET is answered, also together."""

KINDS: Final = (*WRITES, *REFUSALS, *CHANGES)
"""The names of all kinds."""

_AFTER: Final = frozenset({"cut", "empty", "garbage", "slow"})
"""Kinds that come after the record is stored, and have no other moment."""
_CLEAR: Final = frozenset({"429", "429-silent", "token-dies"})
"""Kinds that certainly store nothing."""
_BURST: Final = 10
"""Requests in a burst of 429, with the one that started it."""
_BURST_SECONDS: Final = 1.0
"""Seconds after which a burst is over, however few requests came."""
_EITHER: Final = 0.5
_OF_THE_LOAD: Final = ("sys_bulk_load_at", "sys_bulk_load_id", "sys_bulk_load_pk")


def check_faults(faults: Mapping[str, object]) -> dict[str, float]:
    """Return the probability of each kind that is set.

    Raises:
        ConfigurationError: A kind is not known, or a probability is not a number from 0 to 1.
    """
    checked = {}
    for kind, chance in faults.items():
        if kind not in KINDS:
            raise ConfigurationError(
                f"sandbox: faults: unknown kind {shorten(str(kind))!r}; expected one of {', '.join(KINDS)}"
            )
        if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 <= chance <= 1:
            raise ConfigurationError(
                f"sandbox: faults: {kind}: expected a probability from 0 to 1, found {shorten(str(chance))}"
                f" (kinds: {', '.join(KINDS)})"
            )
        checked[kind] = float(chance)
    return checked


def parse_faults(texts: Iterable[str]) -> dict[str, float]:
    """Read faults as the command line has them, each as KIND:PROBABILITY.

    Raises:
        ConfigurationError: A text has another form, repeats a kind, or is refused by `check_faults`.
    """
    faults: dict[str, float] = {}
    for text in texts:
        kind, colon, chance = text.partition(":")
        if not colon:
            raise ConfigurationError(
                f"sandbox: faults: expected KIND:PROBABILITY, found {shorten(text)!r}"
                f" (kinds: {', '.join(KINDS)})",
                next_step=f"Write for example `--fault {kind if kind in KINDS else 'drop-after'}:0.05`.",
            )
        if kind in faults:
            raise ConfigurationError(f"sandbox: faults: {kind} is given twice; expected it once")
        faults |= check_faults({kind: _number(chance)})
    return faults


def _number(text: str) -> float | str:
    """Return a text as a number, or as it is where it is not one."""
    try:
        return float(text)
    except ValueError:
        return text


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that a POST meets.

    Attributes:
        kind: Its kind, as it was set.
        form: What the client sees: a status, or `drop`, `cut`, `empty`, `garbage`, `slow`, `token-dies`.
        stores: It comes after the record is stored; otherwise nothing is stored.
        retry_after: The answer has a `Retry-After`.
    """

    kind: str
    form: str
    stores: bool
    retry_after: bool


class Faults:
    """Decides which request meets which fault, and counts what came of it.

    Not safe for use from several threads at once; the sandbox uses it from its event loop only.

    Args:
        faults: The probability of each kind that is set.
        seed: What the dice are seeded with.
        clock: Seconds of a clock that never goes back; bursts go by it.

    Attributes:
        met: How many requests met each kind.
        stored: Of POSTs with an unclear answer: how many were stored, by kind.
        not_stored: How many of them were not.

    Raises:
        ConfigurationError: A kind is not known, or a probability is not from 0 to 1.
    """

    def __init__(self, faults: Mapping[str, object], seed: int, clock: Callable[[], float]) -> None:
        self.met: Counter[str] = Counter()
        self.stored: Counter[str] = Counter()
        self.not_stored: Counter[str] = Counter()
        self._seed = seed
        self._clock = clock
        self._attempts: Counter[bytes] = Counter()
        self.replace(faults)

    @property
    def chances(self) -> dict[str, float]:
        """The probability of each kind that is set."""
        return dict(self._chances)

    def replace(self, faults: Mapping[str, object]) -> None:
        """Set these faults and no others; attempts are counted on.

        Raises:
            ConfigurationError: As for a new one; what was set stays.
        """
        self._chances = check_faults(faults)
        self._writes = [kind for kind in WRITES if self._chances.get(kind)]
        self._reads = [kind for kind in (*REFUSALS, *CHANGES) if self._chances.get(kind)]
        self._burst = ("", 0, 0.0)

    def for_write(self, path: str, body: bytes) -> Fault | None:
        """Return the fault that a POST meets; None for none.

        A POST in a burst of 429 that another one started does not count as an attempt: the dice for its row
        are thrown when it comes again.

        Args:
            path: Its path, in which tenant and record type are.
            body: Its body.
        """
        if not self._writes:
            return None
        kind, left, ends = self._burst
        if left and self._clock() < ends:
            self._burst = (kind, left - 1, ends)
            return self._fault(kind, b"")
        attempt = self._attempt("POST", path, _row_of(body))
        chosen = self._one_of(self._writes, attempt)
        if chosen and chosen.startswith("429"):
            self._burst = (chosen, _BURST - 1, self._clock() + _BURST_SECONDS)
        return self._fault(chosen, attempt) if chosen else None

    def for_read(self, question: str, *, whole: bool, later_page: bool) -> tuple[str | None, frozenset[str]]:
        """Return the faults that a GET meets: one that refuses it or None, and those that change its answer.

        Args:
            question: What it asks for, in a text that is the same in every run.
            whole: Whether it asks for the list of all records.
            later_page: Whether it asks for a list's second page, or a later one.
        """
        if not self._reads:
            return None, frozenset()
        attempt = self._attempt("GET", question, "")
        not_here = {*(() if whole else ("list-off",)), *(() if later_page else ("lookups-500",))}
        refusal = self._one_of(
            [kind for kind in self._reads if kind in REFUSALS and kind not in not_here], attempt
        )
        changes = [kind for kind in self._reads if kind in CHANGES and self._share(kind, attempt) < 1]
        return refusal, frozenset(changes)

    def happened(self, kind: str, *, stored: bool | None = None) -> None:
        """Count a fault.

        Args:
            kind: Its kind.
            stored: Whether the record is stored, if the answer leaves that in doubt; None if it does not.
        """
        self.met[kind] += 1
        if stored is not None and kind not in _CLEAR:
            (self.stored if stored else self.not_stored)[kind] += 1

    def _attempt(self, method: str, place: str, row: str) -> bytes:
        """Return what the dice are thrown for: the question, and the number of the attempt at it."""
        question = hashlib.blake2b(
            f"{method}\0{place}\0{row}".encode(errors="replace"), digest_size=16
        ).digest()
        self._attempts[question] += 1
        return question + self._attempts[question].to_bytes(8)

    def _throw(self, kind: str, attempt: bytes) -> float:
        """Return a number from 0 up to 1, the same for the same attempt."""
        digest = hashlib.blake2b(f"{self._seed}\0{kind}\0".encode() + attempt, digest_size=7).digest()
        return (int.from_bytes(digest) >> 3) / 2**53

    def _share(self, kind: str, attempt: bytes) -> float:
        """Return the throw as a share of the kind's probability: less than 1 where the fault comes."""
        return self._throw(kind, attempt) / self._chances[kind]

    def _one_of(self, kinds: Iterable[str], attempt: bytes) -> str | None:
        """Return the kind that comes; None for none."""
        # Of several, the one with the least share: so the order of the kinds prefers none of them.
        share, kind = min(((self._share(kind, attempt), kind) for kind in kinds), default=(1.0, ""))
        return kind if share < 1 else None

    def _fault(self, kind: str, attempt: bytes) -> Fault:
        form, _, moment = kind.partition("-")
        if kind == "token-dies":
            return Fault(kind, kind, stores=False, retry_after=False)
        if form == "429":
            return Fault(kind, form, stores=False, retry_after=kind == "429")
        stores = moment == "after" or kind in _AFTER
        if not moment and form.isdigit():
            stores = self._throw(f"{kind}/stores", attempt) < _EITHER
        retry_after = form == "503" and self._throw(f"{kind}/Retry-After", attempt) < _EITHER
        return Fault(kind, form, stores, retry_after)


def _row_of(body: bytes) -> str:
    """Return the row that a body is made of, in a text that is the same in every load of a file."""
    try:
        record = json.loads(body)
        if isinstance(record, dict):
            of_the_row = {name: value for name, value in record.items() if name not in _OF_THE_LOAD}
            return source_row(record) or json.dumps(of_the_row, sort_keys=True)
    except (ValueError, RecursionError):
        pass
    return hashlib.blake2b(body).hexdigest()


def source_row(record: Mapping[str, Any]) -> str | None:
    """Return the file and number of the row that a record comes from, as JSON; None where it does not say."""
    number = record.get("sys_bulk_load_record_no")
    if not isinstance(number, int | float):
        return None
    whole = int(number) if isinstance(number, float) and number.is_integer() else number
    return json.dumps([record.get("sys_bulk_load_source_file"), whole])
