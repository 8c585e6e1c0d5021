"""Hypothesis strategies for mappings and rows of text that belong together.

A mapping is valid by construction: `check` finds no error in it. Each rule brings its own columns and the
texts that they hold, so that good rows are common; the others mix good, empty and bad cells. Every
conversion and every origin comes up; what lookups find is `IDS`. Left out on purpose is what the language's
document leaves open: cells read by `otherwise: keep` beside a table of constants, texts for `trim: false`
beside formats, and two-digit years around the turn of their century.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import strategies as st

from loader.resources.fields import Field, FieldKind
from tests.support import cell_texts as texts
from tests.support.model_fields import MODELS

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

    from loader.resources import RecordType
    from loader.resources.base import Record
    from tests.support.cell_texts import Texts

NULL_VALUES = ([""], ["", "NULL"], ["", "n/a", "-"], ["NULL"])
UNLISTED = ("legacy_code", "zz_extra", "xq7")
IDS = {
    "billing-template": {"T1": "id-1", "T2": 'id "2"', "007": "id-7", "größe": "id-ö"},
    "billing-run": {"T1": "run-1"},
}
"""The records that lookups find: record type -> external id -> id."""
COLUMN_NAMES = ("A", "Run Name", "größe", "x.y", 'in "quotes"', "semi;colon", "a'b", "$1", "CASE")


@dataclass(frozen=True)
class Case:
    """A mapping and rows for it.

    Attributes:
        record_type: The record type.
        mapping: The mapping's YAML as data; `as_yaml` writes it.
        rows: Cells by column name; each row has every column of the mapping, None is a cell that a
            short record lacks.
    """

    record_type: RecordType
    mapping: dict[str, Any]
    rows: list[dict[str, str | None]]

    @property
    def model(self) -> type[Record]:
        """Return the model of its record type."""
        return MODELS[self.record_type.name]


class _Quoting(yaml.CSafeDumper):
    """Writes each text in double quotes: bare `1e5` or `on` is text to some YAML readers, not to all."""


_Quoting.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, '"')
)


def as_yaml(mapping: dict[str, Any]) -> str:
    """Return a mapping as the text of its file."""
    return yaml.dump(mapping, Dumper=_Quoting, sort_keys=False)


@st.composite
def cases(draw: DrawFn, record_type: RecordType, *, most_rows: int = 4) -> Case:
    """Return cases of one record type."""
    source = draw(st.sampled_from([{}, *({"null_values": values} for values in NULL_VALUES)]))
    writer = Writer(draw, list(source.get("null_values", [""])))
    mapping: dict[str, Any] = {"resource": record_type.name}
    if source:
        mapping["source"] = source
    if draw(st.booleans()):
        mapping["external_id"] = writer.column(texts.solid, texts.solid, needed=True)
    mapping["fields"] = writer.record(record_type.root)
    rows = draw(st.lists(writer.rows(), min_size=1, max_size=most_rows))
    return Case(record_type, mapping, rows)


@lru_cache(maxsize=1000)  # a strategy is checked when it is first drawn from, which takes longer than drawing
def _cells(
    good: Texts, bad: Texts, null_values: tuple[str, ...], *, needed: bool, pad: bool
) -> tuple[SearchStrategy[str | None], SearchStrategy[str | None]]:
    """Return what may stand in a column of good rows, and in one of mixed rows."""
    nulls = st.sampled_from([None, *null_values])
    if pad:
        good = texts.padded(good)
    mixed = st.one_of(good, good, nulls, st.just(" "), bad)
    return (good if needed else st.one_of(good, good, nulls)), mixed


@dataclass
class Writer:
    """Draws rules, and keeps for each column what it may hold.

    Attributes:
        draw: Hypothesis's.
        null_values: The texts that count as null.
        good: Column -> texts that its rule takes.
        mixed: Column -> texts that it takes, refuses or calls null.
    """

    draw: DrawFn
    null_values: list[str]
    good: dict[str, SearchStrategy[str | None]] = field(default_factory=dict)
    mixed: dict[str, SearchStrategy[str | None]] = field(default_factory=dict)

    def pick(self, *choices: Any) -> Any:
        """Draw one of the choices."""
        return self.draw(st.sampled_from(choices))

    def column(self, good: Texts, bad: Texts, *, needed: bool = False, pad: bool = True) -> str:
        """Add a column, with what it may hold; `needed`: good rows have no null there."""
        name = f"{self.pick(*COLUMN_NAMES)} {len(self.good)}"
        self.good[name], self.mixed[name] = _cells(good, bad, tuple(self.null_values), needed=needed, pad=pad)
        return name

    def rows(self) -> SearchStrategy[dict[str, str | None]]:
        """Return rows for the columns drawn so far: good ones, and mixed ones."""
        return st.one_of(st.fixed_dictionaries(self.good), st.fixed_dictionaries(self.mixed))

    # --- Objects ---------------------------------------------------------------------------------------

    def record(self, root: Field) -> dict[str, Any]:
        """Draw the rules of a record: what is required, and some of the rest."""
        return self.object(root, most=6)

    def object(self, owner: Field, *, most: int = 3) -> dict[str, Any]:
        """Draw rules for an object's fields, below it or dotted beside one another."""
        children = [child for child in (owner.children or {}).values() if _mappable(child)]
        optional = [child for child in children if not _needs_rule(child)]
        chosen = self.draw(st.permutations(optional))[: self.draw(st.integers(0, most))]
        rules: dict[str, Any] = {}
        for child in [*(child for child in children if _needs_rule(child)), *chosen]:
            self.put(rules, child.name, self.node(child))
        if owner.is_open and self.draw(st.booleans()):
            self.put(rules, self.pick(*UNLISTED), self.unlisted())
        return rules

    def required(self, owner: Field) -> dict[str, Any]:
        """Draw rules for no more than an object's required fields."""
        return {child.name: self.node(child) for child in (owner.children or {}).values() if child.required}

    def put(self, rules: dict[str, Any], name: str, node: Any) -> None:
        """Add a node under its name; an object's fields nested, dotted, or both."""
        if not isinstance(node, dict) or "\0object" not in node:
            rules[name] = node
            return
        below = node["\0object"]
        dotted = self.draw(st.lists(st.sampled_from(sorted(below)), unique=True))
        rules.update({f"{name}.{member}": below[member] for member in dotted})
        if rest := {member: rule for member, rule in below.items() if member not in dotted}:
            rules[name] = rest

    def node(self, owner: Field) -> Any:
        """Draw a rule, an object of rules or a list of them, that fits the field."""
        if owner.is_relative_date:
            return self.relative_date(owner)
        if owner.kind is FieldKind.OBJECT:
            below = self.object(owner) or self.required(owner)
            return {"\0object": below} if below else {"value": {}}
        if owner.kind is FieldKind.LIST:
            return self.reminders(owner) if owner.item and owner.item.children else self.list(owner)
        if owner.enum:
            return self.enum(owner)
        rules = {
            FieldKind.TEXT: self.text,
            FieldKind.DATE: self.date,
            FieldKind.NUMBER: self.number,
            FieldKind.BOOLEAN: self.flag,
        }
        return rules[owner.kind](owner)

    def unlisted(self) -> Any:
        """Draw a rule for a field that the page does not list, or an object of them."""
        owner = Field(path="", kind=FieldKind.ANY)
        return self.pick(
            lambda: self.text(owner),
            lambda: {"column": self.column(texts.numbers(), texts.bad_numbers), "number": {}},
            lambda: self.local_date(owner),
            lambda: self.own_words(owner),
            lambda: self.split(owner),
            lambda: {"value": self.draw(texts.constants)},
            lambda: {"json": self.column(texts.as_json(texts.json_values), texts.bad_json)},
            lambda: {"\0object": {"inner": self.text(owner), "zz": self.local_number(owner)}},
        )()

    # --- Text -----------------------------------------------------------------------------------------

    def text(self, owner: Field) -> Any:
        """Draw a rule for a text."""
        need = owner.required
        return self.pick(
            lambda: self.column(texts.solid, texts.nasty, needed=need),
            lambda: {
                "column": self.column(texts.nasty if not need else texts.solid, texts.nasty),
                "trim": False,
            },
            lambda: {
                "column": self.column(texts.solid, st.sampled_from(["x", "none", " none "]), needed=need),
                "null_if": ["none", "x"],
            },
            lambda: {
                "column": self.column(texts.solid, texts.nasty, needed=need),
                "case": self.pick("upper", "lower"),
            },
            lambda: {"columns": [self.column(texts.solid, texts.nasty, needed=need) for _ in "ab"]},
            lambda: self.template(owner),
            lambda: self.table(owner, self.draw(st.lists(texts.trimmed, min_size=1, max_size=3))),
            lambda: {"value": self.draw(texts.solid)},
            lambda: {"json": self.column(texts.as_json(texts.solid), texts.bad_json, needed=need)},
            lambda: {"column": self.column(texts.solid, texts.nasty), "default": self.draw(texts.solid)},
            self.sql,
            lambda: self.lookup(owner),
        )()

    def lookup(self, owner: Field) -> dict[str, Any]:
        """Draw the id of a record, by a key that may need some tidying first."""
        record_type = self.pick(*IDS)
        keys = st.sampled_from(sorted(IDS[record_type]))
        need = owner.required
        rule: dict[str, Any] = self.pick(
            lambda: {"column": self.column(keys, texts.nasty | st.just("T9"), needed=need)},
            lambda: {
                "column": self.column(keys.map(str.lower), texts.nasty, needed=need),
                "case": "upper",
            },
            lambda: {"column": self.column(keys, st.just("T9")), "null_if": ["T9"], "default": "id-0"},
            lambda: {
                "column": self.column(st.just("a"), st.sampled_from(["b", "c"]), needed=need),
                "map": {"a": self.draw(keys), "b": "T9"},
            },
        )()
        return {"lookup": record_type, **rule}

    def template(self, owner: Field) -> dict[str, Any]:
        """Draw two columns put together."""
        first, second = (self.column(texts.solid, texts.nasty, needed=owner.required) for _ in "ab")
        between = self.pick("", " ", "/", " \u2013 ", '"')
        return {"template": f"{{{first}}}{between}{{{second}}}"}

    def sql(self) -> dict[str, Any]:
        """Draw a column compared with a text."""
        name = self.column(st.sampled_from(["x", "y"]), texts.nasty, pad=False)
        quoted = name.replace('"', '""')
        return {"sql": f"CASE WHEN \"{quoted}\" = 'x' THEN 'it''s x' ELSE 'other' END"}

    def table(self, owner: Field, targets: list[Any]) -> dict[str, Any]:
        """Draw a `map` to these values, with each kind of `otherwise`."""
        keys = self.draw(st.lists(texts.trimmed, min_size=1, max_size=4, unique=True))
        table = {key: self.pick(*targets) for key in keys}
        if not owner.required and self.draw(st.booleans()):
            table[keys[0]] = None
        rule = {
            "column": self.column(st.sampled_from(keys), texts.nasty, needed=owner.required),
            "map": table,
        }
        texts_only = all(isinstance(target, str) for target in targets)
        ways: Any = [{}, {"otherwise": None}, {"otherwise": {"value": self.pick(*targets)}}]
        if texts_only and owner.kind in {FieldKind.TEXT, FieldKind.ANY} and not owner.enum:
            ways.append({"otherwise": "keep"})
        rule |= self.pick(*ways)
        return rule | (
            self.default(targets) if owner.kind is not FieldKind.NUMBER else self.default([0, 2.5])
        )

    def default(self, values: list[Any]) -> dict[str, Any]:
        """Draw nothing, or a default."""
        return {"default": self.pick(*values)} if self.draw(st.booleans()) else {}

    def enum(self, owner: Field) -> Any:
        """Draw a rule for one of some texts."""
        values = list(owner.enum)
        one = st.sampled_from(values)
        return self.pick(
            lambda: self.column(one, texts.nasty, needed=owner.required),
            lambda: self.table(owner, values),
            lambda: {"value": self.pick(*values)},
            lambda: {
                "column": self.column(
                    one.map(str.title), one.map(lambda text: text + "!"), needed=owner.required
                ),
                "case": "lower",
            },
            lambda: {"column": self.column(one, texts.nasty)} | {"default": self.pick(*values)},
        )()

    # --- Dates, numbers, flags --------------------------------------------------------------------------

    def date(self, owner: Field) -> Any:
        """Draw a rule for a date or a time."""
        return self.pick(
            lambda: self.column(texts.iso(), texts.bad_dates, needed=owner.required),
            lambda: self.local_date(owner) | self.default(["2019-03-31"]),
            lambda: self.local_time(owner),
            lambda: self.table(owner, ["2019-03-31", "2020-02-29T08:00:00Z"]),
            lambda: {"value": self.pick("2019-03-31", "2020-02-29T08:00:00Z")},
            lambda: (
                {"json": self.column(texts.as_json(texts.dates("%Y-%m-%d")), texts.bad_json)}
                | {"default": "2019-03-31"}
            ),
        )()

    def local_date(self, owner: Field) -> dict[str, Any]:
        """Draw a date by one format or several."""
        formats = self.draw(
            st.lists(st.sampled_from(texts.DATE_FORMATS), min_size=1, max_size=3, unique=True)
        )
        good = st.one_of([texts.dates(form) for form in formats])
        written: Any = formats[0] if len(formats) == 1 else formats
        return {"column": self.column(good, texts.bad_dates, needed=owner.required), "date": written}

    def local_time(self, owner: Field) -> dict[str, Any]:
        """Draw a time by a format, in a zone or not."""
        form = self.pick(*texts.TIME_FORMATS)
        column = self.column(texts.times(form), texts.bad_dates, needed=owner.required)
        zone = {} if "%z" in form else self.pick({}, {"timezone": self.pick(*texts.ZONES)})
        return {"column": column, "datetime": form, **zone}

    def number(self, owner: Field) -> Any:
        """Draw a rule for a number."""
        numbers = texts.numbers(least_zero=owner.minimum is not None)
        bad = texts.bad_numbers | st.just("-1")
        return self.pick(
            lambda: self.column(numbers, bad, needed=owner.required),
            lambda: self.local_number(owner),
            lambda: self.table(owner, [0, 1, 2.5, 10**15]),
            lambda: self.table(owner, ["0", "01", "2.50"]),
            lambda: {"value": self.pick(0, 7, 0.25, 3.0)},
            lambda: (
                {"json": self.column(texts.as_json(st.integers(0, 9)), texts.bad_json)} | {"default": 1.5}
            ),
        )()

    def local_number(self, owner: Field) -> dict[str, Any]:
        """Draw a number with its own signs."""
        signs: dict[str, str] = self.pick(
            {"decimal": ",", "thousands": "."}, {"thousands": ","}, {"decimal": ","}, {"thousands": "'"}, {}
        )
        good = texts.localised(signs.get("decimal", "."), signs.get("thousands"))
        if owner.minimum is not None:
            good = good.map(lambda text: text.lstrip("-"))
        return {"column": self.column(good, texts.bad_numbers), "number": signs} | self.default([0, 12.5])

    def flag(self, owner: Field) -> Any:
        """Draw a rule for a boolean."""
        return self.pick(
            lambda: self.column(texts.flags, texts.bad_flags, needed=owner.required),
            lambda: self.own_words(owner),
            lambda: self.table(owner, [True, False]),
            lambda: {"value": self.pick(True, False)},  # noqa: FBT003 - a constant of the mapping
            lambda: {"json": self.column(texts.as_json(st.booleans()), texts.bad_json)},
        )()

    def own_words(self, owner: Field) -> dict[str, Any]:
        """Draw a boolean by its own words."""
        words = self.draw(st.lists(texts.trimmed, min_size=2, max_size=4, unique=True))
        half = len(words) // 2
        column = self.column(st.sampled_from(words), texts.bad_flags, needed=owner.required)
        rule = {"column": column, "boolean": {"true": words[:half], "false": words[half:]}}
        return rule | self.default([True, False])

    # --- Lists, reminders, relative dates ---------------------------------------------------------------

    def list(self, owner: Field) -> Any:
        """Draw a rule for a list of texts, or a list of rules."""
        item = Field(path="", kind=FieldKind.TEXT)
        values = self.draw(st.lists(texts.solid, max_size=3))
        return self.pick(
            lambda: self.split(owner),
            self.lookups,
            lambda: [self.lookup(item), self.column(texts.solid, texts.nasty)],
            lambda: [self.table(item, ["a", "b"]), self.column(texts.solid, texts.nasty)],
            lambda: {"value": values},
            lambda: {"json": self.column(texts.as_json(st.lists(texts.solid, max_size=3)), texts.bad_json)},
        )()

    def lookups(self) -> dict[str, Any]:
        """Draw the ids of several records, by a cell of keys."""
        record_type = self.pick(*IDS)
        keys = sorted(IDS[record_type])
        good, mixed = (st.lists(st.sampled_from(some), max_size=4) for some in (keys, [*keys, "T9", ""]))
        cell = self.column(good.map(";".join), mixed.map("; ".join))
        more: dict[str, Any] = self.pick({}, {"null_if": ["T9"]}, {"default": ["id-0"]}, {"trim": False})
        return {"lookup": record_type, "column": cell, "split": ";", **more}

    def split(self, owner: Field) -> dict[str, Any]:
        """Draw one cell cut to a list."""
        mark = self.pick(";", ",", "|", " / ")
        items = self.draw(st.lists(st.text("abcXYZ01 ", max_size=4), min_size=1, max_size=5))
        cell = st.lists(st.sampled_from([*items, "x", ""]), min_size=1, max_size=4).map(mark.join)
        rule: dict[str, Any] = {"column": self.column(cell, texts.nasty), "split": mark}
        rule |= self.pick({}, {"trim": False}, {"null_if": ["x"]}, {"case": "upper"}, {"default": ["z"]})
        if owner.kind is FieldKind.LIST and self.draw(st.booleans()):
            rule["map"] = {item.strip(): self.pick("p", "q") for item in [*items, "x"] if item.strip()}
            rule |= self.pick({}, {"otherwise": "keep"}, {"otherwise": None}, {"otherwise": {"value": "r"}})
        return rule

    def reminders(self, owner: Field) -> Any:
        """Draw a list of objects, each with a cell of its own at the least."""
        count = self.draw(st.integers(1, 3))
        item = owner.item
        assert item is not None
        notice = (item.children or {})["reminder_notice_id"]
        optional = [child for name, child in (item.children or {}).items() if name != notice.name]
        items = []
        for _ in range(count):
            rules: dict[str, Any] = {notice.name: self.column(texts.solid, texts.nasty)}
            for child in optional:
                if self.draw(st.booleans()):
                    rules[child.name] = self.node(child)
            items.append(rules)
        return items

    def relative_date(self, owner: Field) -> Any:
        """Draw a phrase, the parts one by one, a constant, or JSON."""
        on = {"position": "on", "relative_to": "the reference date"}
        after = {
            "number": 1.5,
            "unit_of_time": "weeks",
            "position": "after",
            "relative_to": "the end of the year",
        }
        objects = st.sampled_from([on, after])
        return self.pick(
            lambda: {
                "column": self.column(texts.phrases(), texts.bad_phrases, needed=owner.required),
                "relative_date": True,
            },
            lambda: {
                "column": self.column(texts.phrases(), texts.bad_phrases),
                "relative_date": True,
                "default": on,
            },
            lambda: {"\0object": self.object(owner)},
            lambda: {"value": self.draw(objects)},
            lambda: {"json": self.column(texts.as_json(objects), texts.bad_json, needed=owner.required)},
        )()


def _mappable(child: Field) -> bool:
    """Return whether a mapping may name the field without a finding of `check`."""
    return not (child.refused or child.bulk_load or child.server_state)


def _needs_rule(child: Field) -> bool:
    """Return whether a mapping must name the field, or something below it."""
    if child.kind is FieldKind.LIST:
        return False
    asks_below = any(_needs_rule(below) for below in (child.children or {}).values())
    return child.required and (child.kind is not FieldKind.OBJECT or asks_below)
