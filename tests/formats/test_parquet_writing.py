"""The Arrow type of a column: one that holds every value, or JSON as text."""

import io
import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.formats.parquet_writing import Columns, common, kind_of, merged, table_of
from selfinstruct.formats.writing import packed_rows, put_row
from selfinstruct.records import Json

jsons: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("values", "arrow"),
    [
        ([1, None, 2], "int64"),
        ([1, 2.5], "double"),
        ([1 << 60, 2], "int64"),
        ([1 << 60, 2.5], "string"),
        ([1 << 70], "string"),
        ([True, 1], "string"),
        (["a", None], "string"),
        ([None], "string"),
        ([["a"], []], "list<element: string>"),
        ([[1], ["a"]], "string"),
        ([{"a": 1}, {"b": "x"}], "string"),
        ([{"a": 1}, {"a": 2.5}], "struct<a: double>"),
        ([{}], "string"),
        ([{"a": {"b": [{}]}}], "struct<a: struct<b: string>>"),
        ([{"a": 1}, {"a": "x"}], "struct<a: string>"),
        ([{f"k{n}": n} for n in range(100)], "string"),
    ],
)
def test_a_column_has_the_narrowest_type_that_loses_nothing(values: list[Json], arrow: str) -> None:
    columns = Columns()
    for value in values:
        columns.add({"c": value})
    assert str(columns.schema().field("c").type).replace("item:", "element:") == arrow


@given(st.lists(jsons, max_size=5))
@settings(max_examples=150, deadline=None)
def test_every_value_goes_in_and_scalars_come_out_as_they_were(values: list[Json]) -> None:
    columns = Columns()
    rows: list[dict[str, Json]] = [{"c": value, "n": 1} for value in values]
    for row in rows:
        columns.add(row)
    typed = [columns.typed(row) for row in rows]
    table = table_of(typed, columns.schema())
    table.validate(full=True)
    assert table.equals(pa.Table.from_pylist(typed, schema=columns.schema()), check_metadata=True)
    if rows and columns.kinds["c"].name not in ("json", "list", "struct"):
        assert table.column("c").to_pylist() == values


@given(st.lists(jsons, max_size=4), st.randoms())
@settings(max_examples=100, deadline=None)
def test_the_order_of_rows_does_not_matter(values: list[Json], chance: object) -> None:
    import random

    assert isinstance(chance, random.Random)
    mixed = list(values)
    chance.shuffle(mixed)
    assert common(map(kind_of, mixed)) == common(map(kind_of, values))
    for value in values:
        assert merged(kind_of(value), kind_of(value)) == kind_of(value)


@given(st.lists(st.dictionaries(st.text(max_size=3), jsons, max_size=3), max_size=5))
@settings(max_examples=100, deadline=None)
def test_rows_put_aside_come_back_as_they_were(rows: list[dict[str, Json]]) -> None:
    file = io.BytesIO()
    for row in rows:
        put_row(file, row)
    file.seek(0)
    back = [row for row, _ in packed_rows(file)]
    assert json.dumps(back) == json.dumps(rows)


def test_what_is_no_number_is_null_aside() -> None:
    file = io.BytesIO()
    put_row(file, {"a": float("nan"), "b": [float("inf"), {"c": -float("inf")}]})
    file.seek(0)
    assert [row for row, _ in packed_rows(file)] == [{"a": None, "b": [None, {"c": None}]}]


@pytest.mark.parametrize(
    ("kind", "value"),
    [(pa.string(), 7), (pa.int64(), "7"), (pa.float64(), "x"), (pa.bool_(), 1), (pa.list_(pa.string()), "ab")],
)
def test_a_value_of_another_type_is_never_written(kind: pa.DataType, value: object) -> None:
    with pytest.raises(pa.ArrowInvalid):
        table_of([{"c": value}], pa.schema([("c", kind)]))
