"""The mapping language: a YAML file says how rows of a source become records of a record type.

`parse_mapping` reads a file's text and finds what is wrong in it by itself; `compile_mapping` holds it
against a source's columns and gives what the payload room runs. `read_draft` and `check_schema` do the same
for `loader check`, which goes on after errors.
"""

from loader.mapping.compiler import check_schema, compile_mapping
from loader.mapping.joins import (
    ColumnReference,
    Join,
    columns_beside_rules,
    join_of,
    joined_columns,
    joins_of,
    row_leaves,
)
from loader.mapping.model import (
    EXTERNAL_ID_PATH,
    ITEM,
    CompiledMapping,
    Grouping,
    Items,
    MappingDraft,
    MappingPlan,
)
from loader.mapping.parse import parse_mapping, read_draft
from loader.mapping.tree import leaves

__all__ = [
    "EXTERNAL_ID_PATH",
    "ITEM",
    "ColumnReference",
    "CompiledMapping",
    "Grouping",
    "Items",
    "Join",
    "MappingDraft",
    "MappingPlan",
    "check_schema",
    "columns_beside_rules",
    "compile_mapping",
    "join_of",
    "joined_columns",
    "joins_of",
    "leaves",
    "parse_mapping",
    "read_draft",
    "row_leaves",
]
