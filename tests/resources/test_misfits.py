"""Checking JSON values: what `check_value` takes the Pydantic models take, and the reverse."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from loader.codes import CODES
from loader.resources import BUILT_IN
from loader.resources.fields import Field, FieldKind
from loader.resources.misfits import check_value
from tests.resources.test_record_models import RUN, TEMPLATE
from tests.support.model_fields import MODELS

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from loader.resources.base import Record

dates = st.sampled_from(
    [
        *(
            "2019-03-31",
            "2020-02-29T08:00:00Z",
            "2019-02-30",
            "2019-03-31T24:00:00Z",
            "0000-01-01",
            "31.3.2019",
        ),
        *("2019-03-31T23:59:59.123456789Z", "2019-03-31T08:00:00+01:00", "٢٠١٩-03-31", "2019-03-31\n"),
    ]
)
numbers = st.one_of(
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -0.0, -1, 10**400, -(10**400), 1e308, 5e-324]),
)
anything: SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text("ab", max_size=3), dates),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text("ab"), inner, max_size=2)),
    max_leaves=4,
)


def names(field: Field) -> SearchStrategy[str]:
    """Names for an unlisted field: those that look like listed ones among them."""
    listed = sorted(field.children or ["name"])
    near = st.sampled_from(listed).flatmap(
        lambda name: st.sampled_from([name + "s", name[:-1], name.upper(), name.replace("_", "-")])
    )
    return st.one_of(near, st.sampled_from(["zz_extra", "legacy_code", ""])).filter(
        lambda name: name not in (field.children or {})
    )


@st.composite
def values(draw: st.DrawFn, field: Field) -> Any:
    """JSON values for a field: mostly good ones, with a few mistakes in them."""
    if draw(st.integers(0, 40)) == 0:
        return draw(anything)
    if field.enum:
        return draw(st.sampled_from(field.enum))
    if field.kind is FieldKind.OBJECT:
        children = field.children or {}
        required = [name for name, child in children.items() if child.required]
        optional = [name for name, child in children.items() if not child.required]
        missing = draw(st.sampled_from([None] * 20 + required)) if required else None
        chosen = draw(st.lists(st.sampled_from(optional), unique=True, max_size=3)) if optional else []
        given_names = draw(st.permutations([*(name for name in required if name != missing), *chosen]))
        value = {name: draw(values(children[name])) for name in given_names}
        if draw(st.integers(0, 3 if field.is_open else 20)) == 0:
            value[draw(names(field))] = draw(anything)
        return value
    if field.kind is FieldKind.LIST:
        assert field.item is not None
        return draw(st.lists(values(field.item), max_size=2))
    leaves: dict[FieldKind, SearchStrategy[Any]] = {
        FieldKind.TEXT: st.text(max_size=3),
        FieldKind.DATE: dates,
        FieldKind.NUMBER: numbers,
        FieldKind.BOOLEAN: st.booleans(),
    }
    return draw(leaves[field.kind])


def first_error(model: type[Record], text: str) -> tuple[Any, ...] | None:
    """Where the model finds its first error; None where it finds none."""
    try:
        model.model_validate_json(text, strict=True)
    except ValidationError as error:
        loc = error.errors(include_url=False)[0]["loc"]
        return tuple(step for step in loc if step not in {"int", "float"})
    return None


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_fields_and_models_agree(name: str, data: st.DataObject) -> None:
    """Both take the same bodies and name the same mistake first; here a misspelt name is a step, too."""
    root = BUILT_IN[name].root
    text = json.dumps(data.draw(values(root)))
    loc = first_error(MODELS[name], text)
    misfits = list(check_value(root, json.loads(text)))
    exact = check_value(root, json.loads(text, parse_float=Decimal))
    assert [(misfit.kind, misfit.steps) for misfit in exact] == [
        (misfit.kind, misfit.steps) for misfit in misfits
    ]
    assert (not misfits) == (loc is None)
    if loc is not None:
        steps = misfits[0].steps
        assert loc in {steps, steps[:-1]} if misfits[0].kind == "unknown_field" else loc == steps


WRONG: list[tuple[str, Any, dict[str, Any]]] = [
    ("name", 7, {"kind": "wrong_type", "place": "name", "member": "name", "takes": "text", "part": "7"}),
    ("perform_drops", "yes", {"kind": "wrong_type", "takes": "true or false", "part": '"yes"'}),
    ("drop_options", [], {"kind": "wrong_type", "takes": "an object", "part": "[]"}),
    ("sys_version", Decimal("1e400"), {"kind": "wrong_type", "takes": "a number", "part": "1E+400"}),
    ("sys_version", True, {"kind": "wrong_type", "takes": "a number", "part": "true"}),
    ("name", "x" * 7, {}),
    ("name", None, {"kind": "wrong_type", "takes": "text", "part": "null"}),
    ("status", "drafts", {"kind": "enum", "suggestion": "draft", "part": '"drafts"'}),
    ("status", ["x" * 99], {"kind": "enum", "part": '["' + "x" * 58 + "…"}),
    ("run_date", "2019-02-30", {"kind": "invalid", "place": "run_date", "part": '"2019-02-30"'}),
    ("id", "7", {"kind": "invalid", "words": "expected no value, as the server assigns it", "part": '"7"'}),
    ("id", None, {}),
    (
        "application_reminder_options",
        {"reminders": [{"reminder_notice_id": "R"}, {"id": 1}]},
        {
            "kind": "missing_field",
            "place": "application_reminder_options.reminders[1].reminder_notice_id",
            "member": "application_reminder_options.reminders[].reminder_notice_id",
        },
    ),
    ("nmae", 1, {"kind": "unknown_field", "place": "nmae", "suggestion": "name"}),
    ("drop_options", {"drop_notices_id": 1}, {"kind": "unknown_field", "suggestion": "drop_notice_id"}),
    ("drop_options", {"quantum": [1]}, {}),
]


@pytest.mark.parametrize(("name", "value", "expected"), WRONG)
def test_what_a_misfit_has_for_its_sentence(name: str, value: Any, expected: dict[str, Any]) -> None:
    """Each kind has the parameters that its sentence needs, and the catalogue knows them."""
    misfits = list(check_value(BUILT_IN["billing-run"].root, {**RUN, name: value}))
    if not expected:
        assert misfits == []
        return
    (misfit,) = misfits
    data = {"kind": misfit.kind, **misfit.params}
    assert {key: data[key] for key in expected} == expected
    json_code = "json.wrong_value" if misfit.kind == "enum" else f"json.{misfit.kind}"
    assert misfit.params.keys() <= set(CODES[json_code].params)
    # A constant is there once: no member of a list's items groups it.
    assert misfit.params.keys() - {"member"} <= set(CODES[f"constant.{misfit.kind}"].params)


def test_minimum_is_held() -> None:
    """A number below the least one is found, however it is written."""
    root = BUILT_IN["billing-template"].root
    for number in (-1, -0.5, Decimal("-1e-400")):
        body = deepcopy(TEMPLATE)
        body["fundraising_notice_options"]["expiration_date_range_end"]["number"] = number
        (misfit,) = check_value(root, body)
        assert (misfit.kind, misfit.params["minimum"]) == ("minimum", 0)
        assert misfit.steps == ("fundraising_notice_options", "expiration_date_range_end", "number")
