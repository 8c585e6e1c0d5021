"""A mapping's own tests: its example rows go through the real engine, and what comes out is compared."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from loader.findings import dump_findings
from loader.mapping import (
    EXTERNAL_ID_PATH,
    columns_beside_rules,
    compile_mapping,
    joined_columns,
    joins_of,
    leaves,
    row_leaves,
)
from loader.mapping.document import typed
from loader.mapping.expressions import columns_of, sql_columns
from loader.mapping.tree import all_leaves, each_nodes
from loader.mapping.type_words import type_in_words
from loader.payload.comparison import diff, innermost, pruned, same, value_at
from loader.payload.example_rows import (
    CellTypeError,
    example_frame,
    example_frames,
    example_schema,
    rows_schema,
)
from loader.payload.finding_frames import findings_by_record
from loader.payload.groups import build_records, example_records
from loader.payload.rows import build
from loader.records import CORE, STATE, RowFate
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from loader.findings import Finding
    from loader.mapping import CompiledMapping, MappingPlan
    from loader.mapping.findings import Findings
    from loader.mapping.grammar import MappingExample
    from loader.mapping.tree import ObjectNode
    from loader.mapping.yaml_paths import Part, YamlPath
    from loader.payload.results import Payloads

_EXTERNAL_ID_KEY: Final = "external_id"
_BULK_LOAD_PREFIX: Final = "sys_bulk_load_"
_EXAMPLES: Final = "examples"
"""The field of findings that are about an example as a whole."""


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What became of an example's row.

    Attributes:
        state: `ready`, `filtered` or `invalid`.
        payload: The body without the bulk-load fields; None unless ready.
        findings: What is wrong with the row.
    """

    state: str
    payload: dict[str, Any] | None
    findings: tuple[Finding, ...]


def run_examples(
    plan: MappingPlan,
    findings: Findings,
    schema: Mapping[str, pl.DataType] | None = None,
    free: Sequence[str] = (),
    skipped: Sequence[int] = (),
) -> None:
    """Run all examples of a mapping, and report where one differs from what its row becomes.

    Args:
        plan: The mapping.
        findings: What is found is added here, with its place in the mapping's file.
        schema: A source's columns with their types; None: the types that the examples' cells show.
        free: Payload paths that are not compared, nor what is below them.
        skipped: Indexes of examples that are not run.

    Raises:
        MappingError: The mapping cannot be used with these columns.
    """
    examples = plan.spec.examples
    if not examples:
        return
    rules = [leaf.rule for leaf in row_leaves(plan.tree)]
    rules += [plan.external_id] if plan.external_id else []
    where = sql_columns(plan.spec.where) if plan.spec.where else ()
    beside = [reference.name for reference in columns_beside_rules(plan.spec, plan.tree)]
    read = dict.fromkeys([*(name for rule in rules for name in columns_of(rule)), *where, *beside])
    in_sql = {*where, *(name for rule in rules if rule.sql is not None for name in columns_of(rule))}
    types = example_schema(plan.source, read, in_sql, examples, schema)
    plan = replace(plan, joined={**_second_schemas(plan), **plan.joined})
    runner = _ExampleRunner(compile_mapping(plan, types), findings, types, tuple(read), tuple(free))
    for index, example in enumerate(examples):
        if index not in skipped:
            runner.run(index, example)


def _second_schemas(plan: MappingPlan) -> dict[str, dict[str, pl.DataType]]:
    """Return the columns of second files with the types that the examples' cells show."""
    schemas = {}
    for join in joins_of(plan.tree):
        rules = [
            leaf.rule
            for node in each_nodes(plan.tree)
            if node.spec.rows == join.file
            for leaf in leaves(node.item)
        ]
        in_sql = {name for rule in rules if rule.sql is not None for name in columns_of(rule)}
        read = sorted(joined_columns(plan.tree, join.file))
        rows = [row for example in plan.spec.examples for row in example.joined.get(join.file, ())]
        schemas[join.file] = rows_schema(join.source, read, in_sql, rows)
    return schemas


def run_example(
    compiled: CompiledMapping, example: MappingExample, types: Mapping[str, pl.DataType]
) -> ExampleResult:
    """Return what becomes of an example's row, by the engine that loads use.

    Args:
        compiled: The mapping, compiled for these columns.
        example: The example.
        types: The columns with their types.

    Raises:
        CellTypeError: A cell does not have its column's type.
    """
    payloads = _built(compiled, example, types)
    core = payloads.rows[CORE][0]
    # An example is one record: its findings are all that there are.
    findings = tuple(chain.from_iterable(findings_by_record(payloads).values()))
    return ExampleResult(payloads.rows[STATE][0], None if core is None else json.loads(core), findings)


def _built(compiled: CompiledMapping, example: MappingExample, types: Mapping[str, pl.DataType]) -> Payloads:
    if compiled.grouping is None:
        return build(example_frame(example.row, types), compiled)
    yaml_path = ("rows",) if example.rows else ()
    own = example_frames(example.own_rows, types, yaml_path)
    second_files = {
        name: example_frames(example.joined.get(name, ()), schema, ("joined", name))
        for name, schema in compiled.mapping.joined.items()
    }
    rows, children = example_records(own, second_files, compiled)
    return build_records(rows, children, compiled)


@dataclass(frozen=True, slots=True)
class _ExampleRunner:
    """Runs examples of one mapping for one set of columns.

    Attributes:
        compiled: The mapping, compiled for these columns.
        findings: What is found is added here.
        types: The source's columns with their types.
        read: Those that the mapping reads.
        free: Payload paths that are not compared, nor what is below them.
    """

    compiled: CompiledMapping
    findings: Findings
    types: Mapping[str, pl.DataType]
    read: tuple[str, ...]
    free: tuple[str, ...]

    def run(self, index: int, example: MappingExample) -> None:
        """Run one example."""
        yaml_path: YamlPath = ("examples", index)
        self._check_columns(yaml_path, example)
        if (example.payload is None) == (example.errors is None):
            has = "neither" if example.payload is None else "both"
            part: Part = "value" if has == "neither" else "key"
            self._add("example.payload_or_errors", yaml_path, part=part, has=has)
            return
        try:
            result = run_example(self.compiled, example, self.types)
        except CellTypeError as error:
            cell_path = (*yaml_path, *error.yaml_path, error.column)
            self._add(
                "example.cell_type",
                cell_path,
                part="value",
                column=error.column,
                type=type_in_words(error.dtype),
            )
            return
        if example.payload is not None:
            self._compare_payload(yaml_path, example.payload, result)
        else:
            self._compare_errors(yaml_path, example.errors or (), result)

    def _add(self, code: str, yaml_path: YamlPath, field: str = _EXAMPLES, **options: Any) -> None:
        """Add a finding about the example that a path is in."""
        self.findings.add(code, yaml_path, field, example=int(yaml_path[1]) + 1, **options)

    # --- Columns ---------------------------------------------------------------------------------------

    def _check_columns(self, yaml_path: YamlPath, example: MappingExample) -> None:
        """Report columns that their file lacks, or that no rule reads."""
        mapping = self.compiled.mapping
        if example.rows and mapping.spec.group_by is None:
            self.findings.add("example.rows_without_group", (*yaml_path, "rows"), _EXAMPLES)
        for row_path, row in _own_rows(yaml_path, example):
            self._check_cells(row_path, row, None, self.types, self.read)
        for file, rows in example.joined.items():
            file_path = (*yaml_path, "joined", file)
            if file not in mapping.joined:
                suggestion = nearest(file, list(mapping.joined))
                self.findings.add(
                    "example.unknown_second_file",
                    file_path,
                    _EXAMPLES,
                    second_file=file,
                    suggestion=suggestion,
                )
                continue
            read = sorted(joined_columns(mapping.tree, file))
            for number, row in enumerate(rows):
                self._check_cells((*file_path, number), row, file, mapping.joined[file], read)

    def _check_cells(
        self,
        yaml_path: YamlPath,
        row: Mapping[str, Any],
        second_file: str | None,
        types: Mapping[str, pl.DataType],
        read: Sequence[str],
    ) -> None:
        """Report columns of one row that its file lacks, or that no rule reads.

        Args:
            yaml_path: Where the row is in the mapping's file.
            row: Cells by column.
            second_file: The file of the row; None: the source.
            types: The file's columns with their types.
            read: Those that the mapping reads.
        """
        for name in row:
            if name not in types:
                self.findings.add(
                    "mapping.unknown_column",
                    (*yaml_path, name),
                    _EXAMPLES,
                    column=name,
                    second_file=second_file,
                    allowed=list(types),
                    suggestion=nearest(name, list(types)),
                )
            elif name not in read and not self.free:
                self.findings.add(
                    "example.unread_column",
                    (*yaml_path, name),
                    _EXAMPLES,
                    column=name,
                    suggestion=nearest(name, [column for column in read if column not in row]),
                )

    # --- Payloads and errors ---------------------------------------------------------------------------

    def _compare_payload(
        self, yaml_path: YamlPath, expected: Mapping[str, Any], result: ExampleResult
    ) -> None:
        if result.payload is None:
            self._add(
                "example.no_payload",
                (*yaml_path, "payload"),
                state=result.state,
                findings=dump_findings(result.findings),
            )
            return
        for key, expected_value in expected.items():
            key_path = (*yaml_path, "payload", key)
            if key.startswith(_BULK_LOAD_PREFIX):
                self.findings.add("example.filled_field", key_path, key)
                continue
            value = self._compared(key, pruned(typed(expected_value)))
            actual = self._compared(key, value_at(result.payload, key))
            if self._is_free(key) or same(value, actual):
                continue
            inner, part = innermost(value, actual, key_path)
            field = ".".join([key, *(str(step) for step in inner[len(key_path) :])])
            title = f"example {int(yaml_path[1]) + 1}"
            suggestion = None if actual is not None else self._suggest_field(key)
            self._add(
                "example.differs",
                inner,
                field,
                part=part,
                suggestion=suggestion,
                diff=diff(key, value, actual, title),
            )

    def _compare_errors(self, yaml_path: YamlPath, expected: Sequence[str], result: ExampleResult) -> None:
        errors_path = (*yaml_path, "errors")
        if result.state == RowFate.FILTERED:
            self._add("example.filtered", errors_path)
            return
        wrong = {finding.field for finding in result.findings}
        for number, name in enumerate(expected):
            field = _field_of(name)
            if field not in wrong and not self._is_free(field):
                self._add(
                    "example.no_error",
                    (*errors_path, number),
                    name,
                    part="value",
                    suggestion=self._suggest_error(name, wrong - {*expected}),
                    became=_became(field, result),
                )
        listed = {_field_of(name) for name in expected}
        # An example may show one mistake and leave other required fields empty: that is only a warning.
        code = "example.more_errors" if expected else "example.unexpected_error"
        for field in dict.fromkeys(finding.field for finding in result.findings):
            if field not in listed and not self._is_free(field):
                of_field = [finding for finding in result.findings if finding.field == field]
                self._add(code, errors_path, field, findings=dump_findings(of_field))

    def _suggest_error(self, name: str, unlisted: set[str]) -> str | None:
        """Return the field with an error that a listed name may mean, else the field that it may misspell."""
        fields = _fields(self.compiled.mapping.tree)
        return nearest(name, sorted(unlisted)) or (None if name in fields else nearest(name, fields))

    def _suggest_field(self, key: str) -> str | None:
        """Return the field that a key of `payload` may mean; None where a rule fills that key."""
        fields = _fields(self.compiled.mapping.tree)
        if any(_covers(key, field) or _covers(field, key) for field in fields):
            return None
        tops = [field.partition(".")[0] for field in fields]
        return nearest(key, list(dict.fromkeys([*tops, *fields])))

    def _is_free(self, field: str) -> bool:
        return any(_covers(path, field) for path in self.free)

    def _compared(self, path: str, value: Any) -> Any:
        """Return a value without the fields that are not compared."""
        if not isinstance(value, dict):
            return value
        kept = {name: member for name, member in value.items() if not self._is_free(f"{path}.{name}")}
        return {name: self._compared(f"{path}.{name}", member) for name, member in kept.items()}


def _own_rows(yaml_path: YamlPath, example: MappingExample) -> list[tuple[YamlPath, Mapping[str, Any]]]:
    """Return the example's rows of the source with their places."""
    if not example.rows:
        return [((*yaml_path, "row"), example.row)]
    return [((*yaml_path, "rows", number), row) for number, row in enumerate(example.rows)]


def _fields(tree: ObjectNode) -> list[str]:
    """Return the payload's paths that rules fill, those of items with `[]`."""
    return [leaf.path for leaf in all_leaves(tree)]


def _field_of(name: str) -> str:
    """Return the field that a name under `errors` means: the external id has two names."""
    return EXTERNAL_ID_PATH if name == _EXTERNAL_ID_KEY else name


def _became(field: str, result: ExampleResult) -> str | None:
    """Return what a field that should have been wrong became, as JSON; None where it is not there."""
    value = None if result.payload is None else value_at(result.payload, field)
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _covers(above: str, path: str) -> bool:
    """Return whether a path is another one or lies below it."""
    return path == above or path.startswith((f"{above}.", f"{above}["))
