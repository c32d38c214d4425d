"""From an operation's shape to the fields of a form, and back from what was typed to the shape.

The shapes are the only description (``shapes``): here is only how each kind of value is typed.
"""

from __future__ import annotations

import datetime
import enum
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, get_type_hints

import msgspec
from msgspec import NODEFAULT, UNSET, inspect

from holdfast.pages import Form, Wrong

SIZES = ("quota_bytes",)
DATES = ("expires_at", "since")
SECRETS = ("password",)
CHOICES = {"language": ("de", "en")}
_SIZE = re.compile(r"([0-9]+(?:[.,][0-9]+)?)\s*([KMGT]?)i?B?", re.IGNORECASE)
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class Kind(enum.StrEnum):
    TEXT = "text"
    SECRET = "password"
    NUMBER = "number"
    SIZE = "size"
    DATE = "date"
    CHECK = "check"
    CHOICE = "choice"
    LINES = "lines"


class Field(NamedTuple):
    """``default``: UNSET for one that a change may leave as it is."""

    name: str
    kind: Kind
    required: bool
    default: object
    options: tuple[str, ...] = ()


def fields_of(asks: type[msgspec.Struct]) -> list[Field]:
    """In the order of the shape; structs within it (a brand) have pages of their own."""
    info = inspect.type_info(asks)
    assert isinstance(info, inspect.StructType)
    return [found for each in info.fields if (found := _field(each)) is not None]


def _field(field: inspect.Field) -> Field | None:
    kinds = _bare(field.type)
    default = None if field.required else UNSET if field.default is NODEFAULT else field.default
    kind, options = Kind.TEXT, tuple[str, ...]()
    if field.name in CHOICES:
        kind, options = Kind.CHOICE, CHOICES[field.name]
    elif field.name in SIZES:
        kind = Kind.SIZE
    elif field.name in DATES:
        kind = Kind.DATE
    elif field.name in SECRETS:
        kind = Kind.SECRET
    else:
        match kinds:
            case inspect.BoolType():
                kind = Kind.CHECK
            case inspect.IntType() | inspect.FloatType():
                kind = Kind.NUMBER
            case inspect.EnumType():
                kind, options = Kind.CHOICE, tuple(str(each.value) for each in kinds.cls)
            case inspect.VarTupleType():
                kind = Kind.LINES
            case inspect.StructType() | inspect.BytesType():
                return None
    needed = field.required and kind not in (Kind.CHECK, Kind.LINES, Kind.NUMBER)
    return Field(field.name, kind, needed, default, options)


def _bare(kind: inspect.Type) -> inspect.Type:
    """Without what a field may also be: null, left out."""
    while True:
        match kind:
            case inspect.Metadata():
                kind = kind.type
            case inspect.UnionType():
                rest = [each for each in kind.types if not isinstance(_inner(each), inspect.NoneType)]
                kind = rest[0]
            case _:
                return kind


def _inner(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def as_typed(field: Field, value: object) -> str:
    """A value as it stands in a form: the other direction of ``_read``."""
    match value:
        case None | msgspec.UnsetType():
            return ""
        case bool():
            return "yes" if value else ""
        case tuple() | list():
            return "\n".join(map(str, value))
        case float() | int() if field.kind is Kind.DATE:
            return datetime.datetime.fromtimestamp(value, datetime.UTC).date().isoformat() if value else ""
        case int() if field.kind is Kind.SIZE:
            return _size(value)
        case float():
            return f"{value:g}"
    return str(value)


def _size(value: int) -> str:
    """Exact: a form that is sent as it came changes nothing."""
    for unit in ("T", "G", "M", "K"):
        if value and value % _UNITS[unit] == 0:
            return f"{value // _UNITS[unit]} {unit}B"
    return str(value)


def read(asks: type[msgspec.Struct], form: Form, fixed: Mapping[str, str]) -> Any:
    """The shape of what was typed. Raises ``Wrong`` that names the field.

    ``fixed``: what the page was about already. A change leaves alone what stands as it stood
    (``was_…``): so it undoes nothing that another did meanwhile.
    """
    hints = get_type_hints(asks, include_extras=True)
    values: dict[str, Any] = {}
    for field in fields_of(asks):
        typed = fixed[field.name] if field.name in fixed else _typed(field, form)
        if field.default is UNSET and field.name not in fixed and typed == form.exact(f"was_{field.name}"):
            continue
        try:
            values[field.name] = msgspec.convert(_value(field, typed), hints[field.name])
        except ValueError as error:  # msgspec's own are such, too
            raise Wrong("do.wrong", field.name, detail=str(error)) from None
    try:
        return asks(**values)
    except TypeError as error:
        raise Wrong("do.wrong", "", detail=str(error)) from None


def _typed(field: Field, form: Form) -> str:
    return form.exact(field.name) if field.kind is Kind.SECRET else form.get(field.name)


def _value(field: Field, typed: str) -> object:
    match field.kind:
        case Kind.CHECK:
            return typed == "yes"
        case Kind.NUMBER:
            text = typed.replace(",", ".") or "0"
            return int(text) if text.isdecimal() else float(text)
        case Kind.SIZE:
            return _bytes(typed)
        case Kind.DATE:
            return _day(typed)
        case Kind.LINES:
            return tuple(each.strip() for each in re.split(r"[\n,;]", typed) if each.strip())
    return typed


def _bytes(typed: str) -> int:
    if not typed:
        return 0
    found = _SIZE.fullmatch(typed.strip())
    if found is None:
        raise ValueError("a number and a unit, such as 5 GB")
    return round(float(found[1].replace(",", ".")) * _UNITS[found[2].upper()])


def _day(typed: str) -> float:
    """The beginning of the day, UTC."""
    if not typed:
        return 0.0
    day = datetime.date.fromisoformat(typed)
    return datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC).timestamp()
