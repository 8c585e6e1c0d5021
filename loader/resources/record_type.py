"""A record type: what the API takes at one address, and how its records are found again."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from loader.errors import ConfigurationError
from loader.resources.field_tree import field_tree
from loader.resources.fields import BULK_LOAD_ROLES
from loader.text import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

    from loader.resources.field_tree import Schema
    from loader.resources.fields import Field, Role

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, eq=False)
class RecordType:
    """A record type; two are the same only if they are one object.

    Attributes:
        name: As mappings and `loader schema` name it, such as `billing-run`.
        title: What it is, in a few words.
        service_url: The base URL of the service that it belongs to.
        path: Where it is posted to and listed from, with `{tenantId}`.
        version: The API's version that it was described from.
        schema: The JSON Schema of its records, by itself (`schema_of`, `bundled`).
        references: Fields that hold the id of another record: field -> name of its record type.
        listings: Partial lists, where the whole cannot be listed: field -> path with `{tenantId}`, `{value}`.
    """

    name: str
    title: str
    service_url: str
    path: str
    version: str
    schema: Schema = field(repr=False)
    references: Mapping[str, str] = field(default_factory=dict)
    listings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def root(self) -> Field:
        """The record as a field: an object without a path, with the record's own fields as children.

        Raises:
            ConfigurationError: The schema describes no object, or has an unknown role.
        """
        return field_tree(self.schema)

    @property
    def fields(self) -> Mapping[str, Field]:
        """The record's own fields by name, in the schema's order."""
        return self.root.children or {}

    @cached_property
    def bulk_load_fields(self) -> Mapping[Role, str]:
        """The names of the fields that the loader fills, by role; a record type need not have them all."""
        return MappingProxyType(
            {child.role: name for name, child in self.fields.items() if child.role in BULK_LOAD_ROLES}
        )

    @property
    def request_schema(self) -> dict[str, Any]:
        """The JSON Schema of a request's body: the record's, without what a request may not carry."""
        properties = self.schema.get("properties", {})
        sent = {name: part for name, part in properties.items() if not self.fields[name].refused}
        required = [name for name in self.schema.get("required", ()) if name in sent]
        return {
            "$schema": _DIALECT,
            **self.schema,
            "properties": sent,
            "required": required,
            "title": self.title,
        }


RecordTypes: TypeAlias = "Mapping[str, RecordType]"
"""A registry: name -> record type, in the order in which people see them."""


def registry(types: Iterable[RecordType]) -> RecordTypes:
    """Return a registry of these record types, which nothing can change."""
    return MappingProxyType({record_type.name: record_type for record_type in types})


def schema_of(model: type[BaseModel]) -> Schema:
    """Return the JSON Schema of what a model takes."""
    return model.model_json_schema(mode="validation")


def find_record_type(name: str, types: RecordTypes) -> RecordType:
    """Return the record type of that name.

    Raises:
        ConfigurationError: There is none; names the nearest and all that there are.
    """
    if record_type := types.get(name):
        return record_type
    hint = did_you_mean(name, types) or "."
    raise ConfigurationError(
        f"unknown record type {name!r}{hint} The record types are {', '.join(types)}",
        next_step="Run `loader schema` for the record types.",
    )
