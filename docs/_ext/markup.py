"""Pieces of pages that several directives build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator


def inline(text: str) -> Iterator[nodes.Node]:
    """Yield a text's nodes; what is between backticks becomes code."""
    for position, part in enumerate(text.split("`")):
        if part:
            yield nodes.literal(part, part) if position % 2 else nodes.Text(part)


def paragraph(text: str) -> nodes.paragraph:
    """Return a paragraph of a text in which backticks mark code."""
    return nodes.paragraph(text, "", *inline(text))


def section(title: nodes.Node, anchor: str, document: nodes.document) -> nodes.section:
    """Return a section with a title and exactly the address `#anchor` on its page.

    Other pages can link to it as `#anchor`, too.
    """
    result = nodes.section(ids=[anchor], names=[anchor])
    result += nodes.title("", "", title)
    document.note_explicit_target(result, result)
    return result


def definitions(*items: tuple[nodes.Node, nodes.Node]) -> nodes.definition_list:
    """Return a list of terms, each with what it means."""
    return nodes.definition_list(
        "",
        *(
            nodes.definition_list_item("", nodes.term("", "", term), nodes.definition("", meaning))
            for term, meaning in items
        ),
    )
