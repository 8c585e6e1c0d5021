"""Which record type a path is about, and what it offers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loader.resources import RecordType, RecordTypes


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
        record_type: The record type.
        kind: What the path offers.
        segments: The parts between its slashes; those in braces match any text.
        field: For a listing: the field that has the value; None for others.
    """

    record_type: RecordType
    kind: RouteKind
    segments: tuple[str, ...]
    field: str | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that the path takes."""
        return _METHODS[self.kind]

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """Return what a path has in place of the braces, by their names; None where the path is another."""
        if len(segments) != len(self.segments):
            return None
        values = {}
        for pattern, segment in zip(self.segments, segments, strict=True):
            if pattern.startswith("{") and segment:
                values[pattern[1:-1]] = segment
            elif pattern != segment:
                return None
        return values


def routes_of(types: RecordTypes) -> tuple[Route, ...]:
    """Return the routes of all record types."""
    routes = []
    for record_type in types.values():
        routes += [
            Route(record_type, RouteKind.RECORDS, _segments(record_type.path)),
            Route(record_type, RouteKind.RECORD, _segments(record_type.path + "/{id}")),
            *(
                Route(record_type, RouteKind.LISTING, _segments(path), field)
                for field, path in record_type.listings.items()
            ),
        ]
    return tuple(routes)


def find_route(routes: Iterable[Route], path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a path as it was sent, percent-encoded, and what it has in place of the braces."""
    segments = [unquote(part) for part in _segments(path)]
    for route in routes:
        values = route.match(segments)
        if values is not None:
            return route, values
    return None


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.split("/"))
