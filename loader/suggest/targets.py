"""The fields of a record type that a column may fill, and how alike a column's name and a field's are."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from loader.resources.fields import Field, FieldKind
from loader.suggest.names import Token, tokens
from loader.suggest.vocabulary import WEAK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from loader.resources import RecordType

_WEAK_WEIGHT: Final = 0.2
_IN_PARENT: Final = 0.7
_IN_DESCRIPTION: Final = 0.35
_NAME_SHARE: Final = 0.6


@dataclass(frozen=True, slots=True)
class Target:
    """A field that a column may fill.

    Attributes:
        field: The field.
        parent: The path of the object that it is in; empty for the record itself.
        own: The concepts of its name.
        around: The concepts of the path above it.
        described: The concepts of its description.
        of_list: The list of objects that it is a field of an item of; None where it is none.
    """

    field: Field
    parent: str
    own: tuple[Token, ...]
    around: frozenset[str]
    described: frozenset[str]
    of_list: Field | None = None

    @property
    def path(self) -> str:
        """Return the field's dotted path."""
        return self.field.path


class Targets:
    """The fields of a record type.

    Args:
        record_type: The record type.
    """

    def __init__(self, record_type: RecordType) -> None:
        self.root = record_type.root
        self._type_words = frozenset(word for token in tokens(record_type.name) for word in token)
        targets = list(_targets(self.root, self._type_words, None))
        self.fields: tuple[Target, ...] = tuple(target for target in targets if target.of_list is None)
        self.items: tuple[Target, ...] = tuple(target for target in targets if target.of_list is not None)
        self.references: Mapping[str, str] = record_type.references
        self._frequency = Counter(
            concept for target in self.fields for concept in {word for token in target.own for word in token}
        )

    def likeness(self, name: Sequence[Token], target: Target) -> float:
        """Return how alike a column's name is to a field's: 0 to 1; 0 where only weak concepts are shared.

        Args:
            name: The concepts of the column's name.
            target: The field.
        """
        own = frozenset(word for token in target.own for word in token)
        shared = [token for token in name if token & own]
        same = {word for token in shared for word in token & own}
        # `Date` alone means no field, unless a field is called just that, its record type left out.
        is_whole_name = len(shared) == len(name) and same == own - self._type_words
        if not same - WEAK and not (same and is_whole_name):
            return 0.0
        covered = sum(_weight(token) * _share(token, own, target) for token in name)
        words = frozenset(word for token in name for word in token)
        weights = [(self._rarity(token), bool(token & words)) for token in target.own]
        filled = sum(weight for weight, is_shared in weights if is_shared) / sum(
            weight for weight, _ in weights
        )
        return covered / sum(map(_weight, name)) * (_NAME_SHARE + (1 - _NAME_SHARE) * filled)

    def _rarity(self, token: Token) -> float:
        """Return the weight of a concept: one that many fields share hardly shows which is meant."""
        if token <= WEAK:
            return _WEAK_WEIGHT
        return 1 / (1 + math.log(max(1, min(self._frequency[word] for word in token))))


def _weight(token: Token) -> float:
    return _WEAK_WEIGHT if token <= WEAK else 1.0


def _share(token: Token, own: frozenset[str], target: Target) -> float:
    if token & own:
        return 1.0
    if token & target.around:
        return _IN_PARENT
    return _IN_DESCRIPTION if token & target.described else 0.0


def _targets(parent: Field, around: frozenset[str], of_list: Field | None) -> Iterator[Target]:
    for child in (parent.children or {}).values():
        if child.refused or child.bulk_load or child.server_state:
            continue
        own = tokens(child.name)
        described = frozenset(word for token in tokens(child.description) for word in token) - WEAK
        below = around | {word for token in own for word in token}
        is_list_of_objects = (
            child.kind is FieldKind.LIST and child.item is not None and child.item.kind is FieldKind.OBJECT
        )
        yield Target(child, parent.path, own, around, described, of_list)
        if is_list_of_objects and child.item and of_list is None:
            yield from _targets(child.item, below, child)
        elif child.kind is FieldKind.OBJECT and not child.is_relative_date:
            yield from _targets(child, below, of_list)
