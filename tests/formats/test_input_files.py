"""What a name of an input stands for: a file, a folder, a part of one, a set on the Hub."""

import json
import os
import shutil
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.dataset import write_dataset
from selfinstruct.formats.dataset_card import render
from selfinstruct.formats.input_files import checked_pattern, front_matter
from selfinstruct.formats.read_sets import Unreadable, read_set
from selfinstruct.formats.rows import ABOUT, COLUMNS, PLAIN, rows
from selfinstruct.records import Instance, Message, Provenance, Task
from tests.formats.cards import card

LINE = {"instruction": "Name a river.", "input": "", "output": "Tay"}
ROW = '{"instruction": "Name a river.", "output": "Tay"}\n'


def write(path: Path, *values: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def read(source: object, layout: str = "") -> list[Task]:
    records = list(read_set(str(source), layout=layout))
    assert not [record for record in records if isinstance(record, Unreadable)]
    return [record for record in records if isinstance(record, Task)]


def test_a_folder_is_all_its_files_by_name(tmp_path: Path) -> None:
    write(tmp_path / "b" / "one.jsonl", LINE, LINE)
    write(tmp_path / "a.json", {**LINE, "output": "Dee"})
    write(tmp_path / "c.jsonl")
    write(tmp_path / ".hidden.jsonl", {"x": 1})
    write(tmp_path / "dataset_info.json", {"x": 1})
    (tmp_path / "LICENSE.txt").write_text("do not\nread me\n")
    tasks = read(tmp_path)
    assert [(task.provenance.source, task.instances[0].output) for task in tasks] == [
        ("a.json", "Dee"),
        ("one.jsonl", "Tay"),
        ("one.jsonl", "Tay"),
    ]
    assert len({task.id for task in tasks}) == 3


def test_each_file_of_a_folder_has_its_own_layout_and_its_own_ids(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", {**LINE, "id": 1})
    write(tmp_path / "b.jsonl", {"prompt": "Name a river.", "completion": "Tay", "id": 1})
    records = list(read_set(str(tmp_path)))
    assert [isinstance(record, Task) for record in records] == [True, False], "an id stands once in an input"


def test_a_folder_may_hold_the_same_twice_and_then_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    write(tmp_path / "a.jsonl", LINE)
    pq.write_table(pa.Table.from_pylist([LINE]), tmp_path / "a.parquet")
    with pytest.raises(BadInput, match="holds Parquet and JSON, perhaps the same records twice; name the file"):
        read(tmp_path)
    assert len(read(tmp_path / "a.parquet")) == 1


@pytest.mark.parametrize("layout", [*PLAIN, "self_instruct"])
def test_what_we_publish_is_taken_apart_again(layout: str, tmp_path: Path) -> None:
    chat = layout not in ("alpaca", "prompt_completion", "self_instruct")
    task = Task(
        instruction="Name a river.",
        instances=(Instance("", "Tay"),),
        later=(Message("user", "Another?"), Message("assistant", "Dee")) if chat else (),
        system="Be short.",
        is_classification=False,
        provenance=Provenance(stage="instances", model="scripted"),
        extra={"id": "mine", "topic": ["water"]},
        measures={"words": 3.0},
    )
    made = list(rows([task], layout, lambda task, index: (task.instruction, task.instances[index].output)))
    columns = (*COLUMNS[layout], *ABOUT)
    write_dataset(
        tmp_path, {"train": made}, columns, render(card(layout=layout, example=made[0])), ("jsonl", "parquet")
    )
    read_as = "prompt_completion" if layout == "self_instruct" else ""
    for source in (tmp_path, tmp_path / "jsonl", tmp_path / "data" / "train.parquet"):
        [back] = read(source, layout=read_as)
        assert (back.instruction, back.instances, back.later, back.system) == (
            task.instruction, task.instances, task.later, task.system
        )  # fmt: skip
        assert back.measures == task.measures
        assert {key: back.extra[key] for key in task.extra} == task.extra
        assert back.provenance.parents == (task.id,)
        assert back.provenance.model == "scripted"
        if read_as == "":
            assert back.is_classification is False
            [once_more] = rows([back], layout)
            assert json.loads(str(once_more["metadata"])).keys() <= {*json.loads(str(made[0]["metadata"])), "source"}
    assert read(tmp_path, layout=read_as)[0].provenance.source == tmp_path.name


def test_a_run_folder_is_what_it_kept(tmp_path: Path) -> None:
    task = Task(instruction="Name a river.", provenance=Provenance(stage="novelty"))
    write(tmp_path / "kept.jsonl", task.as_json())
    write(tmp_path / "rejected.jsonl", {"reason": "too_short"})
    (tmp_path / "recipe.yaml").write_text("name: x\n")
    assert read(tmp_path) == [task]


CARD = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: "data/train-*.jsonl"
  - split: test
    path: ["test.jsonl"]
- config_name: small
  data_files: small.jsonl
---
# A set
"""


def configured(folder: Path) -> Path:
    for name in ("data/train-1.jsonl", "data/train-2.jsonl", "test.jsonl", "small.jsonl", "else.jsonl"):
        write(folder / name, {**LINE, "file": name})
    (folder / "README.md").write_text(CARD)
    return folder


@pytest.mark.parametrize(
    ("part", "files"),
    [
        ("#train", ["data/train-1.jsonl", "data/train-2.jsonl"]),
        ("#test", ["test.jsonl"]),
        ("#default/test", ["test.jsonl"]),
        ("#small/train", ["small.jsonl"]),
    ],
)
def test_a_card_says_which_files_are_meant(part: str, files: list[str], tmp_path: Path) -> None:
    tasks = read(f"{configured(tmp_path)}{part}")
    assert [task.extra["file"] for task in tasks] == files
    assert {task.provenance.source for task in tasks} == {tmp_path.name}


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("", "names the splits train, test; say which: write #SPLIT behind the name"),
        ("#dev", "names no split 'dev'"),
        ("#big/train", "no configuration 'big'; it has default, small"),
    ],
)
def test_which_part_is_meant_is_never_guessed(part: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=says):
        read(f"{configured(tmp_path)}{part}")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ("../secret.jsonl", "outside of the folder"),
        ("/etc/passwd", "outside of the folder"),
        ("gone.jsonl", "not there"),
    ],
)
def test_a_card_names_nothing_outside_of_its_folder(files: str, says: str, tmp_path: Path) -> None:
    write(tmp_path / "secret.jsonl", LINE)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "README.md").write_text(f"---\nconfigs:\n- data_files: {files}\n---\n")
    with pytest.raises(BadInput, match=says):
        read(tmp_path / "set")


@pytest.mark.parametrize("front", ["", "---\n[\n---\n", "---\nconfigs: 3\n---\n", "---\n&a [*a]\n---\n", "---\nx"])
def test_a_card_that_says_nothing_is_passed_over(front: str, tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", LINE)
    (tmp_path / "README.md").write_text(front)
    assert len(read(tmp_path)) == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gone.jsonl", "cannot be read"),
        ("here/gone.jsonl", "cannot be read"),
        ("here/gone", "cannot be read"),
        ("x\0y", "cannot be read"),
        ("n" * 300, "cannot be read"),
    ],
)
def test_what_is_not_there_is_one_line(name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    with pytest.raises(BadInput, match=says):
        read(name)


def test_an_empty_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a folder without records"):
        read(tmp_path)
    write(tmp_path / "a.jsonl")
    with pytest.raises(BadInput, match="no records"):
        read(tmp_path)


def loader(fetch: Callable[[], Any]) -> Callable[..., Any]:
    def load_dataset(path: str, name: str | None = None) -> Any:
        assert (path, name) == ("owner/rivers", None)
        return fetch()

    return load_dataset


def test_a_hub_id_is_fetched_and_its_split_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    made = datasets.DatasetDict(
        {"train": datasets.Dataset.from_list([LINE, LINE]), "test": datasets.Dataset.from_list([LINE])}
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets, "load_dataset", loader(lambda: made))
    tasks = read("owner/rivers#train")
    assert [task.provenance.source for task in tasks] == ["owner/rivers#train"] * 2
    with pytest.raises(BadInput, match="owner/rivers: has the splits train, test; say which"):
        read("owner/rivers")
    with pytest.raises(BadInput, match="owner/rivers: no split 'dev'; it has train, test"):
        read("owner/rivers#dev")


def test_without_a_network_a_hub_id_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def fail() -> None:
        raise ConnectionError("Couldn't reach\nthe Hub")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets, "load_dataset", loader(fail))
    with pytest.raises(BadInput, match="owner/rivers: neither a file nor to be had from the Hub") as raised:
        read("owner/rivers")
    assert str(raised.value).isprintable()


def test_a_folder_that_datasets_saved_is_read(tmp_path: Path) -> None:
    import datasets

    table = datasets.Dataset.from_list([{**LINE, "id": number} for number in range(600)])
    table.save_to_disk(str(tmp_path / "one"))
    assert [task.extra["id"] for task in read(tmp_path / "one")] == list(range(600))
    datasets.DatasetDict({"train": table, "test": table.select([3])}).save_to_disk(str(tmp_path / "both"))
    [task] = read(f"{tmp_path / 'both'}#test")
    assert (task.extra["id"], task.provenance.source) == (3, "both")
    with pytest.raises(BadInput, match="has the splits train, test"):
        read(tmp_path / "both")
    shutil.rmtree(tmp_path / "both" / "test")
    with pytest.raises(BadInput, match="cannot be read"):
        read(f"{tmp_path / 'both'}#test")
    [arrow] = (tmp_path / "one").glob("*.arrow")
    arrow.write_bytes(arrow.read_bytes()[:500])
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "one")


def test_of_the_hubs_own_cache_one_revision_is_read(tmp_path: Path) -> None:
    cached = tmp_path / "datasets--owner--rivers"
    for revision, output in {"0a1b": "Tay", "2c3d": "Dee"}.items():
        folder = cached / "snapshots" / revision / "data"
        folder.mkdir(parents=True)
        line = {"instruction": "Name a river.", "output": output}
        (folder / "train-00000-of-00001.jsonl").write_text(json.dumps(line))
    (cached / "blobs").mkdir()
    (cached / "refs").mkdir()
    with pytest.raises(BadInput, match="holds 2 revisions of a set; name a folder in its snapshots"):
        read(cached)
    assert read(cached / "snapshots" / "0a1b")[0].instances[0].output == "Tay"
    (cached / "refs" / "main").write_text("2c3d")
    assert read(f"{cached}#train")[0].instances[0].output == "Dee"


def card_text(folder: Path, front: str) -> Path:
    (folder / "README.md").write_text(f"---\n{front}\n---\n# A set\n")
    (folder / "rivers.jsonl").write_text(ROW)
    return folder


def outputs(given: object) -> list[str]:
    return [record.instances[0].output for record in read_set(str(given)) if isinstance(record, Task)]


@pytest.mark.parametrize(
    "front",
    [
        'configs: !!int ""',
        'configs: !!timestamp "x"',
        'configs: !!bool "x"',
        'configs: !!float "x"',
        'configs: !!python/object/apply:os.system ["true"]',
        "configs: [{config_name: default, data_files: rivers.jsonl, size: !!int ''}]",
        "configs: [{config_name: !!int '', data_files: rivers.jsonl}]",
        "configs: [{data_files: [{split: !!bool '', path: rivers.jsonl}]}]",
        "configs: {a: 1}",
        "configs: &a [*a]",
        "? [a, b]\n: 1",
        "[" * 5000,
        "a: " * 5000,
    ],
)
def test_no_tag_and_no_shape_makes_more_of_it_than_it_says(front: str, tmp_path: Path) -> None:
    assert outputs(card_text(tmp_path, front)) == ["Tay"]


def test_anchors_in_anchors_cost_nothing(tmp_path: Path) -> None:
    names = [f"a{number}" for number in range(40)]
    lines = [f"{names[0]}: &{names[0]} [rivers.jsonl]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in pairwise(names)]
    lines += [f"configs: [{{config_name: *{names[-1]}, data_files: [{{split: *{names[-1]}, path: *{names[-1]}}}]}}]"]
    began = time.monotonic()
    assert outputs(card_text(tmp_path, "\n".join(lines))) == ["Tay"]
    merged = ["m0: &m0 {a: 1}"]
    merged += [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    assert outputs(card_text(tmp_path, "\n".join(merged))) == ["Tay"]
    assert time.monotonic() - began < 5


def test_many_stars_are_refused_or_are_one(tmp_path: Path) -> None:
    deep = tmp_path
    for number in range(12):
        deep = deep / f"d{number}"
        (tmp_path / f"e{number}").mkdir()
    deep.mkdir(parents=True)
    (deep / "x.jsonl").write_text(ROW)
    began = time.monotonic()
    assert outputs(card_text(tmp_path, f"configs: [{{data_files: '{'**/' * 60}x.jsonl'}}]")) == ["Tay"]
    for pattern in ("**/a/" * 20 + "x.jsonl", "*a" * 30 + ".jsonl"):
        with pytest.raises(BadInput, match="a pattern with too many stars"):
            outputs(card_text(tmp_path, f"configs: [{{data_files: '{pattern}'}}]"))
    assert time.monotonic() - began < 5
    assert checked_pattern("data/train-*.parquet", "") == "data/train-*.parquet"


def test_a_card_without_an_end_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "README.md")
    assert front_matter(tmp_path / "README.md") == {}
    (tmp_path / "zero").symlink_to("/dev/zero")
    assert front_matter(tmp_path / "zero") == {}


def test_the_usual_configuration_is_still_found(tmp_path: Path) -> None:
    front = "configs:\n- {config_name: a, data_files: other.jsonl}\n"
    front += "- {config_name: b, default: true, data_files: rivers.jsonl}"
    assert outputs(card_text(tmp_path, front)) == ["Tay"]
