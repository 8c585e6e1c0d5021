"""The grammar of a mapping as a JSON Schema for editors, made of the models that parse it.

YAML types what has no quotes (`01`, `yes`, `2.5`), and the loader reads it as the key takes it: where text
is taken, the schema takes numbers, flags and nulls as well.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from loader.mapping.grammar import NEEDS, ORIGINS, Each, MappingSpec, Rule
from loader.resources.fields import Field, FieldKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loader.resources import RecordType

Schema = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final[Schema] = {"type": ["string", "number", "boolean", "null"]}
_FLAG: Final[Schema] = {
    "anyOf": [
        {"type": "boolean"},
        {"enum": [0, 1]},
        {"type": "string", "pattern": "^([Tt]rue|TRUE|[Ff]alse|FALSE|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF|"
         "[YyNnTtFf01])$"},
    ]
}  # fmt: skip
_TYPES: Final = {
    FieldKind.TEXT: "string",
    FieldKind.DATE: "string",
    FieldKind.NUMBER: "number",
    FieldKind.BOOLEAN: "boolean",
    FieldKind.OBJECT: "object",
    FieldKind.LIST: "array",
}
_SOURCE: Final = "SourceOptions"


def hint_line(record_type: RecordType) -> str:
    """Return the comment by which editors find a mapping's schema: a file beside the mapping."""
    return f"# yaml-language-server: $schema={schema_name(record_type)}"


def schema_name(record_type: RecordType) -> str:
    """Return the name of the schema file beside a mapping."""
    return f"{record_type.name}.schema.json"


def schema_text(record_type: RecordType) -> str:
    """Return the schema of mappings to a record type as the content of a file."""
    return _file_text(mapping_schema(record_type))


def any_schema_text(names: Iterable[str]) -> str:
    """Return the schema of mappings to any record type as the content of a file; `names` are all of these."""
    return _file_text(any_mapping_schema(names))


def _file_text(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def mapping_schema(record_type: RecordType) -> Schema:
    """Return the JSON Schema (draft 2020-12) of mappings to a record type."""
    schema, definitions = _grammar()
    schema["properties"]["resource"]["const"] = record_type.name
    schema["properties"]["fields"] |= _Fields(definitions).of(record_type.root)
    return _whole(schema, definitions, record_type.name, f"Mapping to {record_type.title}")


def any_mapping_schema(names: Iterable[str]) -> Schema:
    """Return the JSON Schema (draft 2020-12) of mappings to any record type; it does not know their fields.

    Args:
        names: The names of all record types.
    """
    schema, definitions = _grammar()
    schema["properties"]["resource"]["enum"] = list(names)
    schema["properties"]["fields"]["additionalProperties"] = _ref("Node")
    return _whole(schema, definitions, "any", "Mapping")


def _grammar() -> tuple[Schema, dict[str, Schema]]:
    """Return the schema of a mapping and its definitions, without what depends on the record type."""
    schema = MappingSpec.model_json_schema()
    rule = Rule.model_json_schema()
    each_schema = Each.model_json_schema()
    strict = {
        **schema.pop("$defs"),
        **rule.pop("$defs"),
        **each_schema.pop("$defs"),
        "Rule": rule,
        "Each": each_schema,
        "Text": dict(_TEXT),
    }
    definitions = {name: _loosened(part, nulls=name == _SOURCE) for name, part in strict.items()}
    definitions[_SOURCE]["description"] = "How to read the source; what is left out is detected."
    definitions["Rule"] |= _key_dependencies()
    definitions["Each"] |= _each_dependencies()
    definitions["Node"] = _any_node()
    schema = _loosened(schema, nulls=False)
    schema["properties"]["external_id"] |= {"anyOf": [_ref("Text"), _ref("Rule")]}
    return schema, definitions


def _whole(schema: Schema, definitions: dict[str, Schema], name: str, title: str) -> Schema:
    return {
        "$schema": _DIALECT,
        "$id": f"urn:loader:mapping:{name}",
        **schema,
        "title": title,
        "description": "How rows of a source become records.",
        "$defs": definitions,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


# --- The models' schemas, as loose as YAML is ---------------------------------------------------------


def _loosened(schema: Any, *, nulls: bool) -> Any:
    """Return a schema of typed values as one of YAML; `nulls`: a null means that a key is left out."""
    if isinstance(schema, list):
        return [_loosened(part, nulls=nulls) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: {name: _loosened(part, nulls=nulls) for name, part in value.items()}
        if key == "properties"
        else value if key in {"examples", "default"}
        else _loosened(value, nulls=nulls)
        for key, value in schema.items()
    }  # fmt: skip
    if kept.get("default", 0) in (None, [], ()):
        kept.pop("default")
    if "anyOf" in kept:
        return _union(kept, nulls=nulls)
    return _scalar(kept, texts_only=nulls)


def _union(schema: Schema, *, nulls: bool) -> Schema:
    """Return a union without the arm for a key that is left out; one arm alone needs no union."""
    arms = [arm for arm in schema.pop("anyOf") if nulls or arm != {"type": "null"}]
    arms = [inner for arm in arms for inner in (arm["anyOf"] if set(arm) == {"anyOf"} else [arm])]
    return {**arms[0], **schema} if len(arms) == 1 else {"anyOf": arms, **schema}


def _scalar(schema: Schema, *, texts_only: bool) -> Schema:
    kind = schema.get("type")
    if "enum" in schema:
        more = [None] if "null" in schema["enum"] else []
        return {
            **{key: value for key, value in schema.items() if key != "type"},
            "enum": [*schema["enum"], *more],
        }
    if kind == "string" and not texts_only:
        return {**schema, **_TEXT}
    if kind == "boolean":
        return {**{key: value for key, value in schema.items() if key != "type"}, **_FLAG}
    if kind == "integer":
        return {**schema, "type": ["integer", "string"], "pattern": "^\\s*[0-9]+\\s*$"}
    if kind == "array" and "type" in schema["items"] and schema["items"]["type"] != "object":
        rest = {key: value for key, value in schema.items() if key not in {"type", "items"}}
        return {**rest, "anyOf": [dict(_TEXT), {"type": "array", "items": dict(_TEXT)}]}
    return schema


# --- Rules and fields -------------------------------------------------------------------------------


def _key_dependencies() -> Schema:
    """Return which keys of a rule need or exclude one another."""
    alone = [origin for origin in ORIGINS if origin != "lookup"]
    return {
        "oneOf": [{"required": [origin]} for origin in alone],
        "dependentRequired": {key: [needed] for key, needed in NEEDS.items()},
    }


def _each_dependencies() -> Schema:
    """Return which keys of a list of rows need one another."""
    with_rows = {name: ["rows"] for name in ("key", "equals", "source")}
    return {"dependentRequired": {"rows": ["key"], **with_rows}}


def _makes_items() -> Schema:
    """Return a schema that takes objects that make an item of every row."""
    return {"required": ["each"]}


def _has_origin(names: frozenset[str] = frozenset()) -> Schema:
    """Return a schema that takes objects that are rules; `names` are those of fields that they may have."""
    return {"anyOf": [{"required": [origin]} for origin in ORIGINS if origin not in names]}


def _any_node() -> Schema:
    """Return the schema of a field that nothing is known of: a rule, an object of rules, or a list."""
    inside = {"additionalProperties": _ref("Node")}
    return {
        "title": "Rule, fields or list",
        "anyOf": [
            _ref("Text"),
            {"type": "array", "items": _ref("Node")},
            {
                "type": "object",
                "if": _has_origin(),
                "then": _ref("Rule"),
                "else": {"if": _makes_items(), "then": _items(_ref("Node")), "else": inside},
            },
        ],
    }


def _items(item: Schema) -> Schema:
    """Return the schema of a list with an item for every row."""
    return {"allOf": [_ref("Each"), {"properties": {"each": item}}]}


class _Fields:
    """Write the definitions of a record type's fields, each once."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self._definitions = definitions

    def of(self, owner: Field) -> Schema:
        """Return the properties of an object: its fields, and those below them by dotted keys."""
        below = dict(self._paths(owner, ""))
        properties = {path: _ref(self._defined(field)) for path, field in below.items()}
        open_paths = [path for path, field in below.items() if field.is_open]
        schema: Schema = {"properties": properties, "additionalProperties": False}
        if open_paths:
            schema["patternProperties"] = {f"^{re.escape(path)}\\..+$": _ref("Node") for path in open_paths}
        if owner.is_open:
            schema["additionalProperties"] = _ref("Node")
        return schema

    def _paths(self, owner: Field, ahead: str) -> Iterator[tuple[str, Field]]:
        for name, child in (owner.children or {}).items():
            if not child.refused and not child.bulk_load:
                yield ahead + name, child
                yield from self._paths(child, f"{ahead}{name}.")

    def _defined(self, owner: Field, kind: str = "field") -> str:
        name = f"{kind}:{owner.path}"
        if name not in self._definitions:
            self._definitions[name] = {}
            self._definitions[name] = {
                "title": owner.name,
                **({"description": self._description(owner)} if owner.description else {}),
                **self._node(owner),
            }
        return name

    def _description(self, owner: Field) -> str:
        words = owner.description + (" Required." if owner.required else "")
        return words + (f" One of: {', '.join(owner.enum)}." if owner.enum else "")

    def _node(self, owner: Field) -> Schema:
        rule: Schema = {"allOf": [_ref("Rule"), {"properties": self._constants(owner)}]}
        other: Schema = _ref("Text")
        if owner.kind is FieldKind.OBJECT:
            names = frozenset(owner.children or {})
            rule = {"if": _has_origin(names), "then": rule, "else": self.of(owner)}
        elif owner.kind is FieldKind.LIST and owner.item:
            items = _ref(self._defined(owner.item, "item"))
            rule = {"if": _makes_items(), "then": _items(items), "else": rule}
            other = {"if": {"type": "array"}, "then": {"items": items}, "else": _ref("Text")}
        return {"if": {"type": "object"}, "then": rule, "else": other}

    def _constants(self, owner: Field) -> Schema:
        """Return the schemas of the keys that hold a field's constants."""
        constant = _constant(owner)
        item = owner.item if owner.kind is FieldKind.LIST and owner.item else owner
        if not item.enum:
            return {"value": constant, "default": constant}
        word = _constant(item)
        return {
            "value": constant,
            "default": constant,
            "map": {"additionalProperties": word},
            "otherwise": {"properties": {"value": word}},
        }


def _constant(owner: Field) -> Schema:
    if owner.enum:
        return {"enum": [*owner.enum, None]}
    schema: Schema = {"type": [_TYPES[owner.kind], "null"]}
    if owner.kind is FieldKind.LIST and owner.item and owner.item.enum:
        schema["items"] = {"enum": list(owner.item.enum)}
    return schema
