"""A split set is published as two files that load, are read back with their marks; seeds held out are never shown."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.read_sets import read_set
from selfinstruct.records import Task
from selfinstruct.run.execute import Finished, Options, execute
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import parse_yaml
from selfinstruct.text import words
from selfinstruct.text.rouge_l import rouge_l


def run(recipe: dict[str, Any], folder: Path) -> Finished:
    content = json.dumps({"name": "toy", **recipe}).encode()
    return execute(resolve(parse_yaml(content, "toy.yaml")), Options(folder=folder))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("split") / "run"
    run({"inputs": ["builtin"], "stages": ["split"]}, folder)
    return folder


def test_a_split_set_loads_as_two_splits_that_have_every_row_once(
    split: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    kept = lines(split / "kept.jsonl")
    loaded = load_dataset(str(split / "dataset"), cache_dir=str(tmp_path / "cache"))
    assert sorted(loaded) == ["test", "train"]
    for name, rows in loaded.items():
        wanted = [
            f"{task['id']}/{at}"
            for task in kept
            if task["extra"]["split"] == name
            for at, _ in enumerate(task["instances"])
        ]
        assert rows["id"] == wanted
        published = lines(split / "dataset" / "jsonl" / f"{name}.jsonl")
        assert [row["id"] for row in published] == wanted
        assert 0 < len(wanted) < len(kept)


def test_its_card_names_both_and_says_how_far_apart_they_are(split: Path) -> None:
    card = (split / "dataset" / "README.md").read_text(encoding="utf-8")
    assert (
        "- split: train\n        path: data/train.parquet\n      - split: test\n        path: data/test.parquet" in card
    )
    done = json.loads(next(split.glob("stages/*-split/DONE")).read_text(encoding="utf-8"))
    split_measures = done["measured"]["split"]
    assert f"| test | {split_measures['test']} |" in card
    assert "no near-duplicate crosses" in card
    assert f"{split_measures['highest_across']['rouge_l']['score']:.3f}" in card


def test_ids_are_those_of_the_unsplit_set(split: Path, tmp_path: Path) -> None:
    run({"inputs": ["builtin"], "stages": ["exact"]}, tmp_path / "whole")
    assert [task["id"] for task in lines(tmp_path / "whole" / "kept.jsonl")] == [
        task["id"] for task in lines(split / "kept.jsonl")
    ]
    assert not (tmp_path / "whole" / "dataset" / "data" / "test.parquet").exists()
    assert "## Splits" not in (tmp_path / "whole" / "dataset" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("place", ["dataset/data", "dataset/jsonl"])
def test_files_of_several_splits_are_read_by_the_name_of_one(split: Path, place: str) -> None:
    with pytest.raises(BadInput, match="holds several splits: it has test, train"):
        list(read_set(str(split / place)))
    kept = lines(split / "kept.jsonl")
    for name in ("train", "test"):
        records = list(read_set(f"{split / place}#{name}"))
        assert len(records) == sum((task["extra"]["split"] == "test") == (name == "test") for task in kept)


@pytest.mark.parametrize("place", ["", "dataset"])
def test_read_back_from_anywhere_each_record_has_its_mark(split: Path, place: str) -> None:
    kept = lines(split / "kept.jsonl")
    wanted = {task["instruction"]: task["extra"]["split"] == "test" for task in kept}
    tasks = [task for task in read_set(str(split / place)) if isinstance(task, Task)]
    assert len(tasks) >= len(kept)
    assert {task.instruction.split("\n\n")[0] for task in tasks if task.held_out} <= {
        text.split("\n\n")[0] for text, held_out in wanted.items() if held_out
    }
    assert sum(task.held_out for task in tasks) == sum(wanted[task["instruction"]] for task in kept)


def test_one_split_alone_may_be_named(split: Path) -> None:
    records = list(read_set(f"{split / 'dataset'}#test"))
    assert records
    assert all(isinstance(task, Task) and task.held_out for task in records)


def test_a_split_set_that_is_cleaned_and_published_again_stays_split(split: Path, tmp_path: Path) -> None:
    run({"inputs": [str(split / "dataset")], "stages": ["exact"]}, tmp_path / "again")
    for name in ("train", "test"):
        first, second = (
            lines(folder / "dataset" / "jsonl" / f"{name}.jsonl") for folder in (split, tmp_path / "again")
        )
        assert [row["messages"] for row in first] == [row["messages"] for row in second]
    card = (tmp_path / "again" / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "was not checked here" in card


def test_a_strangers_folder_with_two_splits_is_still_asked_which(split: Path, tmp_path: Path) -> None:
    card = (split / "dataset" / "README.md").read_text(encoding="utf-8").replace("  - selfinstruct\n", "")
    (tmp_path / "data").mkdir()
    (tmp_path / "README.md").write_text(card, encoding="utf-8")
    for name in ("train", "test"):
        (tmp_path / "data" / f"{name}.parquet").write_bytes(
            (split / "dataset" / "data" / f"{name}.parquet").read_bytes()
        )
    with pytest.raises(BadInput, match="say which"):
        list(read_set(str(tmp_path)))


ROUNDS = ["propose", "filter", "novelty", "classify", "instances", "prepare"]
SMOKE: dict[str, Any] = {"seeds": "builtin", "models": {"teacher": "scripted:smoke"}, "count": 8, "rounds": ROUNDS}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("holdout") / "run"
    run({**SMOKE, "holdout_seeds": 90}, folder)
    return folder


def test_seeds_held_out_are_written_down_and_named_in_the_card(generated: Path) -> None:
    held_out, shown = lines(generated / "holdout_seeds.jsonl"), lines(generated / "seeds.jsonl")
    assert (len(held_out), len(shown)) == (90, 90)
    assert {seed["id"] for seed in held_out}.isdisjoint(seed["id"] for seed in shown)
    card = (generated / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "90 seed tasks (self_instruct.jsonl; 90 more were held out" in card.replace("builtin", "self_instruct.jsonl")


def test_no_seed_held_out_is_in_any_prompt(generated: Path) -> None:
    with sqlite3.connect(generated / "journal.sqlite") as db:
        asked = " ".join(str(request) for (request,) in db.execute("SELECT request FROM answers"))
    for seed in lines(generated / "holdout_seeds.jsonl"):
        assert json.dumps(seed["instruction"])[1:-1] not in asked
    shown = [json.dumps(seed["instruction"])[1:-1] in asked for seed in lines(generated / "seeds.jsonl")]
    assert any(shown)


def test_novelty_compares_with_seeds_held_out_too(generated: Path) -> None:
    aside = {seed["id"] for seed in lines(generated / "holdout_seeds.jsonl")}
    compared = [line for path in generated.glob("round-*/*-novelty/*.jsonl") for line in lines(path)]
    assert aside & {line["evidence"]["nearest"] for line in compared if "evidence" in line}
    for task in lines(generated / "kept.jsonl"):
        for seed in lines(generated / "holdout_seeds.jsonl"):
            assert rouge_l(words(task["instruction"]), words(seed["instruction"])) <= 0.7


def test_more_seeds_held_out_are_the_same_ones_and_more_and_the_seed_draws(generated: Path, tmp_path: Path) -> None:
    def drawn(folder: str, **knobs: object) -> set[str]:
        run({**SMOKE, "count": 1, **knobs}, tmp_path / folder)
        return {seed["id"] for seed in lines(tmp_path / folder / "holdout_seeds.jsonl")}

    ninety = {seed["id"] for seed in lines(generated / "holdout_seeds.jsonl")}
    assert drawn("few", holdout_seeds=20) < ninety
    assert drawn("other", holdout_seeds=90, seed=7) != ninety


def test_holding_out_every_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="leave none to show"):
        run({**SMOKE, "holdout_seeds": 180}, tmp_path / "run")


def test_a_target_that_later_stages_cut_short_is_not_called_reached(tmp_path: Path) -> None:
    stages = ["measure", {"select": {"by": "words", "at_least": 5000}}]
    ended = run({**SMOKE, "count": 3, "stages": stages}, tmp_path / "run")
    assert (ended.kept, ended.target, ended.reached) == (0, 3, False)
    assert ended.reason == "the rounds reached the target, and the stages after them took out the others"
