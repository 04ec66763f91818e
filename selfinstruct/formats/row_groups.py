"""Writes rows to a Parquet file in groups, so that a set of any size costs the memory of one group."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selfinstruct.whole_files import anew

GROUP_ROWS = 100_000
GROUP_CHARS = 32 << 20


class RowGroups:
    """Collects rows until they make a group."""

    def __init__(self, writer: Any, schema: Any) -> None:  # noqa: ANN401 - pyarrow publishes no types
        self._writer, self._schema = writer, schema
        self._lines: list[str] = []
        self._chars = 0

    def add(self, line: str) -> None:
        """One more row, as a line of JSON whose values are of the schema's types."""
        self._lines.append(line)
        self._chars += len(line)
        if len(self._lines) == GROUP_ROWS or self._chars > GROUP_CHARS:
            self.flush()

    def flush(self) -> None:
        """Write what is collected; `datasets` cannot load a group without rows, but a file without groups it can."""
        if self._lines:
            self._writer.write_table(_table("\n".join(self._lines).encode(), self._schema), row_group_size=GROUP_ROWS)
        self._lines, self._chars = [], 0


def _table(lines: bytes, schema: Any) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    """The rows as Arrow has them; making them of Python's values would import pandas, a third of a second."""
    import pyarrow as pa
    import pyarrow.json as arrow_json

    return arrow_json.read_json(
        pa.BufferReader(lines),
        arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1),  # one block, so that it is one chunk
        arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )


@contextmanager
def parquet_file(path: Path, schema: Any) -> Iterator[RowGroups]:  # noqa: ANN401 - pyarrow publishes no types
    """A new Parquet file, whole when the block ends without a fault."""
    import pyarrow.parquet as pq

    with anew(path) as file, pq.ParquetWriter(file, schema, compression="zstd", version="2.6") as writer:
        groups = RowGroups(writer, schema)
        yield groups
        groups.flush()
