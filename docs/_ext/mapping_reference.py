"""The directive `{mapping-reference}`: the tables of a mapping's keys, from the models that parse it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sphinx.util.docutils import SphinxDirective

from loader.mapping.reference import reference

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata


class MappingReference(SphinxDirective):
    """Show the tables that the README has, too."""

    def run(self) -> list[nodes.Node]:
        """Return the tables; Markdown, as the page itself."""
        self.env.note_reread()  # the models' files are not among the pages that Sphinx watches
        return self.parse_text_to_nodes(reference())


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("mapping-reference", MappingReference)
    return {"parallel_read_safe": True}
