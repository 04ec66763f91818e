"""The published folder: Parquet for machines, JSONL for people, a card; `datasets.load_dataset(folder)` reads it."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from selfinstruct.formats.learning import MARK
from selfinstruct.formats.row_groups import parquet_file
from selfinstruct.formats.row_text import row_line, whole_row, whole_text
from selfinstruct.formats.rows import Row
from selfinstruct.whole_files import anew

_TURNS = {"messages": ("role", "content"), "conversations": ("from", "value")}
_FLAGS = {"is_classification"}
Card = str | Callable[[str], str]


def write_dataset(
    folder: Path,
    splits: Mapping[str, Iterable[Row]],
    columns: Sequence[str],
    card: Card,
    files: Sequence[str],
    *,
    marked: bool = False,
) -> None:
    """Write an unpublished folder: `data/SPLIT.parquet`, `jsonl/SPLIT.jsonl`, `README.md`; same rows, same bytes.

    Each split is walked once, one row at a time, so it may be an iterator over more rows than memory holds. The card
    may be made when all rows are written: then it is a function of the SHA-256 of their names, columns and rows.
    `marked` says that some turns have a `weight`, 0: not to be learned.
    UTF-8 cannot hold half of a character (a lone surrogate, as a model may send): it becomes U+FFFD in every file.
    """
    schema = _schema(columns, marked=marked) if "parquet" in files else None
    content = hashlib.sha256(repr(tuple(columns)).encode())
    for split, rows in splits.items():
        content.update(f"\0{split}\0".encode())
        with ExitStack() as opened:
            groups = lines = None
            if "parquet" in files:
                (folder / "data").mkdir(exist_ok=True)
                groups = opened.enter_context(parquet_file(folder / "data" / f"{split}.parquet", schema))
            if "jsonl" in files:
                (folder / "jsonl").mkdir(exist_ok=True)
                path = folder / "jsonl" / f"{split}.jsonl"
                lines = opened.enter_context(anew(path))
            for row in rows:
                whole = whole_row(row)
                line = row_line(whole)
                coded = line.encode() + b"\n"
                content.update(coded)
                if groups is not None:
                    groups.add(line)
                if lines is not None:
                    lines.write(coded)
    text = card if isinstance(card, str) else card(content.hexdigest())
    with anew(folder / "README.md") as file:
        file.write(whole_text(text).encode())


def _schema(columns: Sequence[str], *, marked: bool) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    import pyarrow as pa

    return pa.schema([(column, _arrow_type(column, marked=marked)) for column in columns])


def _arrow_type(column: str, *, marked: bool) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    import pyarrow as pa

    if column in _TURNS:
        fields = [(field, pa.string()) for field in _TURNS[column]]
        return pa.list_(pa.struct([*fields, (MARK, pa.int64())] if marked else fields))
    return pa.bool_() if column in _FLAGS else pa.string()
