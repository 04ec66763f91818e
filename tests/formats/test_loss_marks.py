"""Answers that are marked as not to be learned: read as such, kept in every layout that can hold it."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.formats.dataset import write_dataset
from selfinstruct.formats.dataset_card import render
from selfinstruct.formats.read_sets import Unreadable, read_set
from selfinstruct.formats.rows import ABOUT, COLUMNS, rows
from selfinstruct.formats.writing import write_set
from selfinstruct.records import Task
from tests.formats.cards import card


def turns(*marks: dict[str, object]) -> list[dict[str, object]]:
    said = ("6 * 7?", "41.", "Check.", "42.")
    return [
        {"role": "assistant" if n % 2 else "user", "content": text, **(marks[n // 2] if n % 2 else {})}
        for n, text in enumerate(said)
    ]


def read(path: Path, **more: Any) -> Task:
    [record] = read_set(str(path), **more)
    assert isinstance(record, Task)
    return record


def written(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value) + "\n")
    return path


@pytest.mark.parametrize(
    ("value", "unlearned"),
    [
        ({"messages": turns({"weight": 0}, {"weight": 1})}, (0,)),
        ({"messages": turns({"weight": 0.0}, {"weight": None})}, (0,)),
        ({"messages": turns({"loss": False}, {"loss": True})}, (0,)),
        ({"messages": turns({"train": False}, {})}, (0,)),
        ({"messages": turns({}, {"trainable": False})}, (1,)),
        ({"messages": turns({"training": "false"}, {"weight": 0.5})}, (0,)),
        ({"messages": turns({}, {}), "weight": 0}, (0, 1)),
        ({"messages": turns({}, {}), "train": False}, (0, 1)),
        ({"messages": turns({}, {}), "loss": 0.0}, ()),
        ({"messages": turns({}, {}), "weight": 2}, ()),
        ({"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y", "weight": 0}]}, (0,)),
        ({"prompt": turns({}, {})[:1], "completion": turns({"loss": 0}, {})[1:2]}, (0,)),
        ({"instruction": "x", "output": "y", "weight": 0}, (0,)),
        ({"prompt": "x", "completion": "y", "loss": False}, (0,)),
        ({"question": "x", "answer": "y", "trainable": False}, (0,)),
        ({"instruction": "x", "instances": [{"output": "y"}, {"output": "z"}], "unlearned": [1]}, (1,)),
        ({"messages": turns({"loss_mask": 0}, {"loss_mask": 1})}, (0,)),
        ({"messages": turns({"loss_mask": False}, {"loss_mask": True})}, (0,)),
        ({"messages": turns({}, {}), "loss_mask": [0, 1]}, (0,)),
        ({"messages": turns({}, {}), "loss_mask": [0, 1, 0, 0]}, (1,)),
        ({"messages": [{"role": "system", "content": "s"}, *turns({}, {})], "loss_mask": [0, 1, 0, 0, 1]}, (0,)),
        ({"messages": turns({}, {}), "loss_mask": [1, 1]}, ()),
        ({"prompt": "x", "completion": "y", "label": False}, (0,)),
        ({"prompt": "x", "completion": "y", "label": "False"}, (0,)),
        ({"prompt": turns({}, {})[:1], "completion": turns({}, {})[1:2], "label": False}, (0,)),
        ({"messages": turns({}, {}), "label": False}, (0, 1)),
        ({"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}], "kto_tag": False}, (0,)),
        ({"instruction": "x", "input": "", "output": "y", "kto_tag": "false"}, (0,)),
        ({"question": "x", "answer": "y", "label": False}, (0,)),
        ({"prompt": "x", "completion": "y", "label": True}, ()),
        ({"prompt": "x", "completion": "y", "label": 0}, ()),
        ({"prompt": "x", "completion": "y", "label": "rivers"}, ()),
        ({"prompt": "Is a bay land?", "completion": "false", "label": "false"}, ()),
        ({"instruction": "x", "output": "y", "label": "False"}, ()),
        ({"instruction": "Is a bay land?", "output": "no", "label": False}, ()),
    ],
)  # fmt: skip
def test_a_mark_is_read_of_a_turn_and_of_a_record(value: object, unlearned: tuple[int, ...], tmp_path: Path) -> None:
    assert read(written(tmp_path / "set.jsonl", value)).unlearned == unlearned


def test_a_question_that_is_marked_was_never_to_be_learned(tmp_path: Path) -> None:
    value = {"messages": [{**turn, "weight": 0} if turn["role"] == "user" else turn for turn in turns({}, {})]}
    assert read(written(tmp_path / "set.jsonl", value)).unlearned == ()


def test_numbers_of_answers_that_are_not_there_are_refused(tmp_path: Path) -> None:
    value = {"instruction": "x", "output": "y"}
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(value) + "\n" + json.dumps({**value, "unlearned": [1]}) + "\n")
    assert [record.reason for record in read_set(str(path)) if isinstance(record, Unreadable)] == ["wrong_type"]


@pytest.mark.parametrize("layout", ["messages", "sharegpt", "tags"])
@pytest.mark.parametrize("ending", ["jsonl", "json", "parquet"])
@pytest.mark.parametrize("marks", [({"weight": 0}, {}), ({"loss": False}, {"loss": True}), ({"weight": 0},) * 2])
def test_it_is_kept_from_layout_to_layout(
    layout: str, ending: str, marks: tuple[dict[str, object], ...], tmp_path: Path
) -> None:
    task = read(written(tmp_path / "set.jsonl", {"messages": turns(*marks)}))
    write_set(tmp_path / f"other.{ending}", [task], layout)
    assert read(tmp_path / f"other.{ending}").unlearned == task.unlearned != ()


@pytest.mark.parametrize("layout", ["alpaca", "prompt_completion", "seeds", "natinst", "messages"])
def test_it_is_kept_where_there_is_one_turn(layout: str, tmp_path: Path) -> None:
    task = read(written(tmp_path / "set.jsonl", {"instruction": "x", "output": "y", "weight": 0}))
    write_set(tmp_path / "other.jsonl", [task], layout)
    assert read(tmp_path / "other.jsonl").unlearned == (0,)


def test_of_the_first_turn_alone_it_is_kept_too(tmp_path: Path) -> None:
    task = read(written(tmp_path / "set.jsonl", {"messages": turns({"weight": 0}, {"weight": 0})}))
    write_set(tmp_path / "other.jsonl", [task], "alpaca", first_turn=True)
    again = read(tmp_path / "other.jsonl")
    assert (again.unlearned, again.later) == ((0,), ())


@pytest.mark.parametrize("layout", ["messages", "sharegpt", "tags"])
def test_the_published_set_keeps_it(layout: str, tmp_path: Path) -> None:
    task = read(written(tmp_path / "set.jsonl", {"messages": turns({"loss": False}, {})}))
    made = list(rows([task], layout))
    page = render(card(layout=layout, example=made[0]))
    folder = tmp_path / "dataset"
    folder.mkdir()
    write_dataset(folder, {"train": made}, (*COLUMNS[layout], *ABOUT), page, ("jsonl", "parquet"), marked=True)
    for source in (folder, folder / "jsonl"):
        assert read(source).unlearned == (0,)


def test_our_own_records_keep_it(tmp_path: Path) -> None:
    task = read(written(tmp_path / "set.jsonl", {"messages": turns({"loss": False}, {})}))
    assert read(written(tmp_path / "kept.jsonl", task.as_json())) == task
    assert Task.from_json(task.as_json()) == task


def test_a_mask_of_turns_that_are_not_there_is_rejected_by_name(tmp_path: Path) -> None:
    path = written(tmp_path / "set.jsonl", {"messages": turns({}, {}), "loss_mask": [0, 1, 1]})
    [unreadable] = [record for record in read_set(str(path)) if isinstance(record, Unreadable)]
    assert (unreadable.reason, unreadable.problem) == (
        "wrong_type",
        "key 'loss_mask': 3 marks, where there are 2 answers in 4 turns",
    )


def test_an_answer_judged_bad_stays_unlearned_when_it_is_written_and_read_again(tmp_path: Path) -> None:
    judged = [
        {"prompt": "Name a river.", "completion": "Tay", "label": True},
        {"prompt": "Name a river.", "completion": "Ben Nevis", "label": False},
    ]
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(conversation) + "\n" for conversation in judged))
    tasks = [record for record in read_set(str(path)) if isinstance(record, Task)]
    assert [task.unlearned for task in tasks] == [(), (0,)]
    for layout in ("messages", "sharegpt", "alpaca", "prompt_completion", "tags"):
        for ending in ("jsonl", "parquet", "csv"):
            write_set(tmp_path / f"again.{ending}", tasks, layout)
            again = [record for record in read_set(str(tmp_path / f"again.{ending}")) if isinstance(record, Task)]
            assert [task.unlearned for task in again] == [(), (0,)], (layout, ending)
