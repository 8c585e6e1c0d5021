"""A record type from a document that nobody here wrote: JSON Schema as OpenAPI documents have it."""

from __future__ import annotations

from typing import Any

import pytest

from loader.errors import ConfigurationError
from loader.resources import RecordType
from loader.resources.field_tree import bundled, field_tree
from loader.resources.fields import Field, FieldKind, Role
from loader.resources.misfits import check_value

OPENAPI: dict[str, Any] = {
    "openapi": "3.0.3",
    "paths": {
        "/invoices/{tenantId}": {"post": {"requestBody": {"$ref": "#/components/requestBodies/Invoice"}}}
    },
    "components": {
        "schemas": {
            "Entity": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "string", "readOnly": True, "description": "Its id."},
                    "external_id": {"type": "string", "nullable": True, "x-role": "external-id"},
                },
            },
            "Invoice": {
                "description": "What a member has to pay.",
                "allOf": [
                    {"$ref": "#/components/schemas/Entity"},
                    {
                        "type": "object",
                        "required": ["number", "lines", "state"],
                        "properties": {
                            "number": {"type": "integer", "minimum": 1},
                            "due": {"type": "string", "format": "date", "nullable": True},
                            "sent_at": {"type": "string", "format": "date-time"},
                            "state": {"$ref": "#/components/schemas/State"},
                            "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
                            "payer": {"oneOf": [{"$ref": "#/components/schemas/Payer"}, {"type": "null"}]},
                            "paid": {"type": ["boolean", "null"]},
                            "note": {"description": "Anything."},
                            "size": {"anyOf": [{"type": "string"}, {"type": "number"}]},
                            "first/last": {"const": "both"},
                        },
                    },
                ],
            },
            "State": {"type": "string", "enum": ["open", "paid"], "description": "Its state."},
            "Line": {
                "type": "object",
                "additionalProperties": False,
                "required": ["amount"],
                "properties": {
                    "amount": {"type": "number", "minimum": 0},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
                },
            },
            "Payer": {"type": "object", "properties": {"name": {"type": "string"}}},
        }
    },
}
INVOICE = RecordType(
    name="invoice",
    title="Invoice",
    service_url="https://invoices.example.org",
    path="/invoices/{tenantId}",
    version="v1",
    schema=bundled(OPENAPI, "#/components/schemas/Invoice"),
)
BODY: dict[str, Any] = {
    "number": 7,
    "due": "2019-03-31",
    "state": "open",
    "lines": [{"amount": 2.5, "parts": [{"amount": 1}]}],
    "payer": {"name": "Kim", "age": 30},
    "note": [1],
    "size": "L",
    "first/last": "both",
}


def problems(field: Field, value: Any) -> list[tuple[str, str]]:
    """What does not fit, as kind and place."""
    return [(misfit.kind, str(misfit.params.get("place", ""))) for misfit in check_value(field, value)]


def test_fields_of_an_openapi_document() -> None:
    """References, unions with null, enums, formats and minimums are read as the models' are."""
    fields = INVOICE.fields
    assert {name: field.kind for name, field in fields.items()} == {
        "id": FieldKind.TEXT,
        "external_id": FieldKind.TEXT,
        "number": FieldKind.NUMBER,
        "due": FieldKind.DATE,
        "sent_at": FieldKind.DATE,
        "state": FieldKind.TEXT,
        "lines": FieldKind.LIST,
        "payer": FieldKind.OBJECT,
        "paid": FieldKind.BOOLEAN,
        "note": FieldKind.ANY,
        "size": FieldKind.ANY,
        "first/last": FieldKind.TEXT,
    }
    assert {name for name, field in fields.items() if field.required} == {"number", "state", "lines"}
    assert {name for name, field in fields.items() if field.nullable} == {
        *("external_id", "due", "payer", "paid", "note", "size")
    }
    assert (fields["state"].enum, fields["state"].description) == (("open", "paid"), "Its state.")
    assert (fields["number"].minimum, fields["first/last"].enum) == (1, ("both",))
    assert fields["id"].refused
    assert fields["id"].required_on_page
    assert INVOICE.bulk_load_fields == {Role.EXTERNAL_ID: "external_id"}


def test_values_are_held_against_a_document() -> None:
    """A body that the document describes fits, and each mistake in one is found at its place."""
    root = INVOICE.root
    assert problems(root, BODY) == []
    assert problems(root, {**BODY, "id": "7", "number": 0, "lines": [{"amount": -1, "more": 1}]}) == [
        ("invalid", "id"),
        ("minimum", "number"),
        ("minimum", "lines[0].amount"),
        ("unknown_field", "lines[0].more"),
    ]
    assert problems(root, {"state": None, "lines": None, "payer": {"names": "Kim"}}) == [
        ("missing_field", "number"),
        ("enum", "state"),
        ("wrong_type", "lines"),
        ("unknown_field", "payer.names"),
    ]


def test_the_schema_stands_alone_and_has_no_refused_field() -> None:
    """What a document refers to comes along, and nothing else of it."""
    assert set(INVOICE.schema["$defs"]) == {"Entity", "State", "Line", "Payer"}
    body = {"type": "object", "required": ["id", "x"], "properties": {"id": {"readOnly": True}, "x": True}}
    record_type = RecordType(name="r", title="R", service_url="", path="", version="", schema=body)
    request = record_type.request_schema
    assert (request["properties"], request["required"], request["title"]) == ({"x": True}, ["x"], "R")


def test_an_object_that_contains_itself_ends() -> None:
    """Lines hold parts that are lines: those are of any kind."""
    item = INVOICE.fields["lines"].item
    assert item is not None
    parts = (item.children or {})["parts"]
    assert parts.kind is FieldKind.LIST
    assert parts.item == Field(path="lines.parts", kind=FieldKind.ANY)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "array"}, "describes an object, not list"),
        ({"type": "object", "properties": {"a": {"x-role": "king"}}}, "a: unknown x-role 'king'"),
    ],
)
def test_what_is_not_a_record_type(schema: dict[str, Any], words: str) -> None:
    """A schema that describes no record says so."""
    with pytest.raises(ConfigurationError, match=words):
        field_tree(schema)


@pytest.mark.parametrize("pointer", ["#/components/schemas/Bill", "other.yaml#/Bill"])
def test_references_that_lead_nowhere(pointer: str) -> None:
    """A reference to what the document does not have is named."""
    with pytest.raises(ConfigurationError, match=r"Bill' *, which is not in its document"):
        bundled({"$ref": pointer})
