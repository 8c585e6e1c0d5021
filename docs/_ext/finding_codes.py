"""The directive `{finding-codes}`: a section for every finding code, from the catalogue and its wording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from _ext.finding_samples import sample_of
from _ext.markup import definitions, paragraph, section
from loader import wording
from loader.findings import CODES

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

    from loader.findings import Code, Subject

SUBJECTS: Final[dict[Subject, tuple[str, str]]] = {
    "cell": ("Cells", "One value of a row cannot be used for its field."),
    "row": ("Rows", "A row of the source cannot be read, or its external id is known already."),
    "record": ("Records", "A record that is made of several rows is not complete or not clear."),
    "mapping": ("Mappings", "The mapping cannot be used, or is probably not what you mean."),
    "answer": ("Answers", "What the service answered, or what happened to a request or a look-up."),
}


class FindingCodes(SphinxDirective):
    """Show every code: what it is about, how severe it is, its message, and how to fix it."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each subject, with one for each of its codes."""
        self.env.note_reread()  # the catalogue is not among the pages that Sphinx watches
        return [self._subject(subject) for subject in SUBJECTS]

    def _subject(self, subject: Subject) -> nodes.section:
        title, meaning = SUBJECTS[subject]
        result = section(nodes.Text(title), f"codes-{subject}", self.state.document)
        result += paragraph(meaning)
        result += [self._code(code) for code in CODES.values() if code.subject == subject]
        return result

    def _code(self, code: Code) -> nodes.section:
        result = section(nodes.literal(code.name, code.name), code.name, self.state.document)
        finding = sample_of(code)
        message, expected, reason = wording.line(finding), wording.expected(finding), wording.reason(finding)
        items = {
            "Severity": paragraph(code.severity),
            "Cause": paragraph(reason) if reason not in message else None,
            "Example": nodes.literal_block(message, message, language="none", classes=["wrapped"]),
            "Expected": paragraph(expected) if expected else None,
            "Fix": paragraph(wording.fix(finding)),
        }
        result += definitions(*((nodes.Text(name), node) for name, node in items.items() if node))
        return result


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("finding-codes", FindingCodes)
    return {"parallel_read_safe": True}
