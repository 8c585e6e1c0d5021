"""What one run of a load works on and with: the values that all its parts share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loader.pipeline.rows.inputs import base_url_of

if TYPE_CHECKING:
    from loader.journal import Journal
    from loader.pipeline.context import RunContext
    from loader.pipeline.events import Observer
    from loader.pipeline.rows.inputs import Inputs
    from loader.pipeline.rows.transform import Transformer
    from loader.records import Load
    from loader.resources import RecordType
    from loader.sending import TokenSource
    from loader.settings import RunSettings


@dataclass(frozen=True, slots=True)
class LoadTask:
    """One run of a load.

    Attributes:
        journal: Where its rows are kept; claimed for the load.
        load: The load.
        inputs: What is read.
        settings: How this run sends.
        transformer: Maps and validates its batches.
        token: The bearer token's source.
        context: Where its files go, and who watches.
    """

    journal: Journal
    load: Load
    inputs: Inputs
    settings: RunSettings
    transformer: Transformer
    token: TokenSource
    context: RunContext

    @property
    def observer(self) -> Observer:
        """Return who watches the run."""
        return self.context.observer

    @property
    def load_id(self) -> str:
        """Return the load's id."""
        return self.load.load_id

    @property
    def record_type(self) -> RecordType:
        """Return the type of the records that the load creates."""
        return self.inputs.mapping.record_type

    @property
    def base_url(self) -> str:
        """Return where this run sends to."""
        return base_url_of(self.settings, self.record_type)

    @property
    def refers_to_itself(self) -> bool:
        """Return whether rows look up records that this load may create."""
        return self.load.resource in self.inputs.mapping.lookups
