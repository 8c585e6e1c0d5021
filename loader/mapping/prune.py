"""The part of a mapping with errors that has none: it can be compiled, and tried on examples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loader.mapping.model import EXTERNAL_ID_PATH, MappingPlan
from loader.mapping.tree import EachNode, ObjectNode, all_leaves, child_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from loader.mapping.findings import Findings
    from loader.mapping.model import MappingDraft
    from loader.mapping.tree import Node
    from loader.resources import RecordType


def prune(
    draft: MappingDraft,
    record_type: RecordType,
    joined: Mapping[str, Mapping[str, pl.DataType]],
    findings: Findings,
) -> tuple[MappingPlan, tuple[str, ...]]:
    """Return a mapping without the rules that have errors, and what was left out.

    A list with such a rule is left out as a whole, since its items would change their numbers.

    Args:
        draft: The mapping.
        record_type: Its record type.
        joined: The columns of second files with their types, by the name that the mapping has for them.
        findings: All that was found wrong with it.

    Returns:
        The rest, and the payload's paths without it: wrong fields, their rules, `external_id`, `where`.
    """
    left_out: list[str] = []
    tree = _prune_object(draft.tree, findings, left_out)
    external_id = None if findings.wrong_at(("external_id",)) else draft.external_id
    if external_id is None:
        left_out += [EXTERNAL_ID_PATH, "external_id"]
    spec = draft.spec
    if findings.wrong_at(("where",)):
        spec = spec.model_copy(update={"where": None})
        left_out.append("where")
    pruned = replace(draft, spec=spec, tree=tree, external_id=external_id)
    return MappingPlan(pruned, record_type, joined), tuple(left_out)


def _prune_object(node: ObjectNode, findings: Findings, left_out: list[str]) -> ObjectNode:
    left_out += map(node.path_of, node.failed)
    members: dict[str, Node] = {}
    for name, member in node.members.items():
        if isinstance(member, ObjectNode):
            members[name] = _prune_object(member, findings, left_out)
        elif _has_errors(member, findings):
            left_out.append(member.path)
        else:
            members[name] = member
    return replace(node, members=members)


def _has_errors(node: Node, findings: Findings) -> bool:
    if isinstance(node, EachNode) and findings.wrong_at(node.yaml_path):
        return True
    if any(findings.wrong_at(leaf.yaml_path) for leaf in all_leaves(node)):
        return True
    return any(isinstance(below, ObjectNode) and below.failed for below in _below(node))


def _below(node: Node) -> Iterator[Node]:
    for child in child_nodes(node):
        yield child
        yield from _below(child)


def without_wrong_keys(data: dict[str, Any], places: Sequence[Sequence[str | int]]) -> dict[str, Any]:
    """Return a mapping file's data without what is wrong in it, so that the rest can be checked.

    Args:
        data: The file's.
        places: Where a model of the grammar has found something wrong.
    """
    kept: dict[str, Any] = {"resource": "", "fields": {}, **data}
    for key, *below in places:
        section = kept.get(str(key))
        if key == "source" and below and isinstance(section, dict):
            kept["source"] = {name: value for name, value in section.items() if name != below[0]}
        elif key == "examples" and below and isinstance(section, list):
            # Examples are numbered: a wrong one keeps its place.
            empty: dict[str, Any] = {"row": {}}
            kept["examples"] = [empty if index == below[0] else item for index, item in enumerate(section)]
        else:
            kept.pop(str(key), None)
    return {"resource": "", "fields": {}, **kept}
