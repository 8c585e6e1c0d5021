"""Columns to propose a mapping for, and what they become: for the tests of proposals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from loader.mapping import parse_mapping
from loader.mapping.tree import leaves
from loader.resources import BUILT_IN
from loader.suggest import Proposal, SourceSample, propose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loader.mapping.grammar import Rule

REQUIRED = {
    "Id": ["1", "2", "3"],
    "Name": ["a", "b", "c"],
    "State": ["D", "C", "C"],
    "From": ["2019-01-01"] * 3,
    "To": ["2019-12-31"] * 3,
    "Invoice Template": ["INV"] * 3,
    "Net Days": ["NET30"] * 3,
}
"""Columns of all that a run requires."""


def propose_for(cells: Mapping[str, Any], resource: str = "billing-run", **source: Any) -> Proposal:
    """Return the proposal for columns: lists of texts, or series of any type."""
    columns = {
        name: values if isinstance(values, pl.Series) else pl.Series(values, dtype=pl.String)
        for name, values in cells.items()
    }
    rows = pl.DataFrame(columns)
    sample = SourceSample(rows, rows.height, complete=True, name="source.csv", source=source)
    return propose(sample, BUILT_IN[resource], BUILT_IN)


def rules(proposal: Proposal) -> dict[str, Rule]:
    """Return the rules that count, by path."""
    plan = parse_mapping(proposal.text, "proposal", BUILT_IN)
    return {leaf.path: leaf.rule for leaf in leaves(plan.tree)}


def rule_of(
    values: Sequence[str | None], name: str = "Run Date", more: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any] | None, Proposal]:
    """Return the rule that a column of a run with all that is required gets; None where it is left out."""
    proposal = propose_for(
        {
            **long_table(len(values)),
            name: values,
            **(more or {}),
        }
    )
    for rule in rules(proposal).values():
        if name in (rule.column, rule.json_column):
            return rule.model_dump(exclude_unset=True, by_alias=True), proposal
    return None, proposal


def long_table(rows: int) -> dict[str, list[str]]:
    """Return columns of all that a run requires, of so many rows, each with a key of its own."""
    return {
        **{name: (values * rows)[:rows] for name, values in REQUIRED.items()},
        "Id": [str(n) for n in range(rows)],
    }
