"""A split that is asked for is honoured or refused, whatever the set lies in; several are never merged in silence."""

import json
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.input_files import place_in, there
from selfinstruct.formats.read_sets import read_set
from selfinstruct.records import Provenance, Task


def write(path: Path, *outputs: str, **more: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"instruction": "Name a river.", "input": "", "output": output, **more} for output in outputs]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def outputs(given: object) -> list[str]:
    return [record.instances[0].output for record in read_set(str(given)) if isinstance(record, Task)]


def three(folder: Path, *, nested: bool = False) -> Path:
    for split, instructions in {"train": ("Tay", "Dee"), "validation": ("Wye",), "test": ("Exe", "Dart")}.items():
        write(folder / split / "part-1.jsonl" if nested else folder / f"rivers-{split}.jsonl", *instructions)
    return folder


@pytest.mark.parametrize("nested", [True, False])
def test_files_named_after_splits_are_splits(tmp_path: Path, nested: bool) -> None:  # noqa: FBT001
    folder = three(tmp_path / "set", nested=nested)
    assert outputs(f"{folder}#train") == ["Tay", "Dee"]
    assert outputs(f"{folder}#validation") == ["Wye"]
    assert outputs(f"{folder}#test") == ["Exe", "Dart"]
    with pytest.raises(BadInput, match=r"several splits: it has (test, train|\w+, \w+), \w+; write #SPLIT behind"):
        outputs(folder)
    with pytest.raises(BadInput, match="no split 'nonsense'; it has"):
        outputs(f"{folder}#nonsense")
    with pytest.raises(BadInput, match="no configuration 'small'"):
        outputs(f"{folder}#small/test")


def test_the_library_of_data_sets_agrees(tmp_path: Path) -> None:
    from datasets import load_dataset

    for number, names in enumerate(
        (["train.jsonl", "dev.jsonl"], ["a/training/1.jsonl", "a/eval/1.jsonl"], ["qa_test.jsonl", "qa_train-1.jsonl"])
    ):
        folder = tmp_path / str(number)
        for name in names:
            write(folder / name, name)
        loaded = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
        assert len(loaded) == 2
        for split in loaded:
            assert outputs(f"{folder}#{split}") == loaded[split]["output"]


def test_one_split_is_the_set_and_a_file_of_none_beside_a_held_out_one_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a" / "train.jsonl", "Tay")
    assert outputs(tmp_path / "a") == outputs(f"{tmp_path / 'a'}#train") == ["Tay"]
    write(tmp_path / "a" / "more.jsonl", "Dee")
    with pytest.raises(BadInput, match=r"a split and more: it has train, and of no split more.jsonl; write #SPLIT"):
        outputs(tmp_path / "a")
    assert outputs(f"{tmp_path / 'a'}#train") == ["Tay"]
    write(tmp_path / "b" / "test.jsonl", "Exe")
    write(tmp_path / "b" / "rivers.jsonl", "Tay")
    with pytest.raises(BadInput, match=r"it has test, and of no split rivers.jsonl; write #SPLIT"):
        outputs(tmp_path / "b")
    assert outputs(f"{tmp_path / 'b'}#test") == ["Exe"]
    with pytest.raises(BadInput, match=r"no split 'train'; it has test, and of no split rivers.jsonl"):
        outputs(f"{tmp_path / 'b'}#train")
    write(tmp_path / "c" / "train-test.jsonl", "Tay")
    with pytest.raises(BadInput, match="its name says test and train"):
        outputs(tmp_path / "c")


def test_words_that_only_hold_such_a_word_name_no_split(tmp_path: Path) -> None:
    for name in ("contest.jsonl", "trains.jsonl", "developers.jsonl", "latest.jsonl"):
        write(tmp_path / name, name)
    assert len(outputs(tmp_path)) == 4


def test_of_a_file_a_split_is_what_its_records_say(tmp_path: Path) -> None:
    path = write(tmp_path / "all.jsonl", "Tay")
    with path.open("a") as file:
        file.write(json.dumps({"instruction": "Name a river.", "output": "Exe", "split": "test"}) + "\n")
    assert outputs(f"{path}#train") == ["Tay"]
    assert outputs(f"{path}#test") == ["Exe"]
    assert outputs(path) == ["Tay", "Exe"]
    with pytest.raises(BadInput, match="no split 'nonsense'; its records are of train, test"):
        outputs(f"{path}#nonsense")
    named = write(tmp_path / "test.jsonl", "Exe")
    assert outputs(f"{named}#test") == ["Exe"]
    with pytest.raises(BadInput, match="no split 'train'; by its name it is test"):
        outputs(f"{named}#train")


@pytest.mark.parametrize("given", ["#", "#/", "#/test", "#small/"])
def test_a_mark_without_a_split_is_refused(given: str, tmp_path: Path) -> None:
    path = write(tmp_path / "all.jsonl", "Tay")
    with pytest.raises(BadInput, match="names no split behind the #"):
        outputs(f"{path}{given}")
    assert outputs(write(tmp_path / "a#b.jsonl", "Dee")) == ["Dee"], "a name with such a mark in it is a name"


def test_of_a_run_a_split_is_what_it_marked(tmp_path: Path) -> None:
    tasks = [
        Task(instruction=f"Name river {n}.", provenance=Provenance(stage="split"), extra={"split": "test"} if n else {})
        for n in range(3)
    ]
    (tmp_path / "kept.jsonl").write_text("".join(json.dumps(task.as_json()) + "\n" for task in tasks))
    (tmp_path / "recipe.yaml").write_text("name: x\n")
    assert list(read_set(f"{tmp_path}#test")) == tasks[1:]
    assert list(read_set(f"{tmp_path}#train")) == tasks[:1]
    assert list(read_set(str(tmp_path))) == tasks, "as one set each record keeps its mark"
    with pytest.raises(BadInput, match="no split 'validation'"):
        list(read_set(f"{tmp_path}#validation"))
    assert place_in(f"{tmp_path}#test") == tmp_path / "kept.jsonl"


def test_a_run_that_has_not_ended_is_no_set(tmp_path: Path) -> None:
    write(tmp_path / "stages" / "00-read" / "rejected.jsonl", "Tay")
    for name in ("recipe.yaml", "ledger.jsonl"):
        (tmp_path / name).write_text("")
    with pytest.raises(BadInput, match="a run that has not ended"):
        outputs(tmp_path)


def test_a_name_with_a_split_is_there_where_its_folder_is(tmp_path: Path) -> None:
    assert there(f"{tmp_path}#test")
    assert not there(f"{tmp_path}/nowhere#test")
    assert not there("a\0b")


def test_a_synonym_is_the_split_that_it_means(tmp_path: Path) -> None:
    folder = three(tmp_path / "set")
    for wanted in ("validation", "valid", "val", "dev"):
        assert outputs(f"{folder}#{wanted}") == ["Wye"]
    assert outputs(f"{folder}#eval") == ["Exe", "Dart"]
    dev = write(tmp_path / "dev.jsonl", "Wye")
    assert outputs(f"{dev}#dev") == outputs(f"{dev}#validation") == ["Wye"]
    with pytest.raises(BadInput, match="no split 'test'; by its name it is validation"):
        outputs(f"{dev}#test")
