"""What of a mapping with errors is sound: it can be compiled, and tried on examples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loader.mapping.tree import EachNode, Leaf, Node, ObjectNode, all_leaves, below_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loader.mapping.document import Path


def sound_part(tree: ObjectNode, is_wrong: Callable[[Path], bool]) -> tuple[ObjectNode, tuple[str, ...]]:
    """A tree without the rules in which errors were found.

    A list with such a rule is left out as a whole, since its items would change their numbers.

    Args:
        tree: The fields.
        is_wrong: Whether an error was found at or below a place of the file.

    Returns:
        The rest, and the payload's paths that are left out, wrong fields without a rule among them.
    """
    left_out: list[str] = []
    return _object(tree, is_wrong, left_out), tuple(left_out)


def _object(node: ObjectNode, is_wrong: Callable[[Path], bool], left_out: list[str]) -> ObjectNode:
    left_out += [f"{node.path}.{name}" if node.path else name for name in node.tried]
    members: dict[str, Node] = {}
    for name, member in node.members.items():
        if isinstance(member, ObjectNode):
            members[name] = _object(member, is_wrong, left_out)
        elif _is_wrong(member, is_wrong) or _tried(member):
            left_out.append(member.path)
        else:
            members[name] = member
    return replace(node, members=members)


def _is_wrong(node: Node, is_wrong: Callable[[Path], bool]) -> bool:
    if isinstance(node, EachNode) and is_wrong(node.place):
        return True
    return any(is_wrong(leaf.place) for leaf in all_leaves(node))


def _tried(node: Node) -> bool:
    """Whether a list has items with wrong fields."""
    return any(isinstance(each, ObjectNode) and each.tried for each in _below(node))


def _below(node: Node) -> Iterator[Node]:
    if not isinstance(node, Leaf):
        for each in below_node(node):
            yield each
            yield from _below(each)


def without_wrong(data: dict[str, Any], places: Sequence[Sequence[str | int]]) -> dict[str, Any]:
    """A mapping file's data without what is wrong in it, so that the rest can be checked.

    Args:
        data: The file's.
        places: Where a model of the grammar has found something wrong.
    """
    kept: dict[str, Any] = {"resource": "", "fields": {}, **data}
    for key, *below in places:
        inner = kept.get(str(key))
        if key == "source" and below and isinstance(inner, dict):
            kept["source"] = {name: each for name, each in inner.items() if name != below[0]}
        elif key == "examples" and below and isinstance(inner, list):
            empty: dict[str, Any] = {"row": {}}
            kept["examples"] = [empty if index == below[0] else each for index, each in enumerate(inner)]
        else:
            kept.pop(str(key), None)
    return {"resource": "", "fields": {}, **kept}
