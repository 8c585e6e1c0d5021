"""The small parts of a proposal: names as concepts, texts as YAML, pairs with the greatest total."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from loader.mapping.document import read_document, typed
from loader.resources import BILLING_RUN, BILLING_TEMPLATE, RecordType
from loader.suggest.assign import Scores, assign
from loader.suggest.names import tokens
from loader.suggest.targets import Targets
from loader.suggest.yaml_lines import comment_text, flow, scalar

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        "true",
        "1",
        "",
        "null",
        "~",
        "a: b",
        "a #b",
        "- a",
        "?",
        "&a",
        "*a",
        "{a}",
        "'",
        '"',
        "\\",
        "é",
        "🎓",
        "=",
        "<<",
    ]
)


def best(name: str, record_type: RecordType = BILLING_RUN) -> str:
    """Return the field that a column's name is most like."""
    targets = Targets(record_type)
    return max(targets.fields, key=lambda target: targets.likeness(tokens(name), target)).path


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Run Name", "name"),
        ("Laufname", "name"),
        ("Bezeichnung", "name"),
        ("STATE", "status"),
        ("Zustand", "status"),
        ("RunDate", "run_date"),
        ("Datum", "run_date"),
        ("laufdatum", "run_date"),
        ("Mail", "notification_email"),
        ("created_at", "sys_created_at"),
        ("angelegt am", "sys_created_at"),
        ("angelegt von", "sys_created_by_id"),
        ("Geändert am", "sys_last_modified_at"),
        ("From", "application_expiration_options.expiration_date_range_start"),
        ("gültig bis", "application_expiration_options.expiration_date_range_end"),
        ("Programme", "application_activation_options.program_ids"),
        ("TP", "application_activation_options.training_provider_ids"),
        ("TrainingProviderRule", "application_activation_options.training_provider_restriction"),
        ("Rechnungsvorlage", "training_provider_billing_options.invoice_template_id"),
        ("Invoice-Template", "training_provider_billing_options.invoice_template_id"),
        ("Zahlungsziel", "training_provider_billing_options.payment_terms_id"),
        ("NetDays", "training_provider_billing_options.payment_terms_id"),
        ("recurring_billing_run_id", "recurring_billing_run_id"),
    ],
)
def test_names_find_their_field(name: str, field: str) -> None:
    """English and German names, written together or apart, are most like the field that they mean."""
    assert best(name) == field


def test_weak_names_match_nothing() -> None:
    """A name of no known word, or of words that any field could have, is like no field."""
    targets = Targets(BILLING_RUN)

    for name in ("", "1", "xyzzy", "Options", "column_1", "???", "Kommentar"):
        assert max(targets.likeness(tokens(name), target) for target in targets.fields) == 0, name


@given(st.text(max_size=30))
def test_any_name_has_concepts(name: str) -> None:
    """No name breaks the reading of names, and a likeness is between 0 and 1."""
    targets = Targets(BILLING_TEMPLATE)

    assert all(0 <= targets.likeness(tokens(name), target) <= 1.01 for target in targets.fields)


@given(TEXTS, TEXTS)
def test_texts_survive_yaml(key: str, value: str) -> None:
    """Any text comes back through the project's reader, and through YAML 1.1's, as key, value and item."""
    line = f"{scalar(key)}: {flow([value, {key: value}])}\n{scalar(key + 'x')}: {scalar(value)}\n"
    expected = {key: [value, {key: value}], key + "x": value}

    assert typed(read_document(line).data) == expected
    assert yaml.safe_load(line) == expected


@given(TEXTS)
def test_comments_stay_comments(words: str) -> None:
    """Whatever a comment holds, the file keeps its lines."""
    assert typed(read_document(f"a: b  # {comment_text(words)}\nc: d\n").data) == {"a": "b", "c": "d"}


def _total(scores: Scores) -> float:
    rows, columns = scores.shape
    if rows > columns:
        return _total(scores.T)
    return max(
        sum(float(scores[row, column]) for row, column in enumerate(chosen))
        for chosen in permutations(range(columns), rows)
    )


@given(st.integers(1, 4), st.integers(1, 5), st.data())
def test_assignment_has_the_greatest_total(rows: int, columns: int, data: st.DataObject) -> None:
    """The pairs are as good as the best of all, none twice, none with a score of nothing."""
    numbers = st.lists(st.sampled_from([0.0, 0.4, 0.5, 0.75, 1.0]), min_size=columns, max_size=columns)
    scores = np.array(data.draw(st.lists(numbers, min_size=rows, max_size=rows)))
    pairs = assign(scores)

    assert sum(scores[pair] for pair in pairs) == pytest.approx(_total(scores))
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(scores[pair] > 0 for pair in pairs)
