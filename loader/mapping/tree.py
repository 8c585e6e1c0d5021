"""The mapping's `fields` as a tree that follows the record type's own, nested and dotted keys made one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from loader.mapping.document import is_null
from loader.mapping.findings import Findings, validation_findings
from loader.mapping.grammar import CONVERSIONS, ORIGINS, Each, Rule
from loader.resources.base import OpenShape, Record
from loader.resources.fields import Field, FieldKind
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loader.mapping.document import Path


@dataclass(slots=True)
class Leaf:
    """A field that a rule fills.

    Attributes:
        path: As the payload has it, list items by index: `options.reminders[0].name`.
        target: The record type's field, or the items of a list field.
        rule: Where its value comes from.
        place: Its path in the mapping file, for messages.
    """

    path: str
    target: Field
    rule: Rule
    place: Path


@dataclass(slots=True)
class ObjectNode:
    """An object of the payload.

    Attributes:
        path: As in `Leaf`; empty for the record itself.
        target: As in `Leaf`.
        members: Its fields by name, in payload order.
        item: Whether it is an item of a list.
        tried: Its fields whose rules are wrong: an error tells so, and none that they have no rule.
    """

    path: str
    target: Field
    members: dict[str, Node] = field(default_factory=dict)
    item: bool = False
    tried: set[str] = field(default_factory=set)


@dataclass(slots=True)
class ListNode:
    """A list of the payload whose items are rules or objects of rules."""

    path: str
    target: Field
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class EachNode:
    """A list of the payload with one item for every row of a group or of a second file.

    Attributes:
        path: As in `Leaf`.
        target: As in `Leaf`.
        item: What each row becomes; its path is the list's with `[]` behind it.
        said: What the mapping says beside it.
        place: Its path in the mapping file, for messages.
    """

    path: str
    target: Field
    item: Node
    said: Each
    place: Path


Node = Leaf | ObjectNode | ListNode | EachNode


def leaves(node: Node) -> Iterator[Leaf]:
    """The leaves below a node that read the record's own row, in payload order."""
    if isinstance(node, Leaf):
        yield node
    elif not isinstance(node, EachNode):
        for below in node.members.values() if isinstance(node, ObjectNode) else node.items:
            yield from leaves(below)


def all_leaves(node: Node) -> Iterator[Leaf]:
    """The leaves below a node, those of items of `each` among them, in payload order."""
    if isinstance(node, Leaf):
        yield node
    else:
        for below in below_node(node):
            yield from all_leaves(below)


def is_constant(node: Node) -> bool:
    """Whether nothing below a node asks the row: all of it is `value`."""
    return all(leaf.rule.origin == "value" for leaf in all_leaves(node))


def below_node(node: ObjectNode | ListNode | EachNode) -> Iterable[Node]:
    """The nodes right below one."""
    if isinstance(node, EachNode):
        return (node.item,)
    return node.members.values() if isinstance(node, ObjectNode) else node.items


def each_nodes(node: Node) -> Iterator[EachNode]:
    """The lists below a node that have an item for every row, in payload order."""
    if isinstance(node, EachNode):
        yield node
    elif not isinstance(node, Leaf):
        for below in node.members.values() if isinstance(node, ObjectNode) else node.items:
            yield from each_nodes(below)


def unlisted(path: str, kind: FieldKind = FieldKind.ANY) -> Field:
    """A field that the page of an open object does not list."""
    return Field(path=path, kind=kind, required=False, required_on_page=False, description="", children=None)


def unfillable(target: Field, path: str) -> list[str]:
    """The required fields at and below one that nothing maps; none where `{}` or `[]` will do."""
    if target.kind is FieldKind.LIST:
        return []
    if target.kind is not FieldKind.OBJECT:
        return [path]
    below = (target.children or {}).items()
    return [found for name, child in below if child.required for found in unfillable(child, f"{path}.{name}")]


def build_tree(fields: dict[str, Any], root: Field, findings: Findings) -> ObjectNode:
    """Reads `fields` against the record type; what is wrong goes into `findings` and is left out."""
    builder = _Builder(findings)
    tree = ObjectNode(path="", target=root)
    builder.fill(tree, fields, ("fields",))
    _order(tree)
    return tree


class _Builder:
    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._in_items = False

    def fill(self, node: ObjectNode, entries: dict[str, Any], place: Path) -> None:
        """Adds entries, dotted keys among them, to an object."""
        for key, value in entries.items():
            self._add(node, str(key).split("."), value, (*place, key))

    def _add(self, node: ObjectNode, names: list[str], value: Any, place: Path) -> None:
        name, *below = names
        word = (name, len(str(place[-1])) - len(".".join(names)))
        target = self._target(node, name, place, word)
        if target is None:
            return
        there = node.members.get(name)
        path = f"{node.path}.{name}" if node.path else name
        if below:
            if there is None and target.kind in {FieldKind.OBJECT, FieldKind.ANY}:
                there = node.members[name] = ObjectNode(path=path, target=target)
            if isinstance(there, ObjectNode):
                self._add(there, below, value, place)
            elif there is None:
                message = f"{path} is {_what(target)}: it has no fields of its own"
                self._findings.error(place, path, message, word=word)
                node.tried.add(name)
            else:
                message = f"two rules for one path: {path} already has a rule"
                self._findings.error(place, path, message, word=word)
            return
        plain = isinstance(value, dict) and not (_is_rule(value, target) or _is_each(value, target))
        if isinstance(there, ObjectNode) and plain:
            self.fill(there, value, place)
        elif there is not None:
            self._findings.error(place, path, f"two rules for one path: {path}", word=word)
        elif (made := self._node(path, target, value, place)) is not None:
            node.members[name] = made
        else:
            node.tried.add(name)

    def _target(self, node: ObjectNode, name: str, place: Path, word: tuple[str, int]) -> Field | None:
        """The record type's field of that name; None, with a finding, where there is none to map."""
        path = f"{node.path}.{name}" if node.path else name
        children = node.target.children
        if children is None:
            return unlisted(path)
        if found := children.get(name):
            if found.refused or found.bulk_load:
                whose = "the server assigns it" if found.refused else "the loader fills it by itself"
                if name == "sys_external_id":
                    whose = "it comes from the mapping's external_id"
                self._findings.error(place, path, f"{path} cannot be mapped: {whose}", word=word)
                return None
            if found.server_state:
                self._findings.add("warning", place, path, f"{path} is the server's own state", word=word)
            return found
        shape = node.target.shape
        if shape and issubclass(shape, OpenShape) and not (meant := shape.misspelt(name)):
            return unlisted(path)
        meant = nearest(name, list(children))
        where = f"in {node.path}" if node.path else "in this record type"
        self._findings.error(
            place,
            path,
            f"unknown field {name!r} {where}",
            suggestion=f"did you mean {meant!r}?" if meant else _fields_of(node.target),
            word=word,
        )
        node.tried |= {name, meant or name}
        return None

    def _node(self, path: str, target: Field, value: Any, place: Path, *, item: bool = False) -> Node | None:
        if isinstance(value, list):
            return self._list(path, target, value, place)
        if isinstance(value, str) and not is_null(value):
            return Leaf(path, target, Rule(column=value), place)
        if not isinstance(value, dict):
            found = "; found nothing" if is_null(value) else ""
            message = f"expected a column's name, a rule, or fields with rules{found}"
            self._findings.error(place, path, message)
            return None
        if _is_each(value, target):
            return self._each(path, target, value, place)
        if _is_rule(value, target):
            return self._leaf(path, target, value, place)
        node = ObjectNode(path=path, target=target, item=item)
        self.fill(node, value, place)
        return node

    def _list(self, path: str, target: Field, values: list[Any], place: Path) -> Node | None:
        if target.kind not in {FieldKind.LIST, FieldKind.ANY}:
            self._findings.error(place, path, f"{path} is {_what(target)}, not a list")
            return None
        inner = target.item or unlisted(target.path)
        node = ListNode(path=path, target=target)
        for index, value in enumerate(values):
            made = self._item(f"{path}[{index}]", inner, value, (*place, index))
            if made is not None:
                node.items.append(made)
        return node

    def _item(self, path: str, target: Field, value: Any, place: Path) -> Node | None:
        before, self._in_items = self._in_items, True
        made = self._node(path, target, value, place, item=True)
        self._in_items = before
        return made

    def _each(self, path: str, target: Field, value: dict[str, Any], place: Path) -> EachNode | None:
        """A list with an item for every row."""
        if self._in_items:
            self._findings.error((*place, "each"), path, "each may not stand inside an item of a list")
            return None
        if target.kind not in {FieldKind.LIST, FieldKind.ANY}:
            wrong = f"each makes a list, and {path} is {_what(target)}"
            self._findings.error((*place, "each"), path, wrong)
            return None
        try:
            said = Each.model_validate(value)
        except ValidationError as error:
            self._findings.extend(validation_findings(error, place, path, Each))
            if wrong_keys(error) != {"source"}:  # else whose rows they are is known, and they can be checked
                return None
            said = Each.model_validate({key: each for key, each in value.items() if key != "source"})
        inner = target.item or unlisted(target.path)
        if isinstance(said.each, list):
            self._findings.error((*place, "each"), path, "each is one rule, or one object of rules")
            return None
        item = self._item(f"{path}[]", inner, said.each, (*place, "each"))
        return None if item is None else EachNode(path, target, item, said, place)

    def _leaf(self, path: str, target: Field, value: dict[str, Any], place: Path) -> Leaf | None:
        rule = read_rule(value, place, path, self._findings)
        return None if rule is None else Leaf(path, target, rule, place)


_NEEDS: Final = {"otherwise": "map", "timezone": "datetime"}
"""Keys that say nothing without another one."""


def read_rule(value: Any, place: Path, path: str, findings: Findings) -> Rule | None:
    """A rule, or what is left of it without its wrong keys, for further checks.

    Args:
        value: An object of the file.
        place: Where it stands.
        path: The payload's path, or the mapping's own key.
        findings: All that is wrong goes in here.

    Returns:
        None where what is left has no origin, or is no object at all.
    """
    left, told = value, False
    while True:
        try:
            return Rule.model_validate(left)
        except ValidationError as error:
            wrong = wrong_keys(error)
            if not (told and wrong <= {"", "lookup"}):  # what an origin lacks may be a key that is told
                findings.extend(validation_findings(error, place, path, Rule))
            if not isinstance(left, dict) or not wrong & left.keys() or wrong & {*ORIGINS}:
                return None
            told = True
            left = _without(left, wrong)


def wrong_keys(error: ValidationError) -> set[str]:
    """The keys of an object that an error is about; the empty text stands for the object as a whole."""
    return {
        str(each["loc"][0] if each["loc"] else each.get("ctx", {}).get("key", ""))
        for each in error.errors(include_url=False)
    }


def _without(value: dict[str, Any], wrong: set[str]) -> dict[str, Any]:
    """What is left without wrong keys, and without those that go with one of them, misspelt or not."""
    idle = {key for key, needed in _NEEDS.items() if any(nearest(each, [needed]) for each in wrong)}
    return {key: each for key, each in value.items() if key not in wrong | idle}


def _is_each(value: dict[str, Any], target: Field) -> bool:
    """Whether an object makes a list of rows: it says `each`, or `rows` where only a list can stand."""
    if "each" in value and "each" not in (target.children or {}):
        return True
    return "rows" in value and target.kind is FieldKind.LIST


def _is_rule(value: dict[str, Any], target: Field) -> bool:
    """Whether an object is a rule: it names an origin, or stands where no object can."""
    if any(name in value for name in ORIGINS if name not in (target.children or {})):
        return True
    if target.kind is FieldKind.OBJECT:
        return False
    return target.kind is not FieldKind.ANY or any(name in value for name in CONVERSIONS)


def _fields_of(target: Field) -> str:
    """Which fields an object has: their names, or the command that lists many."""
    if target.shape and issubclass(target.shape, Record):
        return f"loader schema {target.shape.name_of_type} lists the fields"
    return f"there are {', '.join(target.children or {})}"


def _what(target: Field) -> str:
    named = {
        FieldKind.OBJECT: "an object",
        FieldKind.LIST: "a list",
        FieldKind.ANY: "a field",
        FieldKind.TEXT: "text",
    }
    return named.get(target.kind, f"a {target.kind}")


def _order(node: Node) -> None:
    """Puts members in the record type's order, unlisted ones behind, so that payloads read like the page."""
    if isinstance(node, ObjectNode):
        known = list(node.target.children or {})
        rank = {name: index for index, name in enumerate(known)}
        node.members = dict(sorted(node.members.items(), key=lambda each: rank.get(each[0], len(rank))))
    if isinstance(node, EachNode):
        _order(node.item)
    elif not isinstance(node, Leaf):
        for below in node.members.values() if isinstance(node, ObjectNode) else node.items:
            _order(below)
