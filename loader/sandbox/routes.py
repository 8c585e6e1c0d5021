"""Which record type and which question a path is about, read from the registry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import unquote

from loader.resources import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loader.resources import Record


class RouteKind(StrEnum):
    """What a path offers."""

    RECORDS = "records"
    """All records of a tenant: post one, list them."""
    RECORD = "record"
    """One record: read it."""
    LISTING = "listing"
    """The records of a tenant that have a value in a field: list them."""


_METHODS = {RouteKind.RECORDS: ("GET", "POST"), RouteKind.RECORD: ("GET",), RouteKind.LISTING: ("GET",)}


@dataclass(frozen=True, slots=True)
class Route:
    """A path of a record type.

    Attributes:
        record: The record type.
        kind: What the path offers.
        segments: The parts between its slashes; those in braces stand for any text.
        field: For a listing: the field that has the value; None for others.
    """

    record: type[Record]
    kind: RouteKind
    segments: tuple[str, ...]
    field: str | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that the path takes."""
        return _METHODS[self.kind]

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """What stands in the place of each brace, without it; None where the path is another."""
        if len(segments) != len(self.segments):
            return None
        found = {}
        for wanted, given in zip(self.segments, segments, strict=True):
            if wanted.startswith("{") and given:
                found[wanted[1:-1]] = given
            elif wanted != given:
                return None
        return found


def routes_of(records: Iterable[type[Record]] | None = None) -> tuple[Route, ...]:
    """The routes of the record types; None: of all in the registry."""
    routes = []
    for record in TYPES.values() if records is None else records:
        routes += [
            Route(record, RouteKind.RECORDS, _segments(record.path)),
            Route(record, RouteKind.RECORD, _segments(record.path + "/{id}")),
            *(
                Route(record, RouteKind.LISTING, _segments(path), field)
                for field, path in record.listings.items()
            ),
        ]
    return tuple(routes)


def find_route(routes: Iterable[Route], path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a path as it stands in the request, percent-encoded, and what its braces hold."""
    segments = [unquote(part) for part in _segments(path)]
    for route in routes:
        found = route.match(segments)
        if found is not None:
            return route, found
    return None


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.split("/"))
