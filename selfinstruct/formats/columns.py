"""Finds the Arrow type that holds every value a column of JSON has; where there is none, the column is JSON as text."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from selfinstruct.formats.rows import Row
from selfinstruct.records import Json

_INT64 = 1 << 63
_EXACT = 1 << 53  # whole numbers up to here are the same as a float
_MOST_FIELDS = 64  # an object with more is a map, whose keys are data


@dataclass(frozen=True, slots=True)
class Kind:
    """What the values of a column have in common."""

    name: str
    """`null`, `bool`, `int` (exact as a float, too), `long`, `float`, `text`, `list`, `struct`, or `json`: nothing."""
    fields: Mapping[str, "Kind"] = field(default_factory=dict)
    """Of a struct; of a list the one kind of its items, under the empty name."""


_NULL, _JSON = Kind("null"), Kind("json")
_NUMBERS = {frozenset(("int", "long")): "long", frozenset(("int", "float")): "float"}


def kind_of(value: Json) -> Kind:
    """The kind of one value.

    >>> kind_of([1, 2.5]).fields[""].name, kind_of([1, "a"]).name, kind_of({}).name
    ('float', 'json', 'json')
    """
    if isinstance(value, list):
        inner = common(map(kind_of, value))
        return _JSON if inner == _JSON else Kind("list", {"": inner})
    if isinstance(value, dict):
        fields = {key: kind_of(item) for key, item in value.items()}
        return _JSON if not fields or _JSON in fields.values() else Kind("struct", fields)
    if isinstance(value, int) and not isinstance(value, bool):
        return Kind(_size(value))
    return Kind(_SCALARS[type(value)])


def _size(value: int) -> str:
    if abs(value) <= _EXACT:
        return "int"
    return "long" if -_INT64 <= value < _INT64 else "json"


_SCALARS: Mapping[type, str] = {type(None): "null", bool: "bool", float: "float", str: "text"}


def common(kinds: Iterable[Kind]) -> Kind:
    """The kind of them all."""
    found = _NULL
    for kind in kinds:
        found = merged(found, kind)
    return found


def merged(one: Kind, other: Kind) -> Kind:
    """The kind that holds values of both."""
    if other in (one, _NULL):
        return one
    if one == _NULL:
        return other
    if one.name != other.name:
        return Kind(_NUMBERS.get(frozenset((one.name, other.name)), "json"))
    fields = {
        key: merged(one.fields.get(key, _NULL), other.fields.get(key, _NULL)) for key in {**one.fields, **other.fields}
    }
    return _JSON if _JSON in fields.values() or len(fields) > _MOST_FIELDS else Kind(one.name, fields)


def arrow_type(kind: Kind) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    """The Arrow type of a kind; what is always null, and what only JSON can say, is text."""
    import pyarrow as pa

    match kind.name:
        case "bool":
            return pa.bool_()
        case "int" | "long":
            return pa.int64()
        case "float":
            return pa.float64()
        case "list":
            return pa.list_(arrow_type(kind.fields[""]))
        case "struct":
            return pa.struct([(key, arrow_type(item)) for key, item in kind.fields.items()])
        case _:
            return pa.string()


class Columns:
    """The columns of rows that are told one after the other."""

    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = {}

    def add(self, row: Row) -> None:
        """One more row."""
        for column, value in row.items():
            self.kinds[column] = merged(self.kinds.get(column, _NULL), kind_of(value))

    def schema(self) -> Any:  # noqa: ANN401 - pyarrow publishes no types
        """Of the Parquet file."""
        import pyarrow as pa

        return pa.schema([(column, arrow_type(kind)) for column, kind in self.kinds.items()])

    def typed(self, row: Row) -> Row:
        """The row as the schema has it."""
        return {
            column: json.dumps(value, ensure_ascii=False)
            if self.kinds[column] == _JSON and value is not None
            else value
            for column, value in row.items()
        }
