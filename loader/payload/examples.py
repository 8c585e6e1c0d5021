"""A mapping's own tests: its example rows go through the real engine, and what comes out is compared."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from loader.mapping import EXTERNAL_ID_PATH, compile_mapping, leaves
from loader.mapping.document import typed
from loader.mapping.expressions import columns_of, sql_columns
from loader.mapping.groups import columns_beside_rules, joined_columns, joins_of, row_leaves
from loader.mapping.tree import all_leaves, each_nodes
from loader.payload.comparison import diff, innermost, pruned, same, value_at
from loader.payload.example_rows import (
    UnfitCell,
    example_frame,
    example_frames,
    example_schema,
    rows_schema,
)
from loader.payload.groups import build_records, example_records
from loader.payload.rows import build
from loader.records import CORE, STATE
from loader.text import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from loader.mapping import CompiledMapping, MappingPlan
    from loader.mapping.document import Part, Path
    from loader.mapping.findings import Severity
    from loader.mapping.grammar import MappingExample
    from loader.mapping.tree import ObjectNode
    from loader.payload.results import Payloads

_EXTERNAL_ID_KEY: Final = "external_id"
_STAMPED: Final = "sys_bulk_load_"


@dataclass(frozen=True, slots=True)
class Difference:
    """Where an example and what becomes of its row are not the same.

    Attributes:
        place: Where the example says something else.
        path: The payload's field; empty where the example as a whole is meant.
        message: What was found.
        suggestion: What may be meant; None where nothing comes near.
        detail: The difference line by line, or the row's findings.
        part: Whether the key at the place is meant, or the value.
        severity: A `warning` is no difference, but worth saying.
    """

    place: Path
    path: str
    message: str
    suggestion: str | None = None
    detail: str = ""
    part: Part = "key"
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What became of an example's row.

    Attributes:
        state: `ready`, `filtered` or `invalid`.
        payload: The body without the bulk-load fields; None unless ready.
        findings: Field and message of all that is wrong.
    """

    state: str
    payload: dict[str, Any] | None
    findings: tuple[tuple[str, str], ...]


def run_examples(
    mapping: MappingPlan,
    schema: Mapping[str, pl.DataType] | None = None,
    free: Sequence[str] = (),
    skipped: Sequence[int] = (),
) -> list[Difference]:
    """Runs all examples of a mapping.

    Args:
        mapping: The mapping.
        schema: A source's columns with their types; None: the examples' cells tell.
        free: Payload paths that are not compared, nor what is below them.
        skipped: Indexes of examples that are not run.

    Raises:
        MappingError: The mapping and the columns do not go together.
    """
    examples = mapping.file.examples
    if not examples:
        return []
    rules = [leaf.rule for leaf in row_leaves(mapping.tree)]
    rules += [mapping.external_id] if mapping.external_id else []
    where = sql_columns(mapping.file.where) if mapping.file.where else ()
    beside = [name for name, _, _ in columns_beside_rules(mapping.file, mapping.tree)]
    read = dict.fromkeys([*(name for rule in rules for name in columns_of(rule)), *where, *beside])
    computed = {*where, *(name for rule in rules if rule.sql is not None for name in columns_of(rule))}
    types = example_schema(mapping.source, read, computed, examples, schema)
    mapping = replace(mapping, joined={**_second_schemas(mapping), **mapping.joined})
    runner = _Runner(compile_mapping(mapping, types), types, tuple(read), tuple(free))
    return [
        each
        for index, example in enumerate(examples)
        if index not in skipped
        for each in runner.differences(index, example)
    ]


def _second_schemas(mapping: MappingPlan) -> dict[str, dict[str, pl.DataType]]:
    """The columns of second files with their types, as the examples' cells tell them."""
    found = {}
    for join in joins_of(mapping.tree):
        rules = [
            leaf.rule
            for node in each_nodes(mapping.tree)
            if node.said.rows == join.file
            for leaf in leaves(node.item)
        ]
        computed = {name for rule in rules if rule.sql is not None for name in columns_of(rule)}
        read = sorted(joined_columns(mapping.tree, join.file))
        rows = [row for each in mapping.file.examples for row in each.joined.get(join.file, ())]
        found[join.file] = rows_schema(join.source, read, computed, rows)
    return found


def run_example(
    compiled: CompiledMapping, example: MappingExample, types: Mapping[str, pl.DataType]
) -> ExampleResult:
    """What becomes of an example's row, by the engine that loads use.

    Args:
        compiled: The mapping, compiled for these columns.
        example: The example.
        types: The columns with their types.

    Raises:
        UnfitCell: A cell is not of its column's type.
    """
    payloads = _built(compiled, example, types)
    core = payloads.rows[CORE][0]
    found = payloads.findings.select("field", "message").rows()
    return ExampleResult(payloads.rows[STATE][0], None if core is None else json.loads(core), tuple(found))


def _built(compiled: CompiledMapping, example: MappingExample, types: Mapping[str, pl.DataType]) -> Payloads:
    if compiled.grouping is None:
        return build(example_frame(example.row, types), compiled)
    place = ("rows",) if example.rows else ()
    own = example_frames(example.own_rows, types, place)
    second = {
        name: example_frames(example.joined.get(name, ()), schema, ("joined", name))
        for name, schema in compiled.mapping.joined.items()
    }
    rows, children = example_records(own, second, compiled)
    return build_records(rows, children, compiled)


@dataclass(frozen=True, slots=True)
class _Runner:
    """Runs examples of one mapping for one set of columns."""

    compiled: CompiledMapping
    types: Mapping[str, pl.DataType]
    read: tuple[str, ...]
    free: tuple[str, ...]

    def differences(self, index: int, example: MappingExample) -> Iterator[Difference]:
        place: Path = ("examples", index)
        title = f"example {index + 1}"
        yield from self._columns(place, example)
        if (example.payload is None) == (example.errors is None):
            found = "neither" if example.payload is None else "both"
            message = f"{title} has {found}: it says payload (what its row becomes) or errors (what is wrong)"
            yield Difference(place, "examples", message, part="value" if found == "neither" else "key")
            return
        try:
            outcome = run_example(self.compiled, example, self.types)
        except UnfitCell as error:
            where = (*place, *error.place, error.column)
            yield Difference(where, "examples", f"{title}: {error}, and this is none", part="value")
            return
        if example.payload is not None:
            yield from self._payload(place, title, example.payload, outcome)
        else:
            yield from self._errors(place, title, example.errors or (), outcome)

    def _columns(self, place: Path, example: MappingExample) -> Iterator[Difference]:
        """Columns that the source lacks, or that nothing reads."""
        if example.rows and self.compiled.mapping.file.group_by is None:
            message = "rows are those of one group: they go with group_by"
            yield Difference((*place, "rows"), "examples", message)
        for at, row in _placed(place, example):
            yield from self._cells(at, row, "the source", self.types, self.read)
        joined, tree = self.compiled.mapping.joined, self.compiled.mapping.tree
        for file, rows in example.joined.items():
            if file not in joined:
                message = f"no list takes rows of {file!r}"
                yield Difference((*place, "joined", file), "examples", message, _advice(file, list(joined)))
                continue
            read = sorted(joined_columns(tree, file))
            for number, row in enumerate(rows):
                yield from self._cells((*place, "joined", file, number), row, file, joined[file], read)

    def _cells(
        self,
        place: Path,
        row: Mapping[str, Any],
        whose: str,
        types: Mapping[str, pl.DataType],
        read: Sequence[str],
    ) -> Iterator[Difference]:
        """Columns of one row that its file lacks, or that nothing reads."""
        for name in row:
            where = (*place, name)
            if name not in types:
                advice = _advice(name, list(types))
                yield Difference(where, "examples", f"{whose} has no column {name!r}", advice)
            elif name not in read and not self.free:
                message = f"no rule reads the column {name!r}"
                advice = _advice(name, [each for each in read if each not in row])
                yield Difference(where, "examples", message, advice, severity="warning")

    def _payload(
        self, place: Path, title: str, expected: Mapping[str, Any], outcome: ExampleResult
    ) -> Iterator[Difference]:
        if outcome.payload is None:
            message = f"{title}: there is no payload: {_refused(outcome)}"
            yield Difference((*place, "payload"), "examples", message, detail=_listed(outcome.findings))
            return
        for key, value in expected.items():
            where = (*place, "payload", key)
            if key.startswith(_STAMPED):
                message = f"{key} is filled when the row is loaded: it is not compared"
                yield Difference(where, key, message, severity="warning")
                continue
            wanted = self._compared(key, pruned(typed(value)))
            got = self._compared(key, value_at(outcome.payload, key))
            if self._is_free(key) or same(wanted, got):
                continue
            inner, part = innermost(wanted, got, where)
            path = ".".join([key, *(str(each) for each in inner[len(where) :])])
            yield Difference(
                inner,
                path,
                f"{title}: {path} is not what is expected",
                None if got is not None else self._unmapped(key),
                diff(key, wanted, got, title),
                part,
            )

    def _errors(
        self, place: Path, title: str, expected: Sequence[str], outcome: ExampleResult
    ) -> Iterator[Difference]:
        if outcome.state == "filtered":
            yield Difference(
                (*place, "errors"), "examples", f"{title}: {_refused(outcome)}, so it is not judged"
            )
            return
        wrong = {field for field, _ in outcome.findings}
        for number, name in enumerate(expected):
            path = EXTERNAL_ID_PATH if name == _EXTERNAL_ID_KEY else name
            if path in wrong or self._is_free(path):
                continue
            known = _paths(self.compiled.mapping.tree)
            missed = [each for each in wrong if each not in expected]
            meant = nearest(name, missed) or (None if name in known else nearest(name, known))
            message = f"{title}: nothing is wrong with {name}"
            advice = f"did you mean {meant!r}?" if meant else None
            where = (*place, "errors", number)
            yield Difference(where, name, message, advice, self._became(path, outcome), "value")
        told = {EXTERNAL_ID_PATH if name == _EXTERNAL_ID_KEY else name for name in expected}
        surplus = [each for each in outcome.findings if each[0] not in told and not self._is_free(each[0])]
        for name in dict.fromkeys(field for field, _ in surplus):
            messages = [each for each in surplus if each[0] == name]
            message = f"{title}: {name} is found wrong as well"
            severity: Severity = "warning" if expected else "error"
            yield Difference((*place, "errors"), name, message, detail=_listed(messages), severity=severity)

    def _became(self, path: str, outcome: ExampleResult) -> str:
        """What a field that should have been wrong became."""
        if outcome.payload is None:
            return ""
        value = value_at(outcome.payload, path)
        return "" if value is None else f"{path} becomes {json.dumps(value, ensure_ascii=False)}"

    def _unmapped(self, key: str) -> str | None:
        paths = _paths(self.compiled.mapping.tree)
        if any(_covers(key, path) or _covers(path, key) for path in paths):
            return None
        tops = [path.partition(".")[0] for path in paths]
        return _advice(key, list(dict.fromkeys([*tops, *paths])))

    def _is_free(self, path: str) -> bool:
        return any(_covers(each, path) for each in self.free)

    def _compared(self, path: str, value: Any) -> Any:
        """A value without the fields that are not compared."""
        if not isinstance(value, dict):
            return value
        kept = {name: each for name, each in value.items() if not self._is_free(f"{path}.{name}")}
        return {name: self._compared(f"{path}.{name}", each) for name, each in kept.items()}


def _paths(tree: ObjectNode) -> list[str]:
    """The payload's paths that rules fill, those of items with `[]`."""
    return [leaf.path for leaf in all_leaves(tree)]


def _placed(place: Path, example: MappingExample) -> list[tuple[Path, Mapping[str, Any]]]:
    """The example's rows with their places."""
    if not example.rows:
        return [((*place, "row"), example.row)]
    return [((*place, "rows", number), row) for number, row in enumerate(example.rows)]


def _covers(above: str, path: str) -> bool:
    """Whether a path is another one or lies below it."""
    return path == above or path.startswith((f"{above}.", f"{above}["))


def _advice(name: str, names: Sequence[str]) -> str | None:
    meant = nearest(name, list(names))
    return f"did you mean {meant!r}?" if meant else None


def _refused(outcome: ExampleResult) -> str:
    return "the row is filtered out by where" if outcome.state == "filtered" else "the row is found wrong"


def _listed(findings: Sequence[tuple[str, str]]) -> str:
    told = [message if message.startswith(field) else f"{field}: {message}" for field, message in findings]
    return "\n".join(told)
