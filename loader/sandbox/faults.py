"""The faults that a sandbox can have: their kinds, how they are written, and the dice that bring them.

The dice are a hash of the seed, the kind, what is asked about, and the how manieth attempt at it this is. So
two runs with one seed meet the same faults, in whatever order and over however many connections they ask.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loader.errors import ConfigurationError

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
"""The kinds that a POST can meet, one at a time. A status without `-before` or `-after` strikes before the
record is stored or after it, as the dice fall."""

REFUSALS: Final = ("lookups-off", "lookups-403", "lookups-405", "lookups-500", "list-off")
"""The kinds that a GET is refused with, one at a time: `lookups-500` only a list's second and later pages,
`list-off` only the list of all records."""

CHANGES: Final = ("lag", "bare-list")
"""The kinds that change what a GET is answered, also together."""

KINDS: Final = (*WRITES, *REFUSALS, *CHANGES)
"""The names of all kinds."""

_AFTER: Final = frozenset({"cut", "empty", "garbage", "slow"})
_CLEAR: Final = frozenset({"429", "429-silent", "token-dies"})
_BURST: Final = 10
"""Requests in a burst of 429, the one that began it among them."""
_BURST_SECONDS: Final = 1.0
"""Seconds after which a burst is over, however few came."""
_EITHER: Final = 0.5
_OF_THE_PROCESSING: Final = ("sys_bulk_load_at", "sys_bulk_load_id", "sys_bulk_load_pk")


def check_faults(faults: Mapping[str, object]) -> dict[str, float]:
    """The probability of each kind, if all can be.

    Raises:
        ConfigurationError: A kind is not known, or a probability is no number from 0 to 1.
    """
    checked = {}
    for kind, chance in faults.items():
        if kind not in KINDS:
            raise ConfigurationError(
                f"sandbox: faults: unknown kind {str(kind)[:60]!r}; expected one of {', '.join(KINDS)}"
            )
        if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 <= chance <= 1:
            raise ConfigurationError(
                f"sandbox: faults: {kind}: expected a probability from 0 to 1, found {str(chance)[:60]}"
                f" (kinds: {', '.join(KINDS)})"
            )
        checked[kind] = float(chance)
    return checked


def parse_faults(texts: Iterable[str]) -> dict[str, float]:
    """Faults as they are written on the command line, each as KIND:PROBABILITY.

    Raises:
        ConfigurationError: A text is not of that form, names a kind twice, or holds what cannot be.
    """
    found: dict[str, float] = {}
    for text in texts:
        kind, colon, chance = text.partition(":")
        if not colon:
            raise ConfigurationError(
                f"sandbox: faults: expected KIND:PROBABILITY, found {text[:60]!r}"
                f" (kinds: {', '.join(KINDS)})",
                next_step=f"write for example --fault {kind if kind in KINDS else 'drop-after'}:0.05",
            )
        if kind in found:
            raise ConfigurationError(f"sandbox: faults: {kind} is given twice; expected it once")
        found |= check_faults({kind: _number(chance)})
    return found


def _number(text: str) -> float | str:
    """The number that a text is; the text where it is none."""
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
        stores: Whether it strikes after the record is stored; else nothing is stored.
        retry_after: Whether the answer has a `Retry-After`.
    """

    kind: str
    form: str
    stores: bool
    retry_after: bool


class Faults:
    """Which faults are set, which request meets them, and what came of it.

    Not safe for use from several threads at once; the sandbox uses it from its event loop only.

    Args:
        faults: The probability of each kind that is set.
        seed: What the dice are seeded with.
        clock: Seconds of a clock that never goes back; bursts go by it.

    Attributes:
        met: How many requests each kind struck.
        stored: Of POSTs whose answer left open whether they stored: how many did, by kind.
        not_stored: How many of them did not.

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
        """Sets these faults and no others; attempts are counted on.

        Raises:
            ConfigurationError: As for a new one; what was set stays.
        """
        self._chances = check_faults(faults)
        self._writes = [kind for kind in WRITES if self._chances.get(kind)]
        self._reads = [kind for kind in (*REFUSALS, *CHANGES) if self._chances.get(kind)]
        self._burst = ("", 0, 0.0)

    def for_write(self, place: str, body: bytes) -> Fault | None:
        """The fault that a POST meets; None: none.

        A POST in a burst of 429 that another began is no attempt: its row's dice are thrown another time.

        Args:
            place: The path, which tells tenant and record type.
            body: What was posted.
        """
        if not self._writes:
            return None
        kind, left, ends = self._burst
        if left and self._clock() < ends:
            self._burst = (kind, left - 1, ends)
            return self._strike(kind, b"")
        about = self._about("POST", place, _row_of(body))
        found = self._one_of(self._writes, about)
        if found and found.startswith("429"):
            self._burst = (found, _BURST - 1, self._clock() + _BURST_SECONDS)
        return self._strike(found, about) if found else None

    def for_read(self, asked: str, *, whole: bool, later_page: bool) -> tuple[str | None, frozenset[str]]:
        """The faults that a GET meets: what refuses it, None: nothing; and what changes its answer.

        Args:
            asked: What it asks about, in words that are the same in every run.
            whole: Whether it asks for the list of all records.
            later_page: Whether it asks for a list's second page, or a later one.
        """
        if not self._reads:
            return None, frozenset()
        about = self._about("GET", asked, "")
        cannot = {*(() if whole else ("list-off",)), *(() if later_page else ("lookups-500",))}
        refusal = self._one_of(
            [kind for kind in self._reads if kind in REFUSALS and kind not in cannot], about
        )
        changes = [kind for kind in self._reads if kind in CHANGES and self._share(kind, about) < 1]
        return refusal, frozenset(changes)

    def happened(self, kind: str, *, stored: bool | None = None) -> None:
        """Counts a fault; `stored`: where the answer leaves open whether it was, None: where it is clear."""
        self.met[kind] += 1
        if stored is not None and kind not in _CLEAR:
            (self.stored if stored else self.not_stored)[kind] += 1

    def _about(self, method: str, place: str, what: str) -> bytes:
        """What the dice are thrown for: what is asked, and the how manieth time."""
        asked = hashlib.blake2b(
            f"{method}\0{place}\0{what}".encode(errors="replace"), digest_size=16
        ).digest()
        self._attempts[asked] += 1
        return asked + self._attempts[asked].to_bytes(8)

    def _throw(self, kind: str, about: bytes) -> float:
        """A number from 0 up to 1, the same for the same question."""
        thrown = hashlib.blake2b(f"{self._seed}\0{kind}\0".encode() + about, digest_size=7).digest()
        return (int.from_bytes(thrown) >> 3) / 2**53

    def _share(self, kind: str, about: bytes) -> float:
        """Where in a kind's probability the dice fell: less than 1 where it strikes."""
        return self._throw(kind, about) / self._chances[kind]

    def _one_of(self, kinds: Iterable[str], about: bytes) -> str | None:
        """The kind that strikes; where several would, each as likely as its dice fell, none for its place."""
        share, kind = min(((self._share(kind, about), kind) for kind in kinds), default=(1.0, ""))
        return kind if share < 1 else None

    def _strike(self, kind: str, about: bytes) -> Fault:
        form, _, moment = kind.partition("-")
        if kind == "token-dies":
            return Fault(kind, kind, stores=False, retry_after=False)
        if form == "429":
            return Fault(kind, form, stores=False, retry_after=kind == "429")
        stores = moment == "after" or kind in _AFTER
        if not moment and form.isdigit():
            stores = self._throw(f"{kind}/stores", about) < _EITHER
        retry_after = form == "503" and self._throw(f"{kind}/Retry-After", about) < _EITHER
        return Fault(kind, form, stores, retry_after)


def _row_of(body: bytes) -> str:
    """Which row a body is of: the same in every load of a file."""
    try:
        record = json.loads(body)
        if isinstance(record, dict):
            lasting = {name: value for name, value in record.items() if name not in _OF_THE_PROCESSING}
            return source_row(record) or json.dumps(lasting, sort_keys=True)
    except (ValueError, RecursionError):
        pass
    return hashlib.blake2b(body).hexdigest()


def source_row(record: Mapping[str, Any]) -> str | None:
    """The file and number of the row that a record comes from, as JSON; None where it does not say."""
    number = record.get("sys_bulk_load_record_no")
    if not isinstance(number, int | float):
        return None
    whole = int(number) if isinstance(number, float) and number.is_integer() else number
    return json.dumps([record.get("sys_bulk_load_source_file"), whole])
