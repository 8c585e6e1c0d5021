"""What the API takes: one file a record type. A new record type is a new file and a line in `TYPES`."""

from __future__ import annotations

from typing import Final

from loader.errors import ConfigurationError
from loader.resources.base import Record
from loader.resources.billing_run import BillingRun
from loader.resources.billing_template import BillingTemplate
from loader.text import nearest

TYPES: Final[dict[str, type[Record]]] = {each.name_of_type: each for each in (BillingRun, BillingTemplate)}
"""The registry: name of a record type -> its model."""


def record_type(name: str) -> type[Record]:
    """The record type of that name.

    Raises:
        ConfigurationError: There is none; names the nearest and all that there are.
    """
    if found := TYPES.get(name):
        return found
    meant = nearest(name, list(TYPES))
    hint = f"did you mean {meant!r}? " if meant else ""
    raise ConfigurationError(
        f"unknown record type {name!r}: {hint}There are {', '.join(TYPES)}.", next_step="loader schema"
    )


__all__ = ["TYPES", "BillingRun", "BillingTemplate", "Record", "record_type"]
