"""Writes rows to Parquet: the Arrow type that holds every value of a column (else JSON as text), row groups.

Arrays are put together buffer by buffer: the library's own way, from Python values, would import pandas first.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

from selfinstruct.atomic_files import anew
from selfinstruct.formats.conversations import TURN_KEYS
from selfinstruct.formats.fields import BadRecord
from selfinstruct.formats.json_text import parse
from selfinstruct.formats.rows import Row
from selfinstruct.records import Json

_INT64 = 1 << 63
_EXACT = 1 << 53  # whole numbers up to here are the same as a float
JSON_NOTE = "selfinstruct.json"
"""Key of the note in a file's metadata."""
_LONGEST_NOTE = 1 << 20
_MOST_FIELDS = 64  # an object with more is a map, whose keys are data
GROUP_ROWS = 100_000
GROUP_CHARS = 32 << 20


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """What the values of a column have in common."""

    name: str
    """`null`, `bool`, `int` (exact as a float, too), `long`, `float`, `text`, `list`, `struct`, or `json`: nothing."""
    fields: Mapping[str, "ColumnKind"] = field(default_factory=dict)
    """Of a struct; of a list the one kind of its items, under the empty name."""


_NULL, _JSON = ColumnKind("null"), ColumnKind("json")
_NUMBERS = {frozenset(("int", "long")): "long", frozenset(("int", "float")): "float"}


def kind_of(value: Json, *, turns: bool = False) -> ColumnKind:
    """The kind of one value; of turns it is one in which any of them may lack what another has.

    >>> kind_of([1, 2.5]).fields[""].name, kind_of([1, "a"]).name, kind_of({}).name
    ('float', 'json', 'json')
    """
    if isinstance(value, list):
        inner = _NULL
        for item in value:
            inner = merged(inner, kind_of(item), lacking=turns)
        return _JSON if inner == _JSON else ColumnKind("list", {"": inner})
    if isinstance(value, dict):
        fields = {key: kind_of(item) for key, item in value.items()}
        return _JSON if not fields or len(fields) > _MOST_FIELDS else ColumnKind("struct", fields)
    if isinstance(value, int) and not isinstance(value, bool):
        return ColumnKind(_size(value))
    return ColumnKind(_SCALARS[type(value)])


def _size(value: int) -> str:
    if abs(value) <= _EXACT:
        return "int"
    return "long" if -_INT64 <= value < _INT64 else "json"


_SCALARS: Mapping[type, str] = {type(None): "null", bool: "bool", float: "float", str: "text"}


def common(kinds: Iterable[ColumnKind]) -> ColumnKind:
    """The kind of them all."""
    joint = _NULL
    for kind in kinds:
        joint = merged(joint, kind)
    return joint


def merged(one: ColumnKind, other: ColumnKind, *, turns: bool = False, lacking: bool = False) -> ColumnKind:
    """The kind that holds values of both, and gives each back as it was.

    Objects with other keys have no kind in common but JSON, for null would stand where nothing was; unless the one may
    be `lacking` what the other has, as the items of `turns` may.
    """
    if other in (one, _NULL):
        return one
    if one == _NULL:
        return other
    if one.name != other.name:
        return ColumnKind(_NUMBERS.get(frozenset((one.name, other.name)), "json"))
    if one.name == "list":
        inner = merged(one.fields[""], other.fields[""], lacking=turns)
        return _JSON if inner == _JSON else ColumnKind("list", {"": inner})
    if one.name != "struct" or (one.fields.keys() != other.fields.keys() and not lacking):
        return _JSON
    fields = {
        key: merged(one.fields.get(key, _NULL), other.fields.get(key, _NULL)) for key in {**one.fields, **other.fields}
    }
    return _JSON if len(fields) > _MOST_FIELDS else ColumnKind("struct", fields)


def arrow_type(kind: ColumnKind) -> Any:  # noqa: ANN401 - pyarrow publishes no types
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


def json_places(kind: ColumnKind, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where a kind holds JSON as text: keys from the column on, an empty one for the items of a list."""
    if kind == _JSON:
        yield path
    for key, inner in kind.fields.items():
        yield from json_places(inner, (*path, key))


class Columns:
    """The columns of rows that are told one after the other."""

    def __init__(self) -> None:
        self.kinds: dict[str, ColumnKind] = {}

    def add(self, row: Row) -> None:
        """Widen the kinds of the columns so that they hold one more row."""
        for column, value in row.items():
            turns = column in TURN_KEYS
            kind = kind_of(value, turns=turns)
            self.kinds[column] = merged(self.kinds.get(column, _NULL), kind, turns=turns)

    def schema(self) -> Any:  # noqa: ANN401 - pyarrow publishes no types
        """Of the file, with a note of where it holds JSON as text."""
        import pyarrow as pa

        columns = [(column, arrow_type(kind)) for column, kind in self.kinds.items()]
        places = [list(place) for column, kind in self.kinds.items() for place in json_places(kind, (column,))]
        return pa.schema(columns, {JSON_NOTE: json.dumps(places)} if places else None)

    def typed(self, row: Row) -> Row:
        """The row as the schema has it."""
        return {column: _typed(value, self.kinds[column]) for column, value in row.items()}


def _typed(value: Json, kind: ColumnKind) -> Json:
    if value is None:
        return None
    if kind == _JSON:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return [_typed(item, kind.fields[""]) for item in value]
    if isinstance(value, dict):
        return {key: _typed(item, kind.fields[key]) for key, item in value.items()}
    return value


def noted_places(metadata: Mapping[bytes, bytes] | None) -> tuple[tuple[str, ...], ...]:
    """Where a table that this package wrote holds JSON as text; of any other nowhere."""
    note = (metadata or {}).get(JSON_NOTE.encode(), b"")
    if not note or len(note) > _LONGEST_NOTE:
        return ()
    try:
        places = json.loads(note)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(places, list):
        return ()
    return tuple(tuple(place) for place in places if isinstance(place, list) and all(isinstance(k, str) for k in place))


def untyped(row: Row, places: Sequence[Sequence[str]]) -> Row:
    """The row as it was before it was written: what is JSON as text is a value again."""
    made: Json = row
    for place in places:
        made = _untyped(made, place)
    assert isinstance(made, dict)
    return made


def _untyped(value: Json, place: Sequence[str]) -> Json:
    if not place:
        try:
            return parse(value, "") if isinstance(value, str) else value
        except BadRecord:
            return value
    if isinstance(value, list) and not place[0]:
        return [_untyped(item, place[1:]) for item in value]
    if isinstance(value, dict) and place[0] in value:
        return {**value, place[0]: _untyped(value[place[0]], place[1:])}
    return value


class RowGroups:
    """Collects rows until they make a group."""

    def __init__(self, write: Callable[[Any], None], schema: Any) -> None:  # noqa: ANN401 - no types are published
        """`write` takes a table."""
        self._write, self._schema = write, schema
        self._rows: list[Row] = []
        self._size = 0

    def add(self, row: Row, size: int) -> None:
        """One more row, whose values are of the schema's types, and about how long it is."""
        self._rows.append(row)
        self._size += size
        if len(self._rows) == GROUP_ROWS or self._size > GROUP_CHARS:
            self.flush()

    def flush(self) -> None:
        """Write what is collected; `datasets` cannot load a group without rows, but a file without groups it can."""
        if self._rows:
            self._write(table_of(self._rows, self._schema))
        self._rows, self._size = [], 0


@contextmanager
def parquet_file(path: Path, schema: Any) -> Iterator[RowGroups]:  # noqa: ANN401 - pyarrow publishes no types
    """A new Parquet file, whole when the block ends without a fault."""
    import pyarrow.parquet as pq

    with anew(path) as file, pq.ParquetWriter(file, schema, compression="zstd", version="2.6") as writer:
        groups = RowGroups(partial(writer.write_table, row_group_size=GROUP_ROWS), schema)
        yield groups
        groups.flush()


@contextmanager
def arrow_file(path: Path, schema: Any) -> Iterator[RowGroups]:  # noqa: ANN401 - pyarrow publishes no types
    """A new Arrow file (IPC), whole when the block ends without a fault."""
    import pyarrow as pa

    with anew(path) as file, pa.ipc.new_file(file, schema) as writer:
        groups = RowGroups(writer.write_table, schema)
        yield groups
        groups.flush()


_MOST_BYTES = (1 << 31) - 1  # of all texts of an array together: its offsets are of four bytes


def array_of(values: Sequence[Any], kind: Any) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    """An array of that Arrow type: bool, int64, float64, string, list or struct; None is null, a missing key too.

    Raises:
        pyarrow.ArrowInvalid: a value of another type, or texts too long for one array.
    """
    import numpy as np
    import pyarrow as pa
    from pyarrow import types

    count = len(values)
    there = [value is not None for value in values]
    nulls = count - sum(there)
    valid = pa.py_buffer(np.packbits(there, bitorder="little")) if nulls else None
    if types.is_string(kind):
        texts = _encoded([value or "" for value in values] if nulls else values)
        sizes = list(accumulate(map(len, texts), initial=0))
        if sizes[-1] > _MOST_BYTES:
            raise pa.ArrowInvalid(f"{sizes[-1]:,} bytes of text in one group of rows")
        buffers = [valid, pa.py_buffer(np.array(sizes, np.int32)), pa.py_buffer(b"".join(texts))]
        return pa.Array.from_buffers(kind, count, buffers, nulls)
    if types.is_list(kind):
        _refuse_others(values, list)
        sizes = list(accumulate((len(value or ()) for value in values), initial=0))
        items = array_of(list(chain.from_iterable(value for value in values if value)), kind.value_type)
        buffers = [valid, pa.py_buffer(np.array(sizes, np.int32))]
        return pa.Array.from_buffers(kind, count, buffers, nulls, children=[items])
    if types.is_struct(kind):
        _refuse_others(values, dict)
        fields = [
            array_of([None if value is None else value.get(field.name) for value in values], field.type)
            for field in kind
        ]
        return pa.Array.from_buffers(kind, count, [valid], nulls, children=fields)
    if types.is_boolean(kind):
        _refuse_others(values, bool)
        return pa.Array.from_buffers(
            kind, count, [valid, pa.py_buffer(np.packbits([bool(value) for value in values], bitorder="little"))], nulls
        )
    floating = types.is_floating(kind)
    _refuse_others([None if type(value) is int else value for value in values], float if floating else int)
    numbers = np.array([0 if value is None else value for value in values], np.float64 if floating else np.int64)
    return pa.Array.from_buffers(kind, count, [valid, pa.py_buffer(numbers)], nulls)


def table_of(rows: Sequence[dict[str, Any]], schema: Any) -> Any:  # noqa: ANN401 - as above
    """The rows as a table of one chunk; keys that the schema does not have are left out."""
    import pyarrow as pa

    arrays = [array_of([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _encoded(values: Sequence[Any]) -> list[bytes]:
    import pyarrow as pa

    try:
        return list(map(str.encode, values))
    except TypeError as fault:
        raise pa.ArrowInvalid("no text in a column of texts") from fault


def _refuse_others(values: Sequence[Any], kind: type) -> None:
    import pyarrow as pa

    other = next((value for value in values if value is not None and type(value) is not kind), None)
    if other is not None:
        raise pa.ArrowInvalid(f"{type(other).__name__} in a column of {kind.__name__}s")
