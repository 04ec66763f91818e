"""Arrow files that unpack to far more than they are: refused by what they say of themselves, before it is tried."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats import streams
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.parquet_and_hub_rows import arrow_rows, saved_rows

KINDS: dict[str, Callable[..., Any]] = {"file": pa.ipc.new_file, "stream": pa.ipc.new_stream}


def write(path: Path, table: pa.Table, kind: str, compression: str | None) -> Path:
    with KINDS[kind](path, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=300)
    return path


def swollen(kind: str) -> pa.Table:
    long = "a" * (70 << 20)
    if kind == "dictionary":
        return pa.table({"instruction": pa.array([long]).dictionary_encode(), "output": ["b"]})
    if kind == "numbers":
        return pa.table({"instruction": ["a"], "n": pa.array([[0] * (9 << 20)])})
    return pa.table({"instruction": [long], "output": ["b"]})


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", ["text", "dictionary", "numbers"])
def test_a_packed_arrow_file_is_bounded_before_it_is_unpacked(
    where: str, kind: str, compression: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.arrow", swollen(where), kind, compression)
    assert path.stat().st_size < 1 << 20
    opened: list[object] = []
    monkeypatch.setattr(pa, "memory_map", opened.append)
    with pytest.raises(BadInput, match=r"a\.arrow: a part of it unpacks to (6\d|7\d) MiB, far more than it is"):
        list(arrow_rows(path))
    assert opened == []


def test_a_saved_folder_is_bounded_too(tmp_path: Path) -> None:
    from datasets import Dataset

    Dataset.from_dict({"instruction": ["a"], "output": ["b"]}).save_to_disk(str(tmp_path / "set"))
    [file] = (tmp_path / "set").glob("*.arrow")
    write(file, swollen("text"), "stream", "zstd")
    with pytest.raises(BadInput, match="far more than it is"):
        list(saved_rows(tmp_path / "set", ""))


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_bomb_is_read_as_before(kind: str, compression: str | None, tmp_path: Path) -> None:
    rows = pa.table(
        {
            "instruction": [f"Name river {number}." for number in range(1000)],
            "kind": pa.array(["a", "b"] * 500).dictionary_encode(),
        }
    )
    read_rows = list(arrow_rows(write(tmp_path / "a.arrow", rows, kind, compression)))
    assert [line.value if isinstance(line, Line) else line for line in read_rows] == rows.to_pylist()


@pytest.mark.parametrize("kind", KINDS)
def test_a_torn_or_changed_file_never_ends_in_a_traceback(kind: str, tmp_path: Path) -> None:
    rows = pa.table({"instruction": ["Name a river."] * 20, "kind": pa.array(["a", "b"] * 10).dictionary_encode()})
    whole = write(tmp_path / "whole.arrow", rows, kind, "lz4").read_bytes()
    path = tmp_path / "a.arrow"
    for at in range(0, len(whole), 3):
        for torn in (whole[:at], whole[:at] + b"\xff\xff\xff\x7f" + whole[at + 4 :]):
            path.write_bytes(torn)
            try:
                streams.refuse_swollen(path)
            except BadInput as refused:
                assert "far more than it is" in str(refused)
