"""The fields of a record type, read from its Pydantic model: for the interpreter.

The engine reads fields from the JSON Schema that a model emits and checks values by itself. The interpreter
asks the models, so that a property test compares two ways to the same answer.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, WithJsonSchema

from loader.resources import BillingRun, BillingTemplate
from loader.resources.fields import FieldKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loader.resources.base import Record

MODELS: Final[dict[str, type[Record]]] = {"billing-run": BillingRun, "billing-template": BillingTemplate}
"""The models of the built-in record types, by name."""


@dataclass(frozen=True)
class ModelField:
    """A field of a model.

    Attributes:
        path: Dotted, from the record's root; items of a list have the list's own path.
        kind: What it holds.
        required: Whether its object must have it.
        enum: The texts allowed; empty where any is.
        minimum: The least number allowed; None where any is.
        item: For a list: its items.
        children: For an object: its fields by name.
        annotation: The type that a value is held against.
    """

    path: str
    kind: FieldKind
    required: bool = False
    enum: tuple[str, ...] = ()
    minimum: float | None = None
    item: ModelField | None = None
    children: dict[str, ModelField] | None = None
    annotation: Any = None

    @property
    def adapter(self) -> TypeAdapter[Any]:
        """Return what validates a value of this field as the model does."""
        return TypeAdapter(self.annotation)


@cache
def model_root(model: type[BaseModel]) -> ModelField:
    """Return a model as a field without a path, with all below it."""
    return ModelField("", FieldKind.OBJECT, True, children=_children("", model), annotation=model)  # noqa: FBT003 - a root is required


def _children(path: str, model: type[BaseModel]) -> dict[str, ModelField]:
    return {
        name: _field(
            f"{path}.{name}" if path else name, info.rebuild_annotation(), required=info.is_required()
        )
        for name, info in model.model_fields.items()
    }


def _field(path: str, annotation: Any, *, required: bool = False) -> ModelField:
    arms = list(_arms(annotation, ()))
    bare, marks = arms[0]
    kind, enum, item, children = FieldKind.TEXT, (), None, None
    if {arm for arm, _ in arms} == {int, float}:
        kind = FieldKind.NUMBER
    elif get_origin(bare) is Literal:
        enum = get_args(bare)
    elif get_origin(bare) is list:
        kind, item = FieldKind.LIST, _field(path, get_args(bare)[0])
    elif bare is bool:
        kind = FieldKind.BOOLEAN
    elif isinstance(bare, type) and issubclass(bare, BaseModel):
        kind, children = FieldKind.OBJECT, _children(path, bare)
    elif any(isinstance(mark, WithJsonSchema) for mark in marks):
        kind = FieldKind.DATE
    least = [float(part.ge) for mark in marks for part in _parts(mark) if hasattr(part, "ge")]
    return ModelField(path, kind, required, enum, next(iter(least), None), item, children, annotation)


def _arms(annotation: Any, marks: tuple[object, ...]) -> Iterator[tuple[Any, tuple[object, ...]]]:
    """Yield the types of a union, without None, each with what it is annotated with."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        yield from _arms(inner, (*marks, *more))
    elif get_origin(annotation) in {Union, types.UnionType}:
        for arm in get_args(annotation):
            if arm is not type(None):
                yield from _arms(arm, marks)
    else:
        yield annotation, marks


def _parts(mark: object) -> tuple[object, ...]:
    return (mark, *getattr(mark, "metadata", ()))
