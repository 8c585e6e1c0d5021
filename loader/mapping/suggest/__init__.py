"""Proposes a mapping: columns matched to a record type's fields by name and by value, with the evidence."""

from __future__ import annotations

from loader.mapping.suggest.proposal import Proposal, Sample, propose

__all__ = ["Proposal", "Sample", "propose"]
