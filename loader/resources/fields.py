"""A record type's fields as a tree: what mappings, checks and the schema command ask about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


class FieldKind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    DATE = "date"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    LIST = "list"
    ANY = "any"
    """Any JSON type: a field that an open object does not list, or one that may be of several types."""


TAKES: Final[Mapping[FieldKind, str]] = {
    FieldKind.TEXT: "text",
    FieldKind.DATE: "a date",
    FieldKind.NUMBER: "a number",
    FieldKind.BOOLEAN: "true or false",
    FieldKind.OBJECT: "an object",
    FieldKind.LIST: "a list",
    FieldKind.ANY: "any value",
}
"""What a field of each kind takes, in words."""


class Role(StrEnum):
    """Who fills a field beside the mapping, as the keyword `x-role` of its schema names it."""

    READ_ONLY = "read-only"
    """The server assigns it and refuses a request that carries it. JSON Schema's `readOnly` says the same."""
    SERVER_ASSIGNED = "server-assigned"
    """Every stored record has it: the server fills it where a request does not."""
    SERVER_STATE = "server-state"
    """The server's own state: it may be sent, and `check` warns."""
    EXTERNAL_ID = "external-id"
    """The record's id in the system that it comes from: the mapping's `external_id`."""
    LOADED_AT = "loaded-at"
    """When the loader processed the row, UTC."""
    LOAD_ID = "load-id"
    LOAD_KEY = "load-key"
    """Tenant and load, as a partition key."""
    RECORD_NO = "record-no"
    """The record's number in its source file, from 1."""
    SOURCE_FILE = "source-file"


BULK_LOAD_ROLES: Final = frozenset(
    {Role.EXTERNAL_ID, Role.LOADED_AT, Role.LOAD_ID, Role.LOAD_KEY, Role.RECORD_NO, Role.SOURCE_FILE}
)
"""The roles of fields that the loader fills for every row, and a mapping cannot."""

_MISSPELT: Final = 0.86
"""How alike an unlisted name must be to a listed one to pass for a misspelling of it (`text.nearest`)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record type.

    Attributes:
        path: Dotted, from the record's root; items of a list have the list's own path.
        kind: What it holds.
        required: A request must carry it, where its object is there at all.
        nullable: It may be null.
        description: What it means; empty where nothing says so.
        role: Who fills it beside the mapping; None: nobody.
        enum: The texts allowed; empty where any is.
        minimum: The least number allowed; None where any is.
        item: For a list: its items; None for others.
        children: For an object: its fields by name, in the schema's order; None where none are known.
        is_open: For an object: it may have fields that `children` does not list, except misspellings of
            listed ones.
        is_relative_date: It is an object that holds a date by its distance from another.
    """

    path: str
    kind: FieldKind
    required: bool = False
    nullable: bool = True
    description: str = ""
    role: Role | None = None
    enum: tuple[str, ...] = ()
    minimum: float | None = None
    item: Field | None = None
    children: Mapping[str, Field] | None = None
    is_open: bool = False
    is_relative_date: bool = False

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def refused(self) -> bool:
        """Whether a request that carries it is refused."""
        return self.role is Role.READ_ONLY

    @property
    def bulk_load(self) -> bool:
        """Whether the loader fills it, and a mapping cannot."""
        return self.role in BULK_LOAD_ROLES

    @property
    def server_state(self) -> bool:
        """Whether it is the server's own state."""
        return self.role is Role.SERVER_STATE

    @property
    def required_on_page(self) -> bool:
        """Whether the API's page calls it required: fields that the server assigns are, too."""
        return self.required or self.role in {Role.READ_ONLY, Role.SERVER_ASSIGNED}

    def walk(self) -> Iterator[Field]:
        """Yield this field and all below it, in the schema's order; below a list, the fields of its items."""
        yield self
        owner = self.item if self.item and self.item.children else self
        for child in (owner.children or {}).values():
            yield from child.walk()

    def misspelt(self, name: str) -> str | None:
        """Return the listed field that an unlisted `name` looks like a misspelling of; None if like none."""
        return misspelt(name, self.children or ())


def misspelt(name: str, listed: Collection[str]) -> str | None:
    """Return the listed name that another looks like a misspelling of; None if like none."""
    return nearest(name, listed, cutoff=_MISSPELT)
