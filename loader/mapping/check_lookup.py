"""What can be wrong with a lookup, without knowing the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loader.mapping.tree import all_leaves
from loader.mapping.words import MADE_OF, shown
from loader.resources import TYPES
from loader.resources.fields import Field, FieldKind
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loader.mapping.findings import Findings
    from loader.mapping.tree import Leaf, ObjectNode

_NOT_FOR_KEYS: Final = ("date", "datetime", "number", "boolean", "relative_date")


def check_lookup(leaf: Leaf, item: Field, findings: Findings) -> None:
    """Checks a lookup against its field and against the record types that there are.

    Args:
        leaf: The lookup, and the field that it fills.
        item: The field that a single id becomes: a list's items, or the field itself.
        findings: What is found goes in here.
    """
    _check_record_type(leaf, findings)
    _check_field(leaf, item, findings)
    for name in _NOT_FOR_KEYS:
        if name in leaf.rule.conversions and getattr(leaf.rule, name):
            findings.error((*leaf.place, name), leaf.path, f"a lookup's key is text: {name} does not fit")
    _check_keys(leaf, item, findings)


def check_references(tree: ObjectNode, references: Mapping[str, str], findings: Findings) -> None:
    """Warns of lookups whose record type is not the one that their field refers to.

    Args:
        tree: The mapping's fields.
        references: Field -> record type, as the record type knows them.
        findings: What is found goes in here.
    """
    for leaf in all_leaves(tree):
        wanted, named = references.get(leaf.path), leaf.rule.lookup
        if wanted and named and wanted != named:
            place = (*leaf.place, "lookup")
            findings.add(
                "warning", place, leaf.path, f"{leaf.path} is the id of a {wanted}, not of a {named}"
            )


def _check_record_type(leaf: Leaf, findings: Findings) -> None:
    named, place = leaf.rule.lookup or "", (*leaf.place, "lookup")
    if named not in TYPES:
        meant = nearest(named, list(TYPES))
        findings.error(
            place,
            leaf.path,
            f"unknown record type {named!r}",
            suggestion=f"did you mean {meant!r}?" if meant else f"there are {', '.join(TYPES)}",
        )


def _check_field(leaf: Leaf, item: Field, findings: Findings) -> None:
    path = leaf.path
    if item.enum:
        findings.error(leaf.place, path, f"{path} takes one of {', '.join(item.enum)}; a lookup gives an id")
    elif item.kind not in {FieldKind.TEXT, FieldKind.ANY}:
        findings.error(leaf.place, path, f"{path} takes {MADE_OF[item.kind]}; a lookup gives an id, a text")
    if leaf.rule.split and leaf.target.kind not in {FieldKind.LIST, FieldKind.ANY}:
        findings.error((*leaf.place, "split"), path, f"split makes a list, and {path} takes one id")


def _check_keys(leaf: Leaf, item: Field, findings: Findings) -> None:
    """A table gives further keys. Of a field of a known type these are judged as its constants are."""
    if item.kind is not FieldKind.ANY:
        return
    outside = getattr(leaf.rule.otherwise, "value", None)
    for key, value in {**(leaf.rule.map or {}), "otherwise": outside}.items():
        if value is not None and not isinstance(value, str):
            place = (*leaf.place, "map", key) if key in (leaf.rule.map or {}) else (*leaf.place, "otherwise")
            findings.error(
                place, leaf.path, f"a lookup's key is text: the value of {key!r} is {shown(value)}"
            )
