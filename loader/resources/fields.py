"""A record type's fields as a tree, read from its model: what the compiler, the schema and checks ask."""

from __future__ import annotations

import types
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter

from loader.resources.base import BulkLoadField, DateLike, RelativeDate, ServerAssigned, ServerState, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo


class FieldKind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    DATE = "date"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    LIST = "list"
    ANY = "any"
    """A field that the page does not list, in an open object: of any JSON type."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record type.

    Attributes:
        path: Dotted, from the record's root; items of a list have the list's own path.
        kind: What it holds.
        required: A request must carry it, where its object is there at all.
        required_on_page: The API's page calls it required (server-assigned fields are, too).
        description: What it means.
        enum: The values allowed; empty where any is.
        item: For a list: its items.
        children: For an object: its fields by name, in model order.
        shape: For an object: its model; None for others.
        minimum: The least number allowed; None where any is.
        marks: `ServerAssigned`, `ServerState`, `BulkLoadField` where they hold.
        annotation: The Python type that judges a value.
    """

    path: str
    kind: FieldKind
    required: bool
    required_on_page: bool
    description: str
    enum: tuple[str, ...] = ()
    item: Field | None = None
    children: dict[str, Field] | None = None
    shape: type[Shape] | None = None
    minimum: float | None = None
    marks: tuple[object, ...] = ()
    annotation: Any = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def refused(self) -> bool:
        """Whether a request that carries it is refused."""
        return any(isinstance(mark, ServerAssigned) and mark.refused for mark in self.marks)

    @property
    def bulk_load(self) -> bool:
        """Whether the loader fills it."""
        return any(isinstance(mark, BulkLoadField) for mark in self.marks)

    @property
    def server_state(self) -> bool:
        """Whether it is the server's own state."""
        return any(isinstance(mark, ServerState) for mark in self.marks)

    @property
    def is_relative_date(self) -> bool:
        """Whether it holds a relative date."""
        return self.shape is RelativeDate

    @property
    def adapter(self) -> TypeAdapter[Any]:
        """Judges a value of this field as the model does."""
        return TypeAdapter(self.annotation)

    def walk(self) -> Iterator[Field]:
        """This field and all below it, in model order; an item's own fields stand for a list's."""
        yield self
        below = self.item if self.item and self.item.children else self
        for child in (below.children or {}).values():
            yield from child.walk()


def _unwrap(annotation: Any) -> tuple[Any, tuple[object, ...], bool]:
    """The bare type, the markers around it, and whether None is allowed."""
    marks: tuple[object, ...] = ()
    optional = False
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            marks += tuple(more)
        elif get_origin(annotation) in {Union, types.UnionType}:
            arms = [arm for arm in get_args(annotation) if arm is not type(None)]
            optional = optional or len(arms) < len(get_args(annotation))
            if set(arms) == {int, float}:
                return float, marks, optional
            if len(arms) != 1:
                raise TypeError(f"a field's type may have one arm beside None, not {annotation}")
            annotation = arms[0]
        else:
            return annotation, marks, optional


def _minimum(marks: tuple[object, ...]) -> float | None:
    for mark in marks:
        for part in (mark, *getattr(mark, "metadata", ())):
            least = getattr(part, "ge", None)
            if least is not None:
                return float(least)
    return None


def _field(path: str, annotation: Any, info: FieldInfo | None) -> Field:
    bare, marks, _ = _unwrap(annotation)
    if info:
        marks += tuple(info.metadata)
    kept = tuple(mark for mark in marks if isinstance(mark, ServerAssigned | ServerState | BulkLoadField))
    required = bool(info and info.is_required())
    kind, enum, item, children, shape = FieldKind.TEXT, (), None, None, None
    if get_origin(bare) is Literal:
        enum = get_args(bare)
    elif get_origin(bare) is list:
        kind, item = FieldKind.LIST, _field(path, get_args(bare)[0], None)
    elif isinstance(bare, type) and issubclass(bare, BaseModel):
        kind, shape = FieldKind.OBJECT, bare
        children = _children(path, bare)
    elif bare is float:
        kind = FieldKind.NUMBER
    elif bare is bool:
        kind = FieldKind.BOOLEAN
    elif any(isinstance(mark, DateLike) for mark in marks):
        kind = FieldKind.DATE
    elif bare is not str:
        raise TypeError(f"{path}: {bare} is no type of a field")
    return Field(
        path=path,
        kind=kind,
        required=required,
        required_on_page=required or any(isinstance(mark, ServerAssigned) for mark in kept),
        description=(info.description or "") if info else "",
        enum=enum,
        item=item,
        children=children,
        shape=shape,  # type: ignore[arg-type]  # every model of a record type is a Shape
        minimum=_minimum(marks),
        marks=kept,
        annotation=info.rebuild_annotation() if info else annotation,
    )


def _children(path: str, shape: type[BaseModel]) -> dict[str, Field]:
    return {
        name: _field(f"{path}.{name}" if path else name, info.annotation, info)
        for name, info in shape.model_fields.items()
    }


@cache
def field_tree(record: type[BaseModel]) -> Field:
    """The record type's root: an object whose children are its fields, in model order."""
    return Field(
        path="",
        kind=FieldKind.OBJECT,
        required=True,
        required_on_page=True,
        description="",
        children=_children("", record),
        shape=record,  # type: ignore[arg-type]  # every model of a record type is a Shape
        annotation=record,
    )
