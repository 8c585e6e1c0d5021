"""Read the text of a mapping, and find all that is wrong with it by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from loader.mapping.check import check_external_id, check_required, check_tree, check_where
from loader.mapping.check_groups import check_groups
from loader.mapping.check_lookup import check_references
from loader.mapping.document import read_document
from loader.mapping.findings import Findings
from loader.mapping.grammar import MappingSpec, Rule
from loader.mapping.grammar_errors import add_grammar_errors
from loader.mapping.model import MappingDraft, MappingPlan
from loader.mapping.prune import without_wrong_keys
from loader.mapping.rules import read_rule
from loader.mapping.tree import Leaf, unlisted
from loader.mapping.tree_builder import build_tree
from loader.text import nearest

if TYPE_CHECKING:
    from loader.mapping.document import Document
    from loader.resources import RecordType, RecordTypes


def parse_mapping(text: str, name: str, types: RecordTypes) -> MappingPlan:
    """Read a mapping and check all that can be known without a source.

    Args:
        text: The YAML.
        name: The file's name, for messages.
        types: The record types that there are.

    Raises:
        MappingError: With every error.
    """
    draft = read_draft(text, name, types)
    draft.findings.raise_errors()
    # Without an error the mapping names a record type that there is.
    return MappingPlan(draft, types[draft.spec.resource])


def read_draft(text: str, name: str, types: RecordTypes) -> MappingDraft:
    """Return a mapping as far as it can be understood, and all that is wrong with it by itself.

    Args:
        text: The YAML.
        name: The file's name, for messages.
        types: The record types that there are.

    Raises:
        MappingError: It is not YAML, or not an object: nothing more can be found in it.
    """
    document = read_document(text, name)
    findings = Findings(document)
    for yaml_path, line in document.repeated:
        label = ".".join(str(part) for part in yaml_path)
        findings.add("yaml.duplicate_key", yaml_path, label, key=str(yaml_path[-1]), line=line)
    spec, wrong_keys = _read_spec(document, findings)
    record_type = None if "resource" in wrong_keys else _find_record_type(spec.resource, types, findings)
    tree = build_tree(spec.fields, record_type, findings)
    external_id = _read_external_id(spec.external_id, findings)
    check_where(spec.where, findings)
    check_tree(tree, list(types), findings)
    check_groups(spec, tree, findings)
    if record_type is not None:
        check_references(tree, record_type.references, findings)
    if "fields" not in wrong_keys:
        check_required(tree, findings)
    if spec.external_id is None:
        findings.add("mapping.no_external_id", (), "external_id")
    return MappingDraft(document, spec, record_type, tree, external_id, findings)


def _read_spec(document: Document, findings: Findings) -> tuple[MappingSpec, set[str]]:
    """Return the keys of the file, and which of them are wrong or missing."""
    data = document.data
    if not isinstance(data, dict):
        findings.add("mapping.not_object", ())
        findings.raise_errors()
    try:
        return MappingSpec.model_validate(data), set()
    except ValidationError as error:
        add_grammar_errors(error, (), "", MappingSpec, findings)
        places = [details["loc"] for details in error.errors(include_url=False)]
        spec = MappingSpec.model_validate(without_wrong_keys(data, places))
        return spec, {str(place[0]) for place in places}


def _find_record_type(name: str, types: RecordTypes, findings: Findings) -> RecordType | None:
    """Return the record type of a name, or else the one that was meant, for further checks."""
    if name in types:
        return types[name]
    suggestion = nearest(name, list(types))
    findings.add(
        "mapping.unknown_record_type",
        ("resource",),
        "resource",
        part="value",
        record_type=name,
        allowed=[*types],
        suggestion=suggestion,
    )
    return types[suggestion] if suggestion else None


def _read_external_id(value: Any, findings: Findings) -> Rule | None:
    if value is None:
        return None
    if isinstance(value, str):
        return Rule(column=value)
    place = ("external_id",)
    rule = read_rule(value, place, "external_id", findings)
    if rule is not None:
        check_external_id(Leaf("external_id", unlisted("external_id"), rule, place), findings)
    return rule
