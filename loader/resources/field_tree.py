"""Read a record type's fields from its JSON Schema, be it a Pydantic model's or an OpenAPI document's.

Beside the standard keywords, three have a meaning of their own here:

- `x-role` says who fills a field (`Role`); `readOnly: true` is the standard's word for one of the roles;
- `format: relative-date` marks an object that holds a relative date;
- an open object (`additionalProperties` is not false) refuses misspellings of the fields that it lists.

Keywords that narrow a value further (`pattern`, `maxLength`, `multipleOf`, …) are not read, and an integer
is a number: the service refuses what breaks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from loader.errors import ConfigurationError
from loader.resources.fields import Field, FieldKind, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or a part of one."""

ROLE_KEY: Final = "x-role"
RELATIVE_DATE: Final = "relative-date"
_DEFINITIONS: Final = "#/$defs/"
_DATES: Final = frozenset({"date", "date-time"})
_KINDS: Final = {
    "string": FieldKind.TEXT,
    "number": FieldKind.NUMBER,
    "integer": FieldKind.NUMBER,
    "boolean": FieldKind.BOOLEAN,
    "array": FieldKind.LIST,
    "object": FieldKind.OBJECT,
}


def bundled(document: Schema, pointer: str = "#") -> Schema:
    """Return one schema of a document by itself: all that it refers to is in its `$defs`.

    Args:
        document: A JSON Schema, or a document that holds some, such as one of OpenAPI.
        pointer: Where in it the schema is, such as `#/components/schemas/BillingRun`.

    Raises:
        ConfigurationError: A reference leads nowhere, or out of the document.
    """
    definitions: dict[str, Schema] = {}

    def copied(part: Any) -> Any:
        if isinstance(part, list):
            return [copied(item) for item in part]
        if not isinstance(part, dict):
            return part
        copy = {key: copied(value) for key, value in part.items() if key != "$defs"}
        if isinstance(reference := part.get("$ref"), str):
            copy["$ref"] = _DEFINITIONS + defined(reference)
        return copy

    def defined(reference: str) -> str:
        name = reference.removeprefix("#/").removeprefix("$defs/").removeprefix("components/schemas/")
        name = name.replace("/", ".")
        if name not in definitions:
            definitions[name] = {}  # known before it is read, as it may refer to itself
            definitions[name] = copied(_at(document, reference))
        return name

    schema: Schema = copied(_at(document, pointer))
    return {"$defs": definitions, **schema} if definitions else schema


def _at(document: Schema, pointer: str) -> Any:
    """The part of a document that a JSON pointer (RFC 6901) names."""
    root, *steps = pointer.split("/")
    part: Any = document
    for step in steps if root == "#" else [pointer]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(part, dict) or name not in part:
            raise ConfigurationError(f"the schema refers to {pointer!r}, which is not in its document")
        part = part[name]
    return part


def field_tree(schema: Schema) -> Field:
    """Return a record type's root: an object with its fields as children, in the schema's order.

    Args:
        schema: As `bundled` returns it. An object that contains itself is read once; further down, its fields
            are of any kind, so that the tree ends.

    Raises:
        ConfigurationError: The schema is not one of an object, or has an unknown role.
    """
    root = _Reader(schema.get("$defs", {})).field("", {**schema, "description": ""}, required=True)
    if root.kind is not FieldKind.OBJECT:
        raise ConfigurationError(f"the schema of a record type describes an object, not {root.kind.value}")
    return root


@dataclass(frozen=True, slots=True)
class _Arm:
    """One of the types that a value may have.

    Attributes:
        schema: It, without references and unions; what is written beside those is merged into it.
        above: The definitions that it is part of.
    """

    schema: Schema
    above: frozenset[str]

    @property
    def is_null(self) -> bool:
        return bool(self.schema.get("type") == "null")


class _Reader:
    """Reads fields from schemas that refer to these definitions."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions

    def field(
        self, path: str, schema: Schema, above: frozenset[str] = frozenset(), *, required: bool = False
    ) -> Field:
        arms = list(self._arms(schema, above))
        values = [arm for arm in arms if not arm.is_null]
        arm = values[0] if values else arms[0]
        kind = _kind([value.schema for value in values])
        role = _role(path, arm.schema)
        return Field(
            path=path,
            kind=kind,
            # In a schema of OpenAPI, a required field that is read-only is required of answers alone.
            required=required and role is not Role.READ_ONLY,
            nullable=len(values) < len(arms) or kind is FieldKind.ANY,
            description=str(arm.schema.get("description", "")),
            role=role,
            enum=tuple(arm.schema.get("enum", ())) if kind is FieldKind.TEXT else (),
            minimum=_minimum(arm.schema) if kind is FieldKind.NUMBER else None,
            item=self._item(path, arm) if kind is FieldKind.LIST else None,
            children=self._children(path, arm) if kind is FieldKind.OBJECT else None,
            is_open=kind is FieldKind.OBJECT and arm.schema.get("additionalProperties", True) is not False,
            is_relative_date=kind is FieldKind.OBJECT and arm.schema.get("format") == RELATIVE_DATE,
        )

    def _item(self, path: str, arm: _Arm) -> Field:
        # What an item's schema says of itself is about one item of its kind, not about this list's.
        return self.field(path, {**_part(arm.schema.get("items")), "description": ""}, arm.above)

    def _children(self, path: str, arm: _Arm) -> dict[str, Field]:
        required = arm.schema.get("required", ())
        return {
            name: self.field(
                f"{path}.{name}" if path else name, _part(schema), arm.above, required=name in required
            )
            for name, schema in arm.schema.get("properties", {}).items()
        }

    def _arms(self, schema: Schema, above: frozenset[str]) -> Iterator[_Arm]:
        """The types that a schema allows, each by itself; one at least."""
        readers: dict[str, Callable[[Any, Schema, frozenset[str]], Iterator[_Arm]]] = {
            "$ref": self._referred,
            "allOf": self._merged,
            "anyOf": self._either,
            "oneOf": self._either,
        }
        for key, read in readers.items():
            if key in schema:
                beside = {name: value for name, value in schema.items() if name != key}
                yield from read(schema[key], beside, above)
                return
        types = schema.get("type")
        names = types if isinstance(types, list) else [types]
        if schema.get("nullable") or None in schema.get("enum", ()):  # OpenAPI 3.0 has `nullable`
            names = [*names, "null"]
        for name in dict.fromkeys(names):
            yield _Arm(_of_type(schema, name), above)

    def _referred(self, reference: str, beside: Schema, above: frozenset[str]) -> Iterator[_Arm]:
        name = reference.removeprefix(_DEFINITIONS)
        if name in above:
            yield _Arm(beside, above)
        else:
            yield from self._arms({**self._definitions[name], **beside}, above | {name})

    def _either(self, schemas: list[Schema], beside: Schema, above: frozenset[str]) -> Iterator[_Arm]:
        for schema in schemas:
            yield from self._arms({**schema, **beside}, above)

    def _merged(self, schemas: list[Schema], beside: Schema, above: frozenset[str]) -> Iterator[_Arm]:
        whole: Schema = {}
        for schema in schemas:
            arms = list(self._arms(schema, above))
            if len(arms) == 1:  # a union here would make every field a union
                above |= arms[0].above
                whole = _joined(whole, arms[0].schema)
        yield from self._arms(_joined(whole, beside), above)


def _part(schema: Any) -> Schema:
    """A schema that may be missing, or be `true`: then anything goes."""
    return schema if isinstance(schema, dict) else {}


def _of_type(schema: Schema, name: str | None) -> Schema:
    """A schema that allows several types, for one of them."""
    if name == "null":
        return {**schema, "type": name}
    one = {**schema, "type": name}
    if "const" in schema:
        one["enum"] = [schema["const"]]
    elif "enum" in schema:
        one["enum"] = [value for value in schema["enum"] if value is not None]
    return one


def _joined(first: Schema, second: Schema) -> Schema:
    """Two schemas that both hold."""
    both = {**first, **second}
    if "properties" in first or "properties" in second:
        both["properties"] = {**first.get("properties", {}), **second.get("properties", {})}
        both["required"] = [*first.get("required", ()), *second.get("required", ())]
    return both


def _kind(schemas: list[Schema]) -> FieldKind:
    """What a value of one of these schemas is; of several kinds: any."""
    kinds = {_kind_of_one(schema) for schema in schemas}
    if len(kinds) != 1:
        return FieldKind.ANY
    (kind,) = kinds
    # A field describes one enum, object or list: of several, none.
    is_plain = kind in {FieldKind.DATE, FieldKind.NUMBER, FieldKind.BOOLEAN}
    return kind if is_plain or len(schemas) == 1 else FieldKind.ANY


def _kind_of_one(schema: Schema) -> FieldKind:
    if "enum" in schema:
        return FieldKind.TEXT if all(isinstance(value, str) for value in schema["enum"]) else FieldKind.ANY
    if schema.get("type") == "string" and schema.get("format") in _DATES:
        return FieldKind.DATE
    if "properties" in schema:
        return FieldKind.OBJECT
    return _KINDS.get(str(schema.get("type")), FieldKind.ANY)


def _role(path: str, schema: Schema) -> Role | None:
    name = schema.get(ROLE_KEY)
    if name is None:
        return Role.READ_ONLY if schema.get("readOnly") else None
    if name not in set(Role):
        allowed = ", ".join(Role)
        raise ConfigurationError(f"{path}: unknown {ROLE_KEY} {name!r}; expected one of {allowed}")
    return Role(name)


def _minimum(schema: Schema) -> float | None:
    least = schema.get("minimum")
    return None if least is None else float(least)
