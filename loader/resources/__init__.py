"""What the API takes: record types, their fields, and whether a JSON value fits one.

A built-in record type is one file and an entry in `BUILT_IN`. Any other is a `RecordType` made of a JSON
Schema, such as one of an OpenAPI document (`bundled`), in a registry that is passed to whoever needs one.
"""

from __future__ import annotations

from typing import Final

from loader.resources.billing_run import BILLING_RUN, BillingRun
from loader.resources.billing_template import BILLING_TEMPLATE, BillingTemplate
from loader.resources.record_type import RecordType, RecordTypes, find_record_type, registry

BUILT_IN: Final[RecordTypes] = registry([BILLING_RUN, BILLING_TEMPLATE])
"""The record types that come with the program."""

__all__ = [
    "BILLING_RUN",
    "BILLING_TEMPLATE",
    "BUILT_IN",
    "BillingRun",
    "BillingTemplate",
    "RecordType",
    "RecordTypes",
    "find_record_type",
    "registry",
]
