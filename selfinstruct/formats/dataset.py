"""The published folder: Parquet for machines, JSONL for people, a card; `datasets.load_dataset(folder)` reads it."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selfinstruct.formats.rows import Row
from selfinstruct.records import Json

_TURNS = {"messages": ("role", "content"), "conversations": ("from", "value")}
_FLAGS = {"is_classification"}
_ROW_GROUP = 100_000
_HALF = re.compile("[\ud800-\udfff]")
# Ends of lines to some readers (`str.splitlines`), though not to JSONL: escaped, a row is one line to everybody.
_LINE_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def write_dataset(
    folder: Path, splits: Mapping[str, Sequence[Row]], columns: Sequence[str], card: str, files: Sequence[str]
) -> None:
    """Write an unpublished folder: `data/SPLIT.parquet`, `jsonl/SPLIT.jsonl`, `README.md`; same rows, same bytes.

    UTF-8 cannot hold half of a character (a lone surrogate, as a model may send): it becomes U+FFFD in every file.
    """
    for split, rows in splits.items():
        whole = [_whole_row(row) for row in rows]
        if "parquet" in files:
            (folder / "data").mkdir(exist_ok=True)
            _parquet(folder / "data" / f"{split}.parquet", whole, columns)
        if "jsonl" in files:
            (folder / "jsonl").mkdir(exist_ok=True)
            with (folder / "jsonl" / f"{split}.jsonl").open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(map(_line, whole))
    (folder / "README.md").write_text(_whole_text(card), encoding="utf-8", newline="\n")


def _line(row: Row) -> str:
    line = json.dumps(row, ensure_ascii=False, allow_nan=False)
    for mark, escaped in _LINE_ENDS.items():
        line = line.replace(mark, escaped)
    return line + "\n"


def _parquet(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(column, _arrow_type(column)) for column in columns])
    with pq.ParquetWriter(path, schema, compression="zstd", version="2.6") as writer:
        if rows:  # `datasets` cannot load a row group without rows, but a file without row groups it can
            writer.write_table(pa.Table.from_pylist(rows, schema=schema), row_group_size=_ROW_GROUP)


def _arrow_type(column: str) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    import pyarrow as pa

    if column in _TURNS:
        return pa.list_(pa.struct([(field, pa.string()) for field in _TURNS[column]]))
    return pa.bool_() if column in _FLAGS else pa.string()


def _whole_row(row: Row) -> Row:
    return {column: _whole(value) for column, value in row.items()}


def _whole(value: Json) -> Json:
    if isinstance(value, str):
        return _whole_text(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return value


def _whole_text(text: str) -> str:
    return text if text.isascii() else _HALF.sub("\ufffd", text)
