"""What a mapping means, said a second time: plain, slow, one row after the other.

The property tests hold the compiled engine against this. It is written from the mapping language's
document and shares nothing with the engine but the record types' models. It covers every origin, but
of `sql` only a bare column and `CASE WHEN column = 'text'` (or `IS NULL`), and leaves `where` out. It takes
for granted that the mapping has no errors that `check` would find.

Numbers come out as `int` where they are whole and as `Decimal` where they are not: compare a payload with
`json.loads(body, parse_float=Decimal)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loader.resources.fields import FieldKind
from tests.support.model_fields import model_root
from tests.support.one_rule import Cells, NotThere, child, convert, identified, origin, plain, unlisted
from tests.support.readings import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.resources.base import Record
    from tests.support.model_fields import ModelField

ORIGINS = frozenset({"column", "columns", "value", "template", "sql", "json", "lookup"})

Ids = dict[str, dict[str, str]]
"""The records that there are: record type -> external id -> id."""


class Waiting(frozenset[str]):
    """The paths of the lookups that find no record, in a row that is right otherwise."""


class Wrong(set[str]):
    """The paths of what is wrong with a row, and those of lookups that find no record."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: set[str] = set()


@dataclass(frozen=True)
class Leaf:
    """What one rule gave.

    Attributes:
        value: A JSON value, the default included; None where there is none.
        failed: A conversion did not succeed; the value is None.
        waits: A lookup found no record; the value is None.
        from_cells: A cell behind it was there, the default not counted; a constant never is.
        constant: The rule is a `value:`.
    """

    value: Any = None
    failed: bool = False
    waits: bool = False
    from_cells: bool = False
    constant: bool = False


Made = Leaf | dict[str, "Made"] | list["Made"]
"""What rules gave, in the payload's shape: before anything is left out or found to be missing."""


def interpret(
    mapping: Mapping[str, Any], model: type[Record], row: Mapping[str, Any], ids: Ids | None = None
) -> dict[str, Any] | frozenset[str]:
    """What becomes of one row.

    Args:
        mapping: The mapping's YAML as data.
        model: The model of its record type.
        row: Cells by column name; a missing column counts as null.
        ids: What lookups find; None: nothing.

    Returns:
        The payload without the bulk-load fields (but with `sys_external_id`, where the mapping has an
        `external_id`), or the paths of the fields that are wrong, with those of lookups that find nothing;
        `Waiting` where there are only such; never an empty set.
    """
    cells = Cells(row, mapping.get("source", {}).get("null_values", [""]), ids or {})
    root = model_root(model)
    wrong = Wrong()
    made = _make(nested(mapping.get("fields", {})), root, cells)
    payload = _finish(made, root, "", needed=True, wrong=wrong)
    if "external_id" in mapping:
        key = cells.text(mapping["external_id"])
        if key:
            payload["sys_external_id"] = key
        else:
            wrong.add("sys_external_id")
    if wrong:
        return frozenset(wrong | wrong.waiting)
    return Waiting(wrong.waiting) if wrong.waiting else payload


def nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The rules with dotted keys written out as objects in objects, at every depth."""
    tree: dict[str, Any] = {}
    for key, node in fields.items():
        below = _nested_below(node)
        for name in reversed(key.split(".")):
            below = {name: below}
        _merge(tree, below)
    return tree


def _merge(tree: dict[str, Any], more: dict[str, Any]) -> None:
    for name, node in more.items():
        if name in tree:
            _merge(tree[name], node)
        else:
            tree[name] = node


def _nested_below(node: Any) -> Any:
    if isinstance(node, list):
        return [_nested_below(each) for each in node]
    return nested(node) if isinstance(node, dict) and not is_rule(node) else node


def is_rule(node: Any) -> bool:
    """Whether a node of `fields:` is a rule, not an object of rules or a list of them."""
    return isinstance(node, str) or (isinstance(node, dict) and not ORIGINS.isdisjoint(node))


def _make(node: Any, field: ModelField, cells: Cells) -> Made:
    if is_rule(node):
        return _leaf({"column": node} if isinstance(node, str) else node, field, cells)
    if isinstance(node, list):
        return [_make(each, field.item or unlisted(field.path), cells) for each in node]
    return {name: _make(each, child(field, name), cells) for name, each in node.items()}


def _leaf(rule: dict[str, Any], field: ModelField, cells: Cells) -> Leaf:
    if "value" in rule:
        return Leaf(plain(rule["value"]), constant=True)
    try:
        value = convert(rule, field, origin(rule, field, cells))
        if "lookup" in rule:
            value = identified(value, cells.ids.get(rule["lookup"], {}))
    except Unreadable:
        return Leaf(failed=True, from_cells=True)
    except NotThere:
        return Leaf(waits=True, from_cells=True)
    if value is None:
        return Leaf(plain(rule.get("default")))
    return Leaf(value, from_cells=True)


# --- From what the rules gave to the payload ----------------------------------------------------------


def _finish(made: Made, field: ModelField, path: str, *, needed: bool, wrong: Wrong) -> Any:
    """The value to send, or None for nothing; adds the paths of what is wrong to `wrong`."""
    if isinstance(made, dict):
        value: Any = _finish_object(made, field, path, needed=needed, wrong=wrong)
    elif isinstance(made, list):
        value = _finish_list(made, field, path, wrong=wrong)
    elif made.failed:
        wrong.add(path)
        return None
    elif made.waits:
        wrong.waiting.add(path)
        return None
    else:
        value = made.value
        if value is not None and not _allowed(value, field):
            wrong.add(path)
        if value is None and needed and _asks_something(field):
            wrong.add(path)
            return None
    return _empty(field, path, wrong) if value is None and needed else value


def _finish_object(
    made: dict[str, Made], field: ModelField, path: str, *, needed: bool, wrong: Wrong
) -> dict[str, Any] | None:
    if not needed and not _is_there(made):
        return None
    found = {}
    required = {name for name, each in (field.children or {}).items() if each.required}
    for name in [*made, *sorted(required - made.keys())]:
        owner = child(field, name)
        below = _finish(
            made.get(name, {} if owner.kind is FieldKind.OBJECT else Leaf()),
            owner,
            f"{path}.{name}" if path else name,
            needed=name in required,
            wrong=wrong,
        )
        if below is not None:
            found[name] = below
    return found


def _finish_list(made: list[Made], field: ModelField, path: str, *, wrong: Wrong) -> list[Any] | None:
    items = [
        _finish(each, field.item or unlisted(path), f"{path}[{index}]", needed=True, wrong=wrong)
        for index, each in enumerate(made)
        if _is_alive(each)
    ]
    return [item for item in items if item is not None] or None


def _empty(field: ModelField, path: str, wrong: Wrong) -> Any:
    """What a required field without a value is: empty where the API asks nothing in it, else wrong."""
    if field.kind is FieldKind.LIST:
        return []
    if field.kind is FieldKind.OBJECT:
        return _finish_object({}, field, path, needed=True, wrong=wrong)
    wrong.add(path)
    return None


def _asks_something(field: ModelField) -> bool:
    """Whether the field is an object with required fields: then a rule that gives none is wrong itself."""
    return any(child.required for child in (field.children or {}).values())


def _allowed(value: Any, field: ModelField) -> bool:
    if field.enum:
        return value in field.enum
    return field.minimum is None or value >= field.minimum


def _leaves(made: Made) -> list[Leaf]:
    if isinstance(made, Leaf):
        return [made]
    return [leaf for each in (made.values() if isinstance(made, dict) else made) for leaf in _leaves(each)]


def _is_there(made: Made) -> bool:
    return any(leaf.failed or leaf.waits or leaf.value is not None for leaf in _leaves(made))


def _is_alive(item: Made) -> bool:
    """Whether a list item is sent.

    An object is, where one of its cells is there or all of it is constant; its defaults alone do not make
    it. A single rule is, where it gives something, be it by its default.
    """
    if isinstance(item, Leaf):
        return item.failed or item.waits or item.value is not None
    leaves = _leaves(item)
    return any(leaf.from_cells for leaf in leaves) or all(leaf.constant for leaf in leaves)
