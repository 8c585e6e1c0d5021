"""The strategies keep their promises, and the interpreter agrees with the models on all of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from loader.mapping.grammar import CONVERSIONS, NEEDS, ORIGINS
from loader.resources import BILLING_RUN, BILLING_TEMPLATE, BUILT_IN, RecordType
from tests.support.interpreter import interpret, is_rule, nested
from tests.support.model_fields import MODELS
from tests.support.strategies import IDS, UNLISTED, Case, as_yaml, cases

any_case = st.one_of(cases(BILLING_RUN), cases(BILLING_TEMPLATE))
relaxed = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
unshrunk = settings(relaxed, phases=[Phase.generate], max_examples=500)


def _rules(node: Any) -> list[Any]:
    """Draw all rules below a node, bare columns as rules too."""
    if is_rule(node):
        return [{"column": node} if isinstance(node, str) else node]
    below = node.values() if isinstance(node, dict) else node
    return [rule for child in below for rule in _rules(child)]


def _columns(rule: dict[str, Any]) -> list[str]:
    named = [rule[origin] for origin in ("column", "json") if origin in rule]
    inside = re.findall(r"\{([^{}]*)\}", rule.get("template", ""))
    quoted = [name.replace('""', '"') for name in re.findall(r'"((?:[^"]|"")+)"', rule.get("sql", ""))]
    return [*named, *rule.get("columns", []), *inside, *quoted]


@relaxed
@given(any_case)
def test_mappings_survive_yaml(case: Case) -> None:
    """A mapping written as YAML and read again is the same."""
    assert yaml.safe_load(as_yaml(case.mapping)) == case.mapping


@relaxed
@given(any_case)
def test_rows_have_every_column_that_the_mapping_names(case: Case) -> None:
    """No rule reads a column that a row does not have, and no column is without a rule."""
    rules = _rules(nested(case.mapping["fields"]))
    named = {name for rule in rules for name in _columns(rule)}
    named |= {case.mapping["external_id"]} if "external_id" in case.mapping else set()
    for row in case.rows:
        assert set(row) == named


@relaxed
@given(any_case)
def test_payloads_of_the_interpreter_are_valid(case: Case) -> None:
    """What the interpreter would send, the record type's model takes, and nothing in it is lost."""
    for row in case.rows:
        result = interpret(case.mapping, case.model, row, IDS)
        if isinstance(result, dict):
            case.model.model_validate_json(json.dumps(result, default=float))


@relaxed
@given(any_case)
def test_wrong_paths_are_fields(case: Case) -> None:
    """Each path that the interpreter calls wrong is a field's, an item's, or an unlisted one."""
    known = {field.path for field in case.record_type.root.walk()}
    for row in case.rows:
        result = interpret(case.mapping, case.model, row, IDS)
        if isinstance(result, frozenset):
            assert result
            paths = {re.sub(r"\[\d+\]", "", path) for path in result}
            assert all(path in known or set(path.split(".")) & set(UNLISTED) for path in paths)


@pytest.mark.parametrize("record_type", BUILT_IN.values(), ids=list(BUILT_IN))
def test_both_good_and_bad_rows_come_up(record_type: RecordType) -> None:
    """There are rows that are sent and rows that are wrong."""

    def outcome(kind: type) -> Case:
        return find(
            cases(record_type),
            lambda case: any(
                isinstance(interpret(case.mapping, case.model, row, IDS), kind) for row in case.rows
            ),
            settings=unshrunk,
        )

    assert outcome(dict)
    assert outcome(frozenset)


@pytest.mark.parametrize("key", sorted({*ORIGINS, *CONVERSIONS, *NEEDS}))
def test_every_origin_and_conversion_comes_up(key: str) -> None:
    """Some mapping uses it."""
    assert find(
        cases(BILLING_TEMPLATE if key == "relative_date" else BILLING_RUN),
        lambda case: any(key in rule for rule in _rules(nested(case.mapping["fields"]))),
        settings=unshrunk,
    )


@pytest.mark.parametrize("name", BUILT_IN)
def test_models_are_those_of_the_record_types(name: str) -> None:
    """The interpreter's models have the fields of the record types that the engine reads."""
    listed = {field.path for field in BUILT_IN[name].root.walk()}

    assert MODELS.keys() == BUILT_IN.keys()
    assert set(BUILT_IN[name].fields) == set(MODELS[name].model_fields) <= listed
