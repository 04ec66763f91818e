"""Arrow arrays from Python values, put together buffer by buffer: the library's own way would import pandas first."""

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Any

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
