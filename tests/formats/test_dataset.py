"""The published folder: loads, says the same in both files, has the same bytes twice."""

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.formats import row_groups
from selfinstruct.formats.card import render
from selfinstruct.formats.dataset import write_dataset
from selfinstruct.formats.rows import ABOUT, COLUMNS, PLAIN, rows
from selfinstruct.records import Instance, Message, Provenance, Task
from tests.formats.cards import card

TASKS = [
    Task(
        instruction="Translate `to` Danish ```now```.",
        instances=(Instance("Good day", "Goddag 🎉"), Instance("", "x: ---\n# no")),
        is_classification=False,
        provenance=Provenance(stage="instances", model="scripted"),
        extra={"id": "mine", "n": [1, 2]},
    )
]


def publish(folder: Path, layout: str) -> list[dict[str, Any]]:
    made = list(rows(TASKS, layout, lambda task, index: (task.instruction, task.instances[index].output)))
    folder.mkdir()
    text = render(card(layout=layout, example=made[0]))
    write_dataset(folder, {"train": made}, (*COLUMNS[layout], *ABOUT), text, ("jsonl", "parquet"))
    return made


@pytest.mark.parametrize("layout", [*PLAIN, "self_instruct"])
def test_every_layout_loads_with_datasets_and_equals_its_jsonl(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    made = publish(tmp_path / "dataset", layout)
    loaded = load_dataset(str(tmp_path / "dataset"), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train"]
    assert [dict(row) for row in loaded["train"]] == made
    lines = (tmp_path / "dataset" / "jsonl" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == made


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    publish(tmp_path / "a", "messages")
    publish(tmp_path / "b", "messages")
    for name in ("data/train.parquet", "jsonl/train.jsonl", "README.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_empty_set_still_has_its_columns_and_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` loads no split without rows, whoever wrote it; as a stream it does."""
    import pyarrow.parquet as pq

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    columns = [*COLUMNS["messages"], *ABOUT]
    write_dataset(tmp_path, {"train": []}, columns, render(card(rows=0)), ("jsonl", "parquet"))
    assert pq.read_schema(tmp_path / "data" / "train.parquet").names == columns
    assert (tmp_path / "jsonl" / "train.jsonl").read_bytes() == b""
    assert list(load_dataset(str(tmp_path), streaming=True)["train"]) == []


@pytest.mark.parametrize("files", [("parquet",), ("jsonl",)])
def test_whatever_files_are_asked_for_the_folder_loads(
    files: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    folder = tmp_path / "dataset"
    folder.mkdir()
    made = list(rows(TASKS, "messages"))
    text = render(card(rows=len(made), parquet="parquet" in files))
    write_dataset(folder, {"train": made}, (*COLUMNS["messages"], *ABOUT), text, files)
    train = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))["train"]
    assert train.num_rows == len(made)
    assert train.column_names == [*COLUMNS["messages"], *ABOUT]


LINE_SAFE = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))


def everything(task_text: str) -> list[Task]:
    return [
        Task(
            instruction=task_text or "x",
            instances=(Instance(task_text, task_text),),
            provenance=Provenance(stage="instances", source=task_text),
            extra={"note": task_text, task_text: 1},
        )
    ]


@pytest.mark.parametrize("layout", list(PLAIN))
def test_every_character_there_is_survives_in_both_files(layout: str, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    for start in range(0, len(LINE_SAFE), 1 << 18):
        made = list(rows(everything(LINE_SAFE[start : start + (1 << 18)]), layout))
        write_dataset(tmp_path, {"train": made}, (*COLUMNS[layout], *ABOUT), "", ("jsonl", "parquet"))
        assert pq.read_table(tmp_path / "data" / "train.parquet").to_pylist() == made
        [line] = (tmp_path / "jsonl" / "train.jsonl").read_bytes().decode("utf-8").splitlines()
        assert json.loads(line) == made[0]


def test_half_characters_become_the_replacement_character_alike_in_both_files(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    made = list(rows(everything("a \ud83d b"), "alpaca"))
    write_dataset(tmp_path, {"train": made}, (*COLUMNS["alpaca"], *ABOUT), "c \udc00", ("jsonl", "parquet"))
    [line] = (tmp_path / "jsonl" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    [row] = pq.read_table(tmp_path / "data" / "train.parquet").to_pylist()
    assert json.loads(line) == row
    assert row["output"] == "a \ufffd b"
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "c \ufffd"


@given(
    st.lists(
        st.builds(
            lambda instruction, pairs, extra: Task(
                instruction=instruction,
                instances=tuple(Instance(*pair) for pair in pairs),
                provenance=Provenance(stage="instances"),
                extra=extra,
            ),
            st.text(min_size=1),
            st.lists(st.tuples(st.text(), st.text()), max_size=3),
            st.dictionaries(st.text(), st.integers() | st.text() | st.none()),
        ),
        max_size=3,
    ),
    st.sampled_from(list(PLAIN)),
)
@settings(max_examples=60, deadline=None)
def test_rows_say_what_the_tasks_said(tasks: list[Task], layout: str) -> None:
    made = list(rows(tasks, layout))
    assert len(made) == sum(len(task.instances) for task in tasks)
    told = [(task, pair) for task in tasks for pair in task.instances]
    for row, (task, pair) in zip(made, told, strict=True):
        texts = json.dumps({key: row[key] for key in COLUMNS[layout]})
        loses_space = layout == "tags" or (layout != "alpaca" and pair.input.strip() != "")
        asked = task.instruction.strip() if loses_space else task.instruction
        said = [asked, pair.output.strip() if layout == "tags" else pair.output]
        assert all(json.dumps(text)[1:-1] in texts for text in said)
        assert json.loads(str(row["metadata"]) or "{}") == task.extra


def test_extra_fields_survive(tmp_path: Path) -> None:
    [first, _] = publish(tmp_path / "dataset", "alpaca")
    assert json.loads(first["metadata"]) == {"id": "mine", "n": [1, 2]}


def test_rows_may_come_one_by_one_and_are_walked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small groups, so that the file has several; the same rows at once give the same bytes."""
    import pyarrow.parquet as pq

    monkeypatch.setattr(row_groups, "GROUP_ROWS", 100)
    made = list(rows([replace(TASKS[0], ordinal=number) for number in range(175)], "messages"))
    columns = (*COLUMNS["messages"], *ABOUT)
    for name, split in (("list", made), ("once", iter(made))):
        (tmp_path / name).mkdir()
        write_dataset(tmp_path / name, {"train": split}, columns, lambda _: "made at the end", ("jsonl", "parquet"))
    for name in ("data/train.parquet", "jsonl/train.jsonl", "README.md"):
        assert (tmp_path / "list" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()
    file = pq.ParquetFile(tmp_path / "once" / "data" / "train.parquet")
    assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [100, 100, 100, 50]
    assert file.read().to_pylist() == made


def test_memory_does_not_grow_with_the_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa

    monkeypatch.setattr(row_groups, "GROUP_CHARS", 1 << 20)
    long = replace(TASKS[0], instances=(Instance("", "x" * 20_000),))
    columns = (*COLUMNS["alpaca"], *ABOUT)

    def peak(count: int) -> int:
        tracemalloc.start()
        before = pa.total_allocated_bytes()
        split = rows((replace(long, ordinal=number) for number in range(count)), "alpaca")
        write_dataset(tmp_path, {"train": split}, columns, "", ("jsonl", "parquet"))
        python = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return python + int(pa.total_allocated_bytes() - before)

    peak(1)
    assert peak(1500) < 8 << 20, "the set itself has 30 MB"


def test_a_conversation_is_cut_only_when_told() -> None:
    chat = replace(
        TASKS[0],
        instances=(Instance("", "Tay"),),
        system="Be short.",
        later=(Message("user", "Another?"), Message("assistant", "Dee")),
        measures={"words": 2.0},
    )
    with pytest.raises(BadInput, match=f"record {chat.id[:16]} .* a conversation of 2 answers.*--first-turn"):
        list(rows([chat], "alpaca"))
    [row] = rows([chat], "alpaca", first_turn=True)
    assert row["output"] == "Tay"
    told = json.loads(str(row["metadata"]))
    assert (told["system"], told["measures"], told["id"]) == ("Be short.", {"words": 2.0}, "mine")
    [row] = rows([chat], "tags")
    assert str(row["text"]).startswith("<|system|>\nBe short.\n<|user|>\n")
    assert str(row["text"]).endswith("<|assistant|>\nDee</s>")
