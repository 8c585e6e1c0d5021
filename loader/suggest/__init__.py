"""Proposes a mapping: columns matched to a record type's fields by name and by value, with the evidence."""

from __future__ import annotations

from loader.suggest.proposal import Proposal, SourceSample, propose

__all__ = ["Proposal", "SourceSample", "propose"]
