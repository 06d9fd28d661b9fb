"""Forms as msgspec types: JSON is decoded and checked in one pass, in C."""

from collections.abc import Callable
from types import GenericAlias
from typing import Annotated, Any, Literal

import msgspec

from schemas.forms import DateTime, Field, Form, is_multiple

Validate = Callable[[bytes], object]
_Check = Callable[[Any], None]

_SCALARS: dict[str, Any] = {
    "string": str,
    "time": DateTime,
    "integer": int,
    "number": float,
    "boolean": bool,
    "json": Any,
}


def decoder(form: Form) -> Validate:
    """A function that takes the JSON text of a payload and raises what is wrong with it.

    It raises msgspec.ValidationError for whatever the JSON Schema forbids and
    msgspec.DecodeError for what is no JSON. An explicit null stands for no optional value, and an
    integer is written without a fraction (JSON Schema draft 4, 3.5): 1.0 is refused too.
    """
    decode = msgspec.json.Decoder(_strict(form, {})).decode
    check = _multiples(form)
    if check is None:
        return decode

    def validate(raw: bytes) -> object:
        value = decode(raw)
        check(value)
        return value

    return validate


def _strict(form: Form, structs: dict[str, Any]) -> Any:
    if form.kind == "object":
        if form.name not in structs:
            structs[form.name] = struct(form, lambda field: _property(field, structs))
        return structs[form.name]
    if form.kind == "array":
        assert form.items is not None
        items = _strict(form.items, structs)
        limits = msgspec.Meta(min_length=form.min_items, max_length=form.max_items)
        return Annotated[GenericAlias(list, (items,)), limits]
    if form.enum:
        return Literal[form.enum]
    if form.max_length is not None:
        return Annotated[str, msgspec.Meta(max_length=form.max_length)]
    if form.minimum is not None or form.maximum is not None:
        return Annotated[_SCALARS[form.kind], msgspec.Meta(ge=form.minimum, le=form.maximum)]
    return _SCALARS[form.kind]


def _property(field: Field, structs: dict[str, Any]) -> tuple[Any, ...]:
    typed = _strict(field.form, structs)
    if field.required:
        return field.name, typed
    return optional(field.name, typed)


def optional(name: str, typed: Any) -> tuple[Any, ...]:
    """The declaration of a struct's property that may be absent, but not null."""
    return name, typed | msgspec.UnsetType, msgspec.UNSET


def struct(form: Form, declare: Callable[[Field], tuple[Any, ...] | None]) -> Any:
    """A msgspec struct for an object, of the properties that `declare` does not leave out."""
    return msgspec.defstruct(
        form.name,
        [declared for field in form.fields if (declared := declare(field)) is not None],
        forbid_unknown_fields=not form.open,
        kw_only=True,
        # Payloads hold no cycles, and garbage collection would have to walk all of them.
        gc=False,
    )


def _multiples(form: Form) -> _Check | None:
    """A check of what msgspec cannot: decimal fractions as steps; None where there are none."""
    if form.kind == "array":
        assert form.items is not None
        return _each(_multiples(form.items))
    if form.kind == "object":
        checks = [(field.name, _multiples(field.form)) for field in form.fields]
        return _members([(name, check) for name, check in checks if check is not None])
    if form.multiple_of is None:
        return None
    step = form.multiple_of

    def check(value: float) -> None:
        if not is_multiple(value, step):
            raise msgspec.ValidationError(f"Expected a multiple of {step}, got {value!r}")

    return check


def _each(item: _Check | None) -> _Check | None:
    if item is None:
        return None

    def check(values: list[Any]) -> None:
        for value in values:
            item(value)

    return check


def _members(checks: list[tuple[str, _Check]]) -> _Check | None:
    if not checks:
        return None

    def check(value: Any) -> None:
        for name, member in checks:
            found = getattr(value, name)
            if found is not msgspec.UNSET:
                member(found)

    return check
