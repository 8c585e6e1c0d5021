"""Build the tree of a mapping's `fields`: nested and dotted keys become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from loader.mapping.document import is_null
from loader.mapping.grammar import CONVERSIONS, ORIGINS, Each, Rule
from loader.mapping.grammar_errors import add_grammar_errors
from loader.mapping.rules import read_rule, wrong_keys
from loader.mapping.tree import EachNode, Leaf, ListNode, Node, ObjectNode, child_nodes, unlisted
from loader.mapping.yaml_paths import Span
from loader.resources.fields import TAKES, Field, FieldKind, Role
from loader.text import nearest

if TYPE_CHECKING:
    from loader.mapping.findings import Findings
    from loader.mapping.yaml_paths import YamlPath
    from loader.resources import RecordType


def build_tree(fields: dict[str, Any], record_type: RecordType | None, findings: Findings) -> ObjectNode:
    """Return `fields` as a tree in the record type's order.

    Args:
        fields: As the mapping file has them.
        record_type: What they are fields of; None: not known, any field is taken.
        findings: What is wrong goes in here, and is left out of the tree.
    """
    root = record_type.root if record_type else unlisted("", FieldKind.OBJECT)
    tree = ObjectNode(path="", target=root)
    _TreeBuilder(record_type, findings).fill(tree, fields, ("fields",))
    _sort_members(tree)
    return tree


class _TreeBuilder:
    def __init__(self, record_type: RecordType | None, findings: Findings) -> None:
        self._record_type = record_type
        self._findings = findings
        self._in_items = False

    def fill(self, node: ObjectNode, entries: dict[str, Any], yaml_path: YamlPath) -> None:
        """Add entries, dotted keys among them, to an object."""
        for key, value in entries.items():
            self._add(node, str(key).split("."), value, (*yaml_path, key))

    def _add(self, node: ObjectNode, names: list[str], value: Any, yaml_path: YamlPath) -> None:
        """Add the entry of a dotted key; `names` are its last names."""
        name, *below = names
        start = len(str(yaml_path[-1])) - len(".".join(names))
        span = Span(start, start + len(name))
        target = self._target(node, name, yaml_path, span)
        if target is None:
            return
        member = node.members.get(name)
        if below:
            self._add_below(node, target, names, value, yaml_path, span)
        elif isinstance(member, ObjectNode) and _is_plain_object(value, target):
            self.fill(member, value, yaml_path)
        elif member is not None:
            self._findings.add("mapping.duplicate_rule", yaml_path, member.path, span=span)
        elif (new := self._node(node.path_of(name), target, value, yaml_path)) is not None:
            node.members[name] = new
        else:
            node.failed.add(name)

    def _add_below(
        self, node: ObjectNode, target: Field, names: list[str], value: Any, yaml_path: YamlPath, span: Span
    ) -> None:
        """Add the entry of a dotted key to the member that its first name means."""
        name, *below = names
        path = node.path_of(name)
        member = node.members.get(name)
        if member is None and target.kind in {FieldKind.OBJECT, FieldKind.ANY}:
            member = node.members[name] = ObjectNode(path=path, target=target)
        if isinstance(member, ObjectNode):
            self._add(member, below, value, yaml_path)
        elif member is None:
            takes = TAKES[target.kind]
            self._findings.add("mapping.no_members", yaml_path, path, span=span, takes=takes)
            node.failed.add(name)
        else:
            self._findings.add("mapping.duplicate_rule", yaml_path, path, span=span)

    def _target(self, node: ObjectNode, name: str, yaml_path: YamlPath, span: Span) -> Field | None:
        """Return the field of that name; None, with a finding, where there is none that can be mapped."""
        path = node.path_of(name)
        field = (node.target.children or {}).get(name)
        if field is not None:
            if code := _refusal(field):
                self._findings.add(code, yaml_path, path, span=span)
                return None
            if field.server_state:
                self._findings.add("mapping.server_state", yaml_path, path, span=span)
            return field
        if node.target.children is None or (node.target.is_open and not node.target.misspelt(name)):
            return unlisted(path)
        self._unknown_field(node, name, yaml_path, span)
        return None

    def _unknown_field(self, node: ObjectNode, name: str, yaml_path: YamlPath, span: Span) -> None:
        names = list(node.target.children or {})
        suggestion = nearest(name, names)
        is_record = not node.path and self._record_type is not None
        self._findings.add(
            "mapping.unknown_field",
            yaml_path,
            node.path_of(name),
            span=span,
            name=name,
            parent=node.path or None,
            allowed=None if is_record else [*names],
            record_type=self._record_type.name if self._record_type and is_record else None,
            suggestion=suggestion,
        )
        node.failed |= {name, suggestion or name}

    def _node(
        self, path: str, target: Field, value: Any, yaml_path: YamlPath, *, item: bool = False
    ) -> Node | None:
        if isinstance(value, list):
            return self._list(path, target, value, yaml_path)
        if isinstance(value, str) and not is_null(value):
            return Leaf(path, target, Rule(column=value), yaml_path)
        if not isinstance(value, dict):
            self._findings.add("mapping.not_a_rule", yaml_path, path, empty=is_null(value) or None)
            return None
        if _is_each(value, target):
            return self._each(path, target, value, yaml_path)
        if _is_rule(value, target):
            rule = read_rule(value, yaml_path, path, self._findings)
            return None if rule is None else Leaf(path, target, rule, yaml_path)
        node = ObjectNode(path=path, target=target, item=item)
        self.fill(node, value, yaml_path)
        return node

    def _list(self, path: str, target: Field, values: list[Any], yaml_path: YamlPath) -> Node | None:
        if target.kind not in {FieldKind.LIST, FieldKind.ANY}:
            self._findings.add("mapping.not_a_list", yaml_path, path, takes=TAKES[target.kind])
            return None
        inner = target.item or unlisted(target.path)
        items = [
            self._item(f"{path}[{index}]", inner, value, (*yaml_path, index))
            for index, value in enumerate(values)
        ]
        return ListNode(path, target, [item for item in items if item is not None])

    def _item(self, path: str, target: Field, value: Any, yaml_path: YamlPath) -> Node | None:
        before, self._in_items = self._in_items, True
        node = self._node(path, target, value, yaml_path, item=True)
        self._in_items = before
        return node

    def _each(self, path: str, target: Field, value: dict[str, Any], yaml_path: YamlPath) -> EachNode | None:
        """Return a list with an item for every row."""
        key_path = (*yaml_path, "each")
        if self._in_items:
            self._findings.add("each.nested", key_path, path)
            return None
        if target.kind not in {FieldKind.LIST, FieldKind.ANY}:
            self._findings.add("each.not_a_list", key_path, path, takes=TAKES[target.kind])
            return None
        spec = self._each_spec(path, value, yaml_path)
        if spec is None:
            return None
        if isinstance(spec.each, list):
            self._findings.add("each.several_rules", key_path, path)
            return None
        item = self._item(f"{path}[]", target.item or unlisted(target.path), spec.each, key_path)
        return None if item is None else EachNode(path, target, item, spec, yaml_path)

    def _each_spec(self, path: str, value: dict[str, Any], yaml_path: YamlPath) -> Each | None:
        try:
            return Each.model_validate(value)
        except ValidationError as error:
            add_grammar_errors(error, yaml_path, path, Each, self._findings)
            if wrong_keys(error) != {"source"}:
                return None
        # How the second file is read does not matter to what its rows become: that can be checked.
        return Each.model_validate({key: option for key, option in value.items() if key != "source"})


def _refusal(field: Field) -> str | None:
    """Return the code for a field that cannot be mapped; None where it can."""
    if field.refused:
        return "mapping.server_field"
    if field.role is Role.EXTERNAL_ID:
        return "mapping.external_id_field"
    return "mapping.loader_field" if field.bulk_load else None


def _is_plain_object(value: Any, target: Field) -> bool:
    """Return whether a value is an object of rules, not a rule."""
    return isinstance(value, dict) and not (_is_rule(value, target) or _is_each(value, target))


def _is_each(value: dict[str, Any], target: Field) -> bool:
    """Return whether an object makes a list of rows: by `each`, or by `rows` where only a list can be."""
    if "each" in value and "each" not in (target.children or {}):
        return True
    return "rows" in value and target.kind is FieldKind.LIST


def _is_rule(value: dict[str, Any], target: Field) -> bool:
    """Return whether an object is a rule: it names an origin, or is in a place where no object can be."""
    if any(name in value for name in ORIGINS if name not in (target.children or {})):
        return True
    if target.kind is FieldKind.OBJECT:
        return False
    return target.kind is not FieldKind.ANY or any(name in value for name in CONVERSIONS)


def _sort_members(node: Node) -> None:
    """Sort members in the record type's order, unlisted ones last, so that payloads read like its page."""
    if isinstance(node, ObjectNode):
        rank = {name: index for index, name in enumerate(node.target.children or {})}
        ordered = sorted(node.members.items(), key=lambda entry: rank.get(entry[0], len(rank)))
        node.members = dict(ordered)
    for child in child_nodes(node):
        _sort_members(child)
