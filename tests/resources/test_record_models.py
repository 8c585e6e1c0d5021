"""What the models of the record types take and refuse, and what their JSON Schema says."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError

from loader.errors import ConfigurationError
from loader.resources import BILLING_RUN, BUILT_IN, BillingRun, BillingTemplate, RecordType, find_record_type
from loader.text import nearest

ON = {"position": "on", "relative_to": "the reference date"}
RUN: dict[str, Any] = {
    "name": "Spring",
    "status": "draft",
    "application_activation_options": {},
    "application_expiration_options": {
        "expiration_date_range_start": "2019-01-01",
        "expiration_date_range_end": "2019-12-31",
    },
    "application_reminder_options": {"reminders": [{"reminder_notice_id": "R1", "id": 1}]},
    "drop_options": {},
    "renewal_forecasting_options": {},
    "renewal_reminder_options": {},
    "training_provider_billing_options": {"invoice_template_id": "I", "payment_terms_id": "P"},
}
TEMPLATE: dict[str, Any] = {
    "name": "Schools",
    "fundraising_notice_options": {
        "expiration_date_range_start": ON,
        "expiration_date_range_end": {
            "number": 30,
            "unit_of_time": "days",
            "position": "before",
            "relative_to": "the end of the month",
        },
        "phase_ids": [],
        "program_ids": ["P"],
        "school_ids": [],
    },
    "phase_advancement_options": {},
    "team_notice_options": {
        "visit_start_date_range_start": ON,
        "visit_start_date_range_end": ON,
        "visit_type_ids": [],
    },
}
BODIES = {BillingRun: RUN, BillingTemplate: TEMPLATE}


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The body with one value set."""
    body = deepcopy(body)
    *above, name = path.split(".")
    place = body
    for part in above:
        place = place[part]
    place[name] = value
    return body


@pytest.mark.parametrize("record", BODIES)
def test_least_bodies_are_taken(record: type[BillingRun | BillingTemplate]) -> None:
    """A body with no more than what is required is valid, and comes back as it was."""
    assert record.model_validate(BODIES[record]).model_dump(exclude_none=True) == BODIES[record]


@pytest.mark.parametrize("record", BODIES)
def test_id_is_refused(record: type[BillingRun | BillingTemplate]) -> None:
    """A body with an id is refused, with the reason."""
    with pytest.raises(ValidationError, match="the server assigns it"):
        record.model_validate({**BODIES[record], "id": "r-1"})


@pytest.mark.parametrize("record", BODIES)
def test_each_required_field_is_missed(record: type[BillingRun | BillingTemplate]) -> None:
    """A body without one of its members is refused, and the member named."""
    for name in BODIES[record]:
        with pytest.raises(ValidationError, match=f"{name}\n  Field required"):
            record.model_validate({key: value for key, value in BODIES[record].items() if key != name})


@pytest.mark.parametrize(
    ("path", "listed"),
    [
        ("application_activation_options.program_id", "program_ids"),
        ("application_activation_options.programIds", "program_ids"),
        ("training_provider_billing_options.payment_term_id", "payment_terms_id"),
        ("drop_options.drop_notice", "drop_notice_id"),
    ],
)
def test_misspelt_fields_of_open_objects_name_the_listed_one(path: str, listed: str) -> None:
    """An unlisted field that looks like a listed one is an error."""
    with pytest.raises(ValidationError, match=f"did you mean '{listed}'"):
        BillingRun.model_validate(changed(RUN, path, ["x"]))


@pytest.mark.parametrize("path", ["drop_options.grace_days", "renewal_reminder_options.school_ids"])
def test_open_objects_take_other_fields(path: str) -> None:
    """An unlisted field that looks like no listed one is taken, of any type, and kept."""
    for value in (1, "x", ["a"], {"b": None}, None):
        body = BillingRun.model_validate(changed(RUN, path, value)).model_dump()
        above, name = path.split(".")
        assert body[above][name] == value


@pytest.mark.parametrize(
    ("record", "path"),
    [
        (BillingRun, "zz_other"),
        (BillingTemplate, "fundraising_notice_options.expiration_date_range_end.zz_other"),
    ],
)
def test_closed_objects_refuse_other_fields(record: type[BillingRun | BillingTemplate], path: str) -> None:
    """The record itself and relative dates take listed fields only."""
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        record.model_validate(changed(BODIES[record], path, 1))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", 7),
        ("status", "finished"),
        ("perform_drops", "true"),
        ("run_date", "31.03.2019"),
        ("run_date", "2019-02-30"),
        ("run_date", "2019-03-31T08:00:00"),
        ("run_date", "2019-03-31T25:00:00Z"),
        ("sys_snapshot_base_version", "1"),
        ("sys_snapshot_base_version", True),
        ("sys_snapshot_base_version", float("nan")),
        ("application_activation_options.program_ids", "P1"),
        ("application_activation_options.program_ids", [1]),
        ("application_reminder_options.reminders", [{}]),
        ("drop_options", []),
    ],
)
def test_values_of_another_type_are_refused(path: str, value: object) -> None:
    """Nothing is converted: a value of the wrong type or outside the enum is an error."""
    with pytest.raises(ValidationError):
        BillingRun.model_validate(changed(RUN, path, value))


@pytest.mark.parametrize("value", ["2019-03-31", "2019-03-31T08:00:00Z", "2019-03-31T08:00:00.123Z"])
def test_dates_are_iso(value: str) -> None:
    """A date-like field takes ISO 8601 dates and UTC times."""
    assert BillingRun.model_validate(changed(RUN, "run_date", value)).run_date == value


def test_relative_dates_have_no_negative_number() -> None:
    """`number` is 0 or more."""
    path = "fundraising_notice_options.expiration_date_range_end.number"
    BillingTemplate.model_validate(changed(TEMPLATE, path, 0))
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        BillingTemplate.model_validate(changed(TEMPLATE, path, -1))


def test_record_types_are_found_by_name() -> None:
    """A name gives its record type; a misspelt one names the nearest and all there are."""
    assert find_record_type("billing-run", BUILT_IN) is BILLING_RUN
    with pytest.raises(
        ConfigurationError, match=r"did you mean 'billing-template'.*billing-run, billing-temp"
    ):
        find_record_type("billing_templates", BUILT_IN)


def test_nearest_folds_case_and_separators() -> None:
    """Names in other spellings are one; what is like nothing has no nearest."""
    assert nearest("ProgramIDs", ("school_ids", "program_ids")) == "program_ids"
    assert nearest("quantum", ("school_ids", "program_ids")) is None


# --- JSON Schema ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("record_type", BUILT_IN.values(), ids=list(BUILT_IN))
def test_schema_has_what_may_be_sent(record_type: RecordType) -> None:
    """It has every field but id, the required ones of a request, and is closed at the root."""
    body = {"billing-run": RUN, "billing-template": TEMPLATE}[record_type.name]
    schema = record_type.request_schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]) == set(record_type.fields) - {"id"}
    assert set(schema["required"]) == set(body)
    assert schema["additionalProperties"] is False
    assert _complaints(schema, schema, body) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [("status", "finished"), ("name", 7), ("zz_other", 1), ("id", "1"), ("drop_options", None)],
)
def test_schema_refuses_what_the_model_refuses(path: str, value: object) -> None:
    """A wrong enum constant, a wrong type and a field too many break the schema, too."""
    schema = BILLING_RUN.request_schema
    assert _complaints(schema, schema, changed(RUN, path, value))


TYPE_NAMES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "number": (int, float),
    "integer": (int,),
    "null": (type(None),),
}


def _complaints(schema: dict[str, Any], rule: dict[str, Any], value: Any) -> list[str]:
    """What in a value breaks a rule; of JSON Schema as much as Pydantic's schemas of the records use."""
    if "$ref" in rule:
        rule = schema["$defs"][rule["$ref"].rpartition("/")[2]]
    if "anyOf" in rule:
        return min((_complaints(schema, arm, value) for arm in rule["anyOf"]), key=len)
    if "type" in rule and not isinstance(value, TYPE_NAMES[rule["type"]]):
        return [f"{value!r} is not {rule['type']}"]
    complaints = [f"{value!r} is not allowed"] if "enum" in rule and value not in rule["enum"] else []
    if isinstance(value, dict):
        properties = rule.get("properties", {})
        complaints += [f"{name} is missing" for name in rule.get("required", ()) if name not in value]
        if rule.get("additionalProperties") is False:
            complaints += [f"{name} is unknown" for name in value if name not in properties]
        for name in value.keys() & properties:
            complaints += _complaints(schema, properties[name], value[name])
    if isinstance(value, list):
        complaints += [text for item in value for text in _complaints(schema, rule["items"], item)]
    return complaints
