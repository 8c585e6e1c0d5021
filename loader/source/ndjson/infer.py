"""Find the one type that holds all values of a column exactly."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from loader.source.ndjson.lines import Fractional, Whole, as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_DIGITS: Final = 38  # of a Decimal
_SURE_WHOLE: Final = 18  # characters that always fit 64 bits, a sign among them
_SURE_FLOAT: Final = 15  # significant digits that a float always gives back
_LONGEST_NUMBER: Final = 400  # characters; a longer one is no float either
_LEAST_64, _MOST_64 = -(2**63), 2**63 - 1
_DEEPEST: Final = 16
_MOST_MEMBERS: Final = 1000
_EXACT: Final = Context(prec=_LONGEST_NUMBER)


@dataclass(slots=True)
class Numbers:
    """What the numbers so far need.

    Attributes:
        seen: Whether there were any.
        fractional: Whether one had a fraction or an exponent.
        whole_digits: The most digits before the point.
        scale: The most digits behind it.
        in_64_bits: Whether all without a fraction fit 64 bits.
        as_floats: Whether the float of each one, written as short as possible, has its exact value.
    """

    seen: bool = False
    fractional: bool = False
    whole_digits: int = 0
    scale: int = 0
    in_64_bits: bool = True
    as_floats: bool = True

    def see_whole(self, text: str) -> None:
        """Take a number without fraction and exponent into account."""
        self.seen = True
        size = len(text)
        if size > self.whole_digits:
            self.whole_digits = max(self.whole_digits, size - text.startswith("-"))
        if size > _SURE_FLOAT:
            self.as_floats = self.as_floats and _is_exact_float(text)
        if size > _SURE_WHOLE and self.in_64_bits:
            self.in_64_bits = size < _MOST_DIGITS and _LEAST_64 <= int(text) <= _MOST_64

    def see_fractional(self, text: str) -> None:
        """Take any other number into account."""
        self.seen = self.fractional = True
        whole, _, fraction = text.partition(".")
        if len(text) > _SURE_FLOAT + 1 or not fraction.isdigit():
            self._see_long(text)
            return
        self.whole_digits = max(self.whole_digits, len(whole) - whole.startswith("-"))
        self.scale = max(self.scale, len(fraction))

    def _see_long(self, text: str) -> None:
        if len(text) > _LONGEST_NUMBER:
            self.whole_digits, self.as_floats = _LONGEST_NUMBER, False
            return
        try:
            number = _EXACT.create_decimal(text).normalize(_EXACT)
        except InvalidOperation:
            self.whole_digits, self.as_floats = _LONGEST_NUMBER, False
            return
        _, digits, exponent = number.as_tuple()
        assert isinstance(exponent, int)  # noqa: S101 - JSON has neither NaN nor infinity
        self.scale = max(self.scale, -exponent)
        self.whole_digits = max(self.whole_digits, len(digits) + exponent)
        self.as_floats = self.as_floats and _is_exact_float(text)

    def dtype(self) -> pl.DataType | None:
        """Return the narrowest type that holds all of them; None where none does."""
        # Exact types first: a float is taken only where no decimal has enough digits.
        if not self.fractional and self.in_64_bits:
            return pl.Int64()
        if self.whole_digits + self.scale <= _MOST_DIGITS:
            return pl.Decimal(_MOST_DIGITS, self.scale)
        return pl.Float64() if self.as_floats else None


def _is_exact_float(text: str) -> bool:
    if len(text) > _LONGEST_NUMBER:
        return False
    shortest = Decimal(repr(float(text)))
    return shortest.is_finite() and shortest == Decimal(text)


@dataclass(slots=True)
class InferredShape:
    """What the values so far are; nulls do not count.

    Attributes:
        texts: Whether there were texts.
        flags: Whether there were truth values.
        numbers: What the numbers need.
        members: The members of objects; None where there was none.
        item: The items of arrays; None where there was none.
        is_wild: Whether it is nested too deeply, or has too many members, to be a type.
    """

    texts: bool = False
    flags: bool = False
    numbers: Numbers = field(default_factory=Numbers)
    members: dict[str, InferredShape] | None = None
    item: InferredShape | None = None
    is_wild: bool = False

    def see(self, value: Any, depth: int = 0) -> None:
        """Take a value into account."""
        kind = type(value)
        if kind is str:
            self.texts = True
        elif kind is Whole:
            self.numbers.see_whole(value)
        elif kind is Fractional:
            self.numbers.see_fractional(value)
        elif kind is bool:
            self.flags = True
        elif value is not None:
            self._see_nested(value, depth)

    def _see_nested(self, value: Any, depth: int) -> None:
        if isinstance(value, list):
            if self.item is None:
                self.item = InferredShape()
            for item in () if depth >= _DEEPEST else value:
                self.item.see(item, depth + 1)
        else:
            if self.members is None:
                self.members = {}
            for name, member in () if depth >= _DEEPEST else value.items():
                if name not in self.members:
                    self.members[name] = InferredShape()
                self.members[name].see(member, depth + 1)
            # So many names are keys of a table, not members: a type would grow with the rows.
            if len(self.members) > _MOST_MEMBERS:
                self.members, self.is_wild = {}, True
        self.is_wild = self.is_wild or depth >= _DEEPEST

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of values that there were, for people."""
        kinds = {
            "texts": self.texts,
            "numbers": self.numbers.seen,
            "true and false": self.flags,
            "objects": self.members is not None,
            "arrays": self.item is not None,
        }
        return [name for name, is_there in kinds.items() if is_there]

    def dtype(self) -> pl.DataType | None:
        """Return the type that holds all values as they are; None where there is none."""
        if self.is_wild or len(self.kinds) > 1:
            return None
        if self.members is not None:
            inner = {name: shape.dtype() for name, shape in self.members.items()}
            fields = {name: dtype for name, dtype in inner.items() if dtype is not None}
            return pl.Struct(fields) if fields and len(fields) == len(inner) else None
        if self.item is not None:
            item = self.item.dtype()
            return None if item is None else pl.List(item)
        if self.numbers.seen:
            return self.numbers.dtype()
        return pl.Boolean() if self.flags else pl.String()


@dataclass(frozen=True, slots=True)
class InferredColumn:
    """How a column's values are read.

    Attributes:
        dtype: Their type; String where no other holds them all.
        is_json: Whether each is JSON text: objects or arrays that no type holds.
        why: What there was that no type holds; empty where one does.
    """

    dtype: pl.DataType
    is_json: bool = False
    why: str = ""


def column_of(shape: InferredShape) -> InferredColumn:
    """Return how to read a column by its values.

    It has one type where that holds all values exactly. Else it is text: plain values as they are in the
    file, or JSON where objects or arrays are among them.
    """
    dtype = shape.dtype()
    if dtype is not None:
        return InferredColumn(dtype)
    nested = shape.members is not None or shape.item is not None
    if len(shape.kinds) > 1:
        why = " and ".join(shape.kinds)
    else:
        why = "objects or arrays of no one type" if nested else "numbers of too many digits"
    return InferredColumn(pl.String(), is_json=nested, why=why)


def series_of(name: str, values: Sequence[Any], column: InferredColumn) -> pl.Series:
    """Return a column's values as a series of its type."""
    dtype = column.dtype
    if column.is_json:
        texts = [None if value is None else as_json(value) for value in values]
        return pl.Series(name, texts, pl.String)
    if isinstance(dtype, pl.String):
        texts = [_plain(value) if type(value) is bool else value for value in values]
        return pl.Series(name, texts, pl.String)
    if isinstance(dtype, pl.Int64 | pl.Decimal):
        # From the file's own text: a Python float in between would round it.
        return pl.Series(name, values, pl.String).cast(dtype)
    return pl.Series(name, [_valued(value, dtype) for value in values], dtype)


def _plain(value: bool) -> str:  # noqa: FBT001 - it is the value
    return "true" if value else "false"


def _valued(value: Any, dtype: Any) -> Any:
    """Return a value as Polars takes it for a type that holds it."""
    if value is None:
        return None
    if isinstance(dtype, pl.Struct):
        return {inner.name: _valued(value.get(inner.name), inner.dtype) for inner in dtype.fields}
    if isinstance(dtype, pl.List):
        return [_valued(item, dtype.inner) for item in value]
    if isinstance(dtype, pl.Int64):
        return int(value)
    if isinstance(dtype, pl.Decimal):
        return Decimal(value)
    return float(value) if isinstance(dtype, pl.Float64) else value
