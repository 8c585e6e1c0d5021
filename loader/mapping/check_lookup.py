"""What is wrong with lookups, before any source is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loader.mapping.grammar import PARSING
from loader.mapping.tree import all_leaves
from loader.resources.fields import TAKES, FieldKind
from loader.resources.misfits import shown_json
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.mapping.findings import Findings
    from loader.mapping.tree import Leaf, ObjectNode


def check_lookup(leaf: Leaf, record_types: Sequence[str], findings: Findings) -> None:
    """Check a lookup against its field, and its record type against those that there are.

    Args:
        leaf: The lookup, and the field that it fills.
        record_types: The names of all record types.
        findings: What is wrong goes in here.
    """
    rule, place = leaf.rule, leaf.yaml_path
    name = rule.lookup or ""
    if name not in record_types:
        findings.add(
            "mapping.unknown_record_type",
            (*place, "lookup"),
            leaf.path,
            record_type=name,
            allowed=[*record_types],
            suggestion=nearest(name, record_types),
        )
    _check_field(leaf, findings)
    for key in PARSING:
        if key in rule.conversions and getattr(rule, key):
            findings.add("lookup.conversion", (*place, key), leaf.path, key=key)
    _check_keys(leaf, findings)


def check_references(tree: ObjectNode, references: Mapping[str, str], findings: Findings) -> None:
    """Warn of lookups of a record type that their field does not refer to.

    Args:
        tree: The mapping's fields.
        references: Field -> record type, as the record type knows them.
        findings: What is found goes in here.
    """
    for leaf in all_leaves(tree):
        expected, given = references.get(leaf.path), leaf.rule.lookup
        if expected and given and expected != given:
            place = (*leaf.yaml_path, "lookup")
            findings.add(
                "lookup.wrong_reference", place, leaf.path, record_type=given, expected_type=expected
            )


def _check_field(leaf: Leaf, findings: Findings) -> None:
    item = leaf.item
    if item.enum:
        findings.add("lookup.enum_field", leaf.yaml_path, leaf.path, allowed=[*item.enum])
    elif item.kind not in {FieldKind.TEXT, FieldKind.ANY}:
        findings.add("lookup.field_type", leaf.yaml_path, leaf.path, takes=TAKES[item.kind])
    if leaf.rule.split and leaf.target.kind not in {FieldKind.LIST, FieldKind.ANY}:
        findings.add("rule.split_misfit", (*leaf.yaml_path, "split"), leaf.path)


def _check_keys(leaf: Leaf, findings: Findings) -> None:
    """Check that a table gives keys. Those of a field of a known type are checked as its constants are."""
    if leaf.item.kind is not FieldKind.ANY:
        return
    rule = leaf.rule
    values = [(("map", key), key, value) for key, value in (rule.map or {}).items()]
    values.append((("otherwise", "value"), "otherwise", getattr(rule.otherwise, "value", None)))
    for keys, key, value in values:
        if value is not None and not isinstance(value, str):
            place = (*leaf.yaml_path, *keys)
            findings.add("lookup.key_type", place, leaf.path, part="value", key=key, got=shown_json(value))
