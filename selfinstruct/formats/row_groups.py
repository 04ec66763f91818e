"""Writes rows to a Parquet file in groups, so that a set of any size costs the memory of one group."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selfinstruct.formats.rows import Row

GROUP_ROWS = 100_000
GROUP_CHARS = 32 << 20


class RowGroups:
    """Collects rows until they make a group."""

    def __init__(self, writer: Any, schema: Any) -> None:  # noqa: ANN401 - pyarrow publishes no types
        self._writer, self._schema = writer, schema
        self._rows: list[Row] = []
        self._chars = 0

    def add(self, row: Row, chars: int) -> None:
        """One more row, about that many characters long."""
        self._rows.append(row)
        self._chars += chars
        if len(self._rows) == GROUP_ROWS or self._chars > GROUP_CHARS:
            self.flush()

    def flush(self) -> None:
        """Write what is collected; `datasets` cannot load a group without rows, but a file without groups it can."""
        import pyarrow as pa

        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema), row_group_size=GROUP_ROWS)
        self._rows, self._chars = [], 0


@contextmanager
def parquet_file(path: Path, schema: Any) -> Iterator[RowGroups]:  # noqa: ANN401 - pyarrow publishes no types
    """A new Parquet file, whole when the block ends without a fault."""
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, schema, compression="zstd", version="2.6") as writer:
        groups = RowGroups(writer, schema)
        yield groups
        groups.flush()
