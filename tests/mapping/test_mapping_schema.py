"""The published grammar: whatever the parser takes validates against it, and wrong keys do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from loader.mapping.document import read_document, typed
from loader.mapping.grammar import MappingSpec, Rule
from loader.mapping.json_schema import any_mapping_schema, hint_line, mapping_schema, schema_name
from loader.resources import BUILT_IN
from loader.settings import SourceOptions
from tests.mapping.mapping_cases import RUN, findings
from tests.support.strategies import Case, as_yaml, cases
from tests.support.written import ROOT, written

if TYPE_CHECKING:
    from loader.resources import RecordType

SCHEMAS = {
    **{name: mapping_schema(entry) for name, entry in BUILT_IN.items()},
    "any": any_mapping_schema(BUILT_IN),
}
VALIDATORS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}
LIST = "application_activation_options.program_ids"
REMINDERS = "application_reminder_options.reminders"


def wrong_at(text: str, name: str = "billing-run") -> list[str]:
    """Return where a mapping is wrong by a schema, as dotted paths."""
    found = VALIDATORS[name].iter_errors(typed(read_document(text).data))
    return [".".join(map(str, item.absolute_path)) for item in found]


@pytest.mark.parametrize("name", VALIDATORS)
def test_schemas_are_schemas(name: str) -> None:
    """They are valid, need no other file, and every key of the grammar has a title and a description."""
    schema = VALIDATORS[name].schema
    assert isinstance(schema, dict)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].startswith("urn:")
    definitions = schema["$defs"]
    for model, at in (
        (MappingSpec, schema),
        (Rule, definitions["Rule"]),
        (SourceOptions, definitions["SourceOptions"]),
    ):
        keys = {info.alias or key for key, info in model.model_fields.items()}
        assert set(at["properties"]) == keys
        for key, item in at["properties"].items():
            assert item.get("description"), key
            assert item.get("title") or item.get("$ref"), key


@pytest.mark.parametrize("record_type", BUILT_IN.values(), ids=BUILT_IN)
def test_shipped_mappings(record_type: RecordType) -> None:
    """Each names the schema file beside it in its first line, and is valid by it."""
    text = (ROOT / "mappings" / f"{record_type.name}.yaml").read_text("utf-8")
    assert text.splitlines()[0] == hint_line(record_type)
    assert hint_line(record_type).endswith(f"$schema={schema_name(record_type)}")
    assert wrong_at(text, record_type.name) == wrong_at(text, "any") == []


def test_what_is_written_from_the_models_is_up_to_date() -> None:
    """Schema files and the README's reference are what `python -m tests.support.written` writes."""
    for path, text in written().items():
        assert path.read_text("utf-8") == text, path


def _spoilt(node: Any, chance: Any) -> bool:
    """Adds a key that is none to some rule of a tree; False where it has no rule but bare names."""
    if isinstance(node, list):
        return any(_spoilt(item, chance) for item in node)
    if not isinstance(node, dict):
        return False
    if "column" in node:
        node["colunm"] = "x"
        return True
    below = list(node.values())
    chance.shuffle(below)
    return any(_spoilt(item, chance) for item in below)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(list(BUILT_IN.values())).flatmap(cases), st.randoms(use_true_random=False))
def test_what_the_parser_takes_is_valid(case: Case, chance: Any) -> None:
    """Random mappings without errors are valid by both schemas; with a wrong key in a rule by none."""
    name = case.record_type.name
    text = as_yaml(case.mapping)
    assert wrong_at(text, name) == wrong_at(text, "any") == []
    if _spoilt(case.mapping["fields"], chance):
        assert wrong_at(as_yaml(case.mapping), name)


@pytest.mark.parametrize(
    "line",
    [
        "  run_date: 2019",
        "  run_date: true",
        "  run_date: {column: 7, date: 2019}",
        "  notification_email: {columns: A, null_if: 0, case: lower, trim: no, default: x}",
        "  sys_locked: {column: A, boolean: {true: [1, true], false: no}}",
        "  notification_email: {column: A, map: {1: x, NO: null}, otherwise: null}",
        "  sys_snapshot_base_version: {column: A, number: {}}",
        f"  {LIST}: {{column: A, split: 1}}",
        f"  {LIST}: [A, 7, {{value: P1}}]",
        f"  {REMINDERS}: [{{reminder_notice_id: A, name: B}}]",
        f"  {REMINDERS}: {{json: A}}",
        "  drop_options: {zz: A, deep: {er: [B, {value: 1}]}}",
        "  drop_options.zz.deep: {column: A, boolean: {true: J, false: N}}",
        "source: {skip_lines: 2, header: no, null_values: NULL, quote: null}",
        "source: {skip_lines: '2'}",
        "external_id: 7",
        "external_id: {template: '{A}-{B}'}",
        "where: true",
        "ignore: Notes",
        "examples: [{row: {A: 1, B: [x]}, payload: {name: x}}, {row: {}, errors: name}]",
    ],
)  # fmt: skip
def test_other_ways_to_write(line: str) -> None:
    """Numbers, flags and nulls where text is taken, one text for a list: valid where they parse."""
    text = f"{RUN}{line}\n"
    MappingSpec.model_validate(read_document(text).data)
    assert wrong_at(text) == wrong_at(text, "any") == []


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("feilds: {}", ""),
        ("  nmae: A", "fields"),
        ("  id: A", "fields"),
        ("  sys_external_id: A", "fields"),
        ("  sys_locked.deeper: A", "fields"),
        ("  notification_email: {column: A, colunm: B}", "fields.notification_email"),
        ("  notification_email: {column: A, value: B}", "fields.notification_email"),
        ("  notification_email: {case: lower}", "fields.notification_email"),
        ("  notification_email: {column: A, otherwise: keep}", "fields.notification_email"),
        ("  notification_email: {column: A, timezone: Europe/Berlin}", "fields.notification_email"),
        ("  notification_email: {lookup: billing-template}", "fields.notification_email"),
        ("  notification_email: {column: A, case: uper}", "fields.notification_email.case"),
        ("  notification_email: {value: 7}", "fields.notification_email.value"),
        ("  sys_locked: {column: A, default: x}", "fields.sys_locked.default"),
        ("  notification_email: [A]", "fields.notification_email"),
        (
            "  application_activation_options: {program_restriction: {column: A, map: {a: inclde}}}",
            "fields.application_activation_options.program_restriction.map.a",
        ),
        (f"  {REMINDERS}: [{{nmae: A}}]", f"fields.{REMINDERS}.0"),
        ("source: {delimeter: ';'}", "source"),
        ("source: {format: xml}", "source.format"),
        ("source: {skip_lines: -1}", "source.skip_lines"),
        ("examples: [{row: {}, paylod: {}}]", "examples.0"),
        ("examples: [{payload: {}}]", "examples.0"),
    ],
)  # fmt: skip
def test_wrong_keys_and_words(line: str, place: str) -> None:
    """What the parser refuses by form is invalid, at that place."""
    text = f"{RUN}{line}\n"
    assert place in wrong_at(text)
    assert findings(text)


def test_resource_is_named() -> None:
    """A record type's own schema takes no other's mapping; the general one takes each, and no other name."""
    assert wrong_at(RUN, "billing-template")
    assert wrong_at(RUN, "any") == []
    assert wrong_at("resource: billing\nfields: {}", "any") == ["resource"]
