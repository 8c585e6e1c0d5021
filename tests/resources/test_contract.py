"""The record types against the API's own list of fields (`contract.json`: path, type, required, enum)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loader.resources import BUILT_IN
from loader.resources.fields import Field, FieldKind, Role

CONTRACT: dict[str, Any] = json.loads(Path(__file__).with_name("contract.json").read_text(encoding="utf-8"))
TYPE_OF = {
    FieldKind.TEXT: "string",
    FieldKind.DATE: "string",
    FieldKind.NUMBER: "number",
    FieldKind.BOOLEAN: "boolean",
    FieldKind.OBJECT: "object",
    FieldKind.LIST: "array",
}
SPELLED_OUT_ONCE = "fundraising_notice_options.expiration_date_range_end"
"""The relative date whose fields the page lists; the other three are the same shape, unlisted."""

FIELDS = [(name, listed) for name, page in CONTRACT.items() for listed in page["fields"]]


def fields_of(name: str) -> dict[str, Field]:
    """A record type's fields by path, the root left out."""
    return {field.path: field for field in BUILT_IN[name].root.walk() if field.path}


def test_contract_is_whole() -> None:
    """The list has the two record types with 77 and 52 fields."""
    assert {name: len(page["fields"]) for name, page in CONTRACT.items()} == {
        "billing-run": 77,
        "billing-template": 52,
    }


@pytest.mark.parametrize(
    ("name", "listed"), FIELDS, ids=[f"{name}:{listed['path']}" for name, listed in FIELDS]
)
def test_listed_fields_are_in_the_models(name: str, listed: dict[str, Any]) -> None:
    """Each field of the list has its type, required flag and enum in the model."""
    field = fields_of(name)[listed["path"]]
    assert TYPE_OF[field.kind] == listed["type"]
    assert field.required_on_page is listed["required"]
    assert sorted(field.enum) == listed.get("enum", [])


@pytest.mark.parametrize("name", CONTRACT)
def test_models_have_no_other_fields(name: str) -> None:
    """The only fields that the list lacks are those of relative dates, which it spells out once."""
    listed = {field["path"] for field in CONTRACT[name]["fields"]}
    fields = fields_of(name)
    more = fields.keys() - listed
    assert all(fields[path.rpartition(".")[0]].is_relative_date for path in more)
    assert len(more) == (12 if name == "billing-template" else 0)


@pytest.mark.parametrize("name", CONTRACT)
def test_records_know_where_they_are_posted(name: str) -> None:
    """Path and version are those of the API's pages."""
    record_type = BUILT_IN[name]
    assert (record_type.path, record_type.version) == (CONTRACT[name]["path"], CONTRACT[name]["version"])
    assert record_type.service_url.startswith("https://")


def test_relative_dates_are_of_one_shape() -> None:
    """Unlisted relative dates have the fields of the one that the page spells out."""
    fields = fields_of("billing-template")
    dates = [field for field in fields.values() if field.is_relative_date]
    assert len(dates) == 4
    listed = {field["path"] for field in CONTRACT["billing-template"]["fields"]}
    for date in dates:
        children = date.children or {}
        assert {f"{SPELLED_OUT_ONCE}.{name}" for name in children} <= listed
        assert children["number"].minimum == 0


@pytest.mark.parametrize("name", CONTRACT)
def test_fields_are_described(name: str) -> None:
    """Each field says what it means, in a sentence."""
    for path, field in fields_of(name).items():
        assert field.description.endswith("."), path


@pytest.mark.parametrize("name", CONTRACT)
def test_roles_of_fields(name: str) -> None:
    """What the server assigns, what is its own state and what the loader fills has a role; nothing else."""
    fields = fields_of(name)
    assert {path for path, field in fields.items() if field.refused} == {"id"}
    assigned = {path for path, field in fields.items() if field.required_on_page and not field.required}
    assert assigned == {
        "id",
        "sys_created_at",
        "sys_created_by_id",
        "sys_last_modified_at",
        "sys_last_modified_by_id",
    }
    state = {
        "error",
        "error_stack",
        "last_refresh_date",
        "statistics",
        "sys_calculated_field_error",
        "sys_calculated_field_errors",
        "sys_last_security_context",
        "sys_version",
    }
    assert {path for path, field in fields.items() if field.server_state} == state & fields.keys()
    bulk_load = {
        Role.LOADED_AT: "sys_bulk_load_at",
        Role.LOAD_ID: "sys_bulk_load_id",
        Role.LOAD_KEY: "sys_bulk_load_pk",
        Role.RECORD_NO: "sys_bulk_load_record_no",
        Role.SOURCE_FILE: "sys_bulk_load_source_file",
        Role.EXTERNAL_ID: "sys_external_id",
    }
    assert BUILT_IN[name].bulk_load_fields == bulk_load
    assert {path for path, field in fields.items() if field.bulk_load} == set(bulk_load.values())
    assert {path for path, field in fields.items() if field.role} == {
        "id",
        *assigned,
        *(state & fields.keys()),
        *bulk_load.values(),
    }
