"""The grammar of a mapping as a JSON Schema, for editors: made of the models that parse it.

YAML types what stands bare (`01`, `yes`, `2.5`), and the loader reads it as the place wants it: where
text is taken, the schema takes numbers, flags and nulls as well.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from loader.mapping.grammar import ORIGINS, Each, MappingSpec, Rule
from loader.resources import TYPES
from loader.resources.fields import Field, FieldKind, field_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.resources import Record

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


def hint_line(record: type[Record]) -> str:
    """The comment by which editors find a mapping's schema: a file beside the mapping."""
    return f"# yaml-language-server: $schema={schema_name(record)}"


def schema_name(record: type[Record]) -> str:
    """What the schema file beside a mapping is called."""
    return f"{record.name_of_type}.schema.json"


def schema_text(record: type[Record] | None) -> str:
    """The schema as the content of a file."""
    return json.dumps(mapping_schema(record), indent=2, ensure_ascii=False) + "\n"


def mapping_schema(record: type[Record] | None = None) -> Schema:
    """The JSON Schema (draft 2020-12) of a mapping.

    Args:
        record: The record type whose fields it names; None: any, whose fields it cannot know.
    """
    schema = MappingSpec.model_json_schema()
    rule = Rule.model_json_schema()
    each = Each.model_json_schema()
    definitions = {
        **schema.pop("$defs"),
        **rule.pop("$defs"),
        **each.pop("$defs"),
        "Rule": rule,
        "Each": each,
    }
    definitions["Text"] = dict(_TEXT)
    definitions = {name: _loosened(each, nulls=name == _SOURCE) for name, each in definitions.items()}
    definitions[_SOURCE]["description"] = "How to read the source; what is left out is detected."
    definitions["Rule"] |= _held_together()
    definitions["Each"] |= _one_source()
    definitions["Node"] = _any_node()
    schema = _loosened(schema, nulls=False)
    properties = schema["properties"]
    properties["external_id"] |= {"anyOf": [_ref("Text"), _ref("Rule")]}
    if record is None:
        properties["resource"]["enum"] = list(TYPES)
        properties["fields"]["additionalProperties"] = _ref("Node")
    else:
        properties["resource"]["const"] = record.name_of_type
        properties["fields"] |= _Fields(definitions).of(field_tree(record))
    named = record.name_of_type if record else "any"
    return {
        "$schema": _DIALECT,
        "$id": f"urn:loader:mapping:{named}",
        **schema,
        "title": f"Mapping to {record.title}" if record else "Mapping",
        "description": "How rows of a source become records.",
        "$defs": definitions,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


# --- What the models say, as loose as YAML is --------------------------------------------------------


def _loosened(schema: Any, *, nulls: bool) -> Any:
    """A schema of typed values as one of YAML; `nulls`: whether a null stands for a key left out."""
    if isinstance(schema, list):
        return [_loosened(each, nulls=nulls) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: {name: _loosened(each, nulls=nulls) for name, each in value.items()}
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
    """Without the arm that stands for a key left out; one arm alone needs no union."""
    arms = [arm for arm in schema.pop("anyOf") if nulls or arm != {"type": "null"}]
    arms = [inner for arm in arms for inner in (arm["anyOf"] if set(arm) == {"anyOf"} else [arm])]
    return {**arms[0], **schema} if len(arms) == 1 else {"anyOf": arms, **schema}


def _scalar(schema: Schema, *, texts_only: bool) -> Schema:
    kind = schema.get("type")
    if "enum" in schema:
        more = [None] if "null" in schema["enum"] else []
        return {
            **{key: each for key, each in schema.items() if key != "type"},
            "enum": [*schema["enum"], *more],
        }
    if kind == "string" and not texts_only:
        return {**schema, **_TEXT}
    if kind == "boolean":
        return {**{key: each for key, each in schema.items() if key != "type"}, **_FLAG}
    if kind == "integer":
        return {**schema, "type": ["integer", "string"], "pattern": "^\\s*[0-9]+\\s*$"}
    if kind == "array" and "type" in schema["items"] and schema["items"]["type"] != "object":
        rest = {key: each for key, each in schema.items() if key not in {"type", "items"}}
        return {**rest, "anyOf": [dict(_TEXT), {"type": "array", "items": dict(_TEXT)}]}
    return schema


# --- Rules and fields -------------------------------------------------------------------------------


def _held_together() -> Schema:
    """What a rule's keys ask of one another."""
    alone = [origin for origin in ORIGINS if origin != "lookup"]
    return {
        "oneOf": [{"required": [origin]} for origin in alone],
        "dependentRequired": {"lookup": ["column"], "otherwise": ["map"], "timezone": ["datetime"]},
    }


def _one_source() -> Schema:
    """What the keys of a list of rows ask of one another; what `each` holds depends on the list."""
    with_rows = {name: ["rows"] for name in ("key", "equals", "source")}
    return {"dependentRequired": {"rows": ["key"], **with_rows}}


def _makes_items() -> Schema:
    """Whether an object makes an item of every row."""
    return {"required": ["each"]}


def _has_origin(names: frozenset[str] = frozenset()) -> Schema:
    """Whether an object is a rule; `names` are those of fields that it may have."""
    return {"anyOf": [{"required": [origin]} for origin in ORIGINS if origin not in names]}


def _any_node() -> Schema:
    """A rule, an object of rules or a list of them, of a field that nothing is known of."""
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
    """A list with an item for every row."""
    return {"allOf": [_ref("Each"), {"properties": {"each": item}}]}


class _Fields:
    """Writes the definitions of a record type's fields, each once."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self._definitions = definitions

    def of(self, owner: Field) -> Schema:
        """The properties of an object: its fields, and dotted those below them."""
        below = dict(self._paths(owner, ""))
        properties = {path: _ref(self._defined(each)) for path, each in below.items()}
        free = [path for path, each in below.items() if each.shape and each.shape.open]
        schema: Schema = {"properties": properties, "additionalProperties": False}
        if free:
            schema["patternProperties"] = {f"^{re.escape(path)}\\..+$": _ref("Node") for path in free}
        if owner.shape and owner.shape.open:
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
                **({"description": self._told(owner)} if owner.description else {}),
                **self._node(owner),
            }
        return name

    def _told(self, owner: Field) -> str:
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
        """What a field's constants may be."""
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
