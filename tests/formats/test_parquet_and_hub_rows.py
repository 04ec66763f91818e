"""Rows of tables: plain values with their numbers, what JSON has no word for told apart from what it has."""

import datetime as dt
import decimal
import math
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pytest_httpserver import HTTPServer

from selfinstruct.errors import BadInput
from selfinstruct.formats.fields import BadRecord
from selfinstruct.formats.input_files import sources
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.parquet_and_hub_rows import parquet_rows
from selfinstruct.formats.read_sets import read_set
from selfinstruct.records import Task

LINE = {"instruction": "Name a river.", "input": "", "output": "Tay"}


def test_every_row_has_its_number(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    pq.write_table(pa.Table.from_pylist([{**LINE, "n": n} for n in range(700)]), path, row_group_size=100)
    read_rows = list(parquet_rows(path))
    assert [(row.place, row.value["n"]) for row in read_rows if isinstance(row, Line)] == [
        (f"{path}:{n + 1}", n) for n in range(700)
    ]


def test_values_are_as_json_has_them(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    moment = dt.datetime(2024, 2, 29, 12, 30, tzinfo=dt.UTC)
    row = {
        **LINE,
        "score": math.nan,
        "when": moment,
        "day": moment.date(),
        "price": decimal.Decimal("1.50"),
        "nested": {"a": [1.5, math.inf]},
    }
    pq.write_table(pa.Table.from_pylist([row]), path)
    [task] = read_set(str(path))
    assert isinstance(task, Task)
    assert task.extra == {
        "score": None,
        "when": "2024-02-29T12:30:00+00:00",
        "day": "2024-02-29",
        "price": "1.50",
        "nested": {"a": [1.5, None]},
    }


def test_a_picture_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    pq.write_table(pa.Table.from_pylist([{**LINE, "picture": None}, {**LINE, "picture": b"\x89PNG"}]), path)
    good, bad = parquet_rows(path)
    assert isinstance(good, Line)
    assert isinstance(bad, BadRecord)
    assert (bad.place, bad.reason) == (f"{path}:2", "wrong_type")
    assert "column 'picture': bytes" in bad.what


def test_one_row_of_no_utf8_spoils_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    texts = pa.array([b"Name a river.", b"Name \xff.", b"Name a lake."], pa.binary())
    broken = pa.StringArray.from_buffers(3, *texts.buffers()[1:])
    pq.write_table(pa.table({"instruction": broken}), path)
    first, bad, last = parquet_rows(path)
    assert isinstance(first, Line)
    assert isinstance(last, Line)
    assert isinstance(bad, BadRecord)
    assert (bad.place, bad.reason) == (f"{path}:2", "not_utf8")


def test_a_column_of_the_wrong_type_is_told_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    pq.write_table(pa.Table.from_pylist([{"instruction": 7, "output": "x"}]), path)
    [bad] = read_set(str(path))
    assert not isinstance(bad, Task)
    assert bad.reason == "wrong_type"


def test_a_torn_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    pq.write_table(pa.Table.from_pylist([LINE] * 100), path)
    whole = path.read_bytes()
    for cut in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(BadInput, match=r"set\.parquet: cannot be read") as raised:
            list(parquet_rows(path))
        assert str(raised.value).isprintable()
    with pytest.raises(BadInput, match="cannot be read"):
        list(parquet_rows(tmp_path / "gone.parquet"))


def test_conversations_in_a_table_are_read(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    turns = [{"role": "user", "content": "Hi", "name": None}, {"role": "assistant", "content": "Hello", "name": None}]
    pq.write_table(pa.Table.from_pylist([{"messages": turns, "source": None}]), path)
    [task] = read_set(str(path))
    assert isinstance(task, Task)
    assert (task.instruction, task.instances[0].output, task.extra) == ("Hi", "Hello", {"source": None})


def test_a_map_beside_the_text_stops_nobody(tmp_path: Path) -> None:
    marks = pa.array([[("topic", "water")], None], type=pa.map_(pa.string(), pa.string()))
    pq.write_table(pa.Table.from_pylist([LINE, LINE]).append_column("marks", marks), tmp_path / "set.parquet")
    first, second = (row for row in parquet_rows(tmp_path / "set.parquet") if isinstance(row, Line))
    assert first.value == {**LINE, "marks": [["topic", "water"]]}
    assert second.value == {**LINE, "marks": None}


def test_a_hub_that_does_not_answer_is_asked_once(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import datasets
    from huggingface_hub import constants

    httpserver.expect_request(re.compile(".*")).respond_with_data("busy", status=503)
    address = httpserver.url_for("").rstrip("/")
    for switch in (constants, datasets.config):
        monkeypatch.setattr(switch, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", address)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match="nobody/nothing: neither a file nor to be had from the Hub"):
        [row for source in sources("nobody/nothing") for row in source.records]
    assert len([request for request, _ in httpserver.log if "nobody/nothing" in request.path]) == 1
    assert not constants.HF_HUB_OFFLINE
