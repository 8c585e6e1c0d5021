"""The record types' JSON Schemas: what may be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.resources.fields import field_tree

if TYPE_CHECKING:
    from loader.resources.base import Record

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(record: type[Record]) -> dict[str, Any]:
    """The JSON Schema of a request's body: the model's, without what a request may not carry."""
    schema = record.model_json_schema(mode="validation")
    for name, child in (field_tree(record).children or {}).items():
        if child.refused:
            schema["properties"].pop(name)
    return {"$schema": _DIALECT, **schema, "title": record.title}
