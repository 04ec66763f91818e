"""Writes rows to a Parquet file in groups, so that a set of any size costs the memory of one group."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from selfinstruct.whole_files import anew

GROUP_ROWS = 100_000
GROUP_CHARS = 32 << 20


class RowGroups:
    """Collects rows until they make a group."""

    def __init__(self, write: Callable[[Any], None], schema: Any) -> None:  # noqa: ANN401 - no types are published
        """`write` takes a table."""
        self._write, self._schema = write, schema
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
            self._write(_table("\n".join(self._lines).encode(), self._schema))
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
