"""What a mapping means, written a second time: plain, slow, one row after the other.

The property tests hold the compiled engine against this. It is written from the mapping language's
document and shares nothing with the engine but the record types' models. It covers every origin, but
of `sql` only a bare column and `CASE WHEN column = 'text'` (or `IS NULL`), and leaves `where` out. It assumes
that the mapping has no errors that `check` would find.

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
        missing_record: A lookup found no record; the value is None.
        from_cells: A cell behind it was there, the default not counted; a constant never is.
        constant: The rule is a `value:`.
    """

    value: Any = None
    failed: bool = False
    missing_record: bool = False
    from_cells: bool = False
    constant: bool = False


RuleResults = Leaf | dict[str, "RuleResults"] | list["RuleResults"]
"""What rules gave, in the payload's shape: before anything is left out or reported as missing."""


def interpret(
    mapping: Mapping[str, Any], model: type[Record], row: Mapping[str, Any], ids: Ids | None = None
) -> dict[str, Any] | frozenset[str]:
    """Return what becomes of one row.

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
    results = _evaluate(nested(mapping.get("fields", {})), root, cells)
    payload = _finish(results, root, "", needed=True, wrong=wrong)
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
    """Return the rules with dotted keys written out as objects in objects, at every depth."""
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
        return [_nested_below(item) for item in node]
    return nested(node) if isinstance(node, dict) and not is_rule(node) else node


def is_rule(node: Any) -> bool:
    """Return whether a node of `fields:` is a rule, not an object of rules or a list of them."""
    return isinstance(node, str) or (isinstance(node, dict) and not ORIGINS.isdisjoint(node))


def _evaluate(node: Any, field: ModelField, cells: Cells) -> RuleResults:
    if is_rule(node):
        return _leaf({"column": node} if isinstance(node, str) else node, field, cells)
    if isinstance(node, list):
        return [_evaluate(item, field.item or unlisted(field.path), cells) for item in node]
    return {name: _evaluate(item, child(field, name), cells) for name, item in node.items()}


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
        return Leaf(missing_record=True, from_cells=True)
    if value is None:
        return Leaf(plain(rule.get("default")))
    return Leaf(value, from_cells=True)


# --- From what the rules gave to the payload ----------------------------------------------------------


def _finish(results: RuleResults, field: ModelField, path: str, *, needed: bool, wrong: Wrong) -> Any:
    """Return the value to send, or None for nothing; adds the paths of what is wrong to `wrong`."""
    if isinstance(results, dict):
        value: Any = _finish_object(results, field, path, needed=needed, wrong=wrong)
    elif isinstance(results, list):
        value = _finish_list(results, field, path, wrong=wrong)
    elif results.failed:
        wrong.add(path)
        return None
    elif results.missing_record:
        wrong.waiting.add(path)
        return None
    else:
        value = results.value
        if value is not None and not _allowed(value, field):
            wrong.add(path)
        if value is None and needed and _asks_something(field):
            wrong.add(path)
            return None
    return _empty(field, path, wrong) if value is None and needed else value


def _finish_object(
    results: dict[str, RuleResults], field: ModelField, path: str, *, needed: bool, wrong: Wrong
) -> dict[str, Any] | None:
    if not needed and not _is_there(results):
        return None
    members = {}
    required = {name for name, item in (field.children or {}).items() if item.required}
    for name in [*results, *sorted(required - results.keys())]:
        owner = child(field, name)
        below = _finish(
            results.get(name, {} if owner.kind is FieldKind.OBJECT else Leaf()),
            owner,
            f"{path}.{name}" if path else name,
            needed=name in required,
            wrong=wrong,
        )
        if below is not None:
            members[name] = below
    return members


def _finish_list(
    results: list[RuleResults], field: ModelField, path: str, *, wrong: Wrong
) -> list[Any] | None:
    items = [
        _finish(item, field.item or unlisted(path), f"{path}[{index}]", needed=True, wrong=wrong)
        for index, item in enumerate(results)
        if _is_alive(item)
    ]
    return [item for item in items if item is not None] or None


def _empty(field: ModelField, path: str, wrong: Wrong) -> Any:
    """Return a required field without a value: empty where the API requires nothing in it, else wrong."""
    if field.kind is FieldKind.LIST:
        return []
    if field.kind is FieldKind.OBJECT:
        return _finish_object({}, field, path, needed=True, wrong=wrong)
    wrong.add(path)
    return None


def _asks_something(field: ModelField) -> bool:
    """Return whether the field is an object with required fields: a rule that gives none is wrong itself."""
    return any(child.required for child in (field.children or {}).values())


def _allowed(value: Any, field: ModelField) -> bool:
    if field.enum:
        return value in field.enum
    return field.minimum is None or value >= field.minimum


def _leaves(results: RuleResults) -> list[Leaf]:
    if isinstance(results, Leaf):
        return [results]
    return [
        leaf
        for item in (results.values() if isinstance(results, dict) else results)
        for leaf in _leaves(item)
    ]


def _is_there(results: RuleResults) -> bool:
    return any(leaf.failed or leaf.missing_record or leaf.value is not None for leaf in _leaves(results))


def _is_alive(item: RuleResults) -> bool:
    """Return whether a list item is sent.

    An object is, where one of its cells is there or all of it is constant; its defaults alone do not make
    it. A single rule is, where it gives something, be it by its default.
    """
    if isinstance(item, Leaf):
        return item.failed or item.missing_record or item.value is not None
    leaves = _leaves(item)
    return any(leaf.from_cells for leaf in leaves) or all(leaf.constant for leaf in leaves)
