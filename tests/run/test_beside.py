"""Where the files lie that a recipe names: beside it; and those that a person types: here."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from selfinstruct.run.recipe.builtin_recipes import start_folder
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.yaml_file import found_beside, read_yaml, word_beside
from selfinstruct.run.recipe_arms import arms_of
from selfinstruct.run.seeds_and_benchmarks import seeds_and_benchmarks
from tests.cli.typed import command, lines

SEED = '{"instruction": "Name a knot for a mooring line.", "input": "", "output": "A bowline."}\n'


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe's folder, and a working directory where files of the same names have other contents."""
    folder = tmp_path / "far"
    for place in (folder, tmp_path / "here"):
        (place / "sub").mkdir(parents=True)
        for name in ("a.jsonl", "sub/b.jsonl", "prices.yaml", "script.yaml", "model.gguf"):
            (place / name).write_text(SEED.replace("Name", place.name), encoding="utf-8")
    monkeypatch.chdir(tmp_path / "here")
    return folder


def recipe(folder: Path, **keys: Any) -> Resolved:
    file = folder / "r.yaml"
    file.write_text(yaml.safe_dump({"name": "x", **keys}, sort_keys=False), encoding="utf-8")
    return resolve(read_yaml(file))


def test_every_key_that_names_a_file_names_it_beside_the_recipe(far: Path) -> None:
    asks = {"model": "teacher", "gold": "a.jsonl", "held_out_seeds": "sub/b.jsonl"}
    written_recipe = recipe(
        far,
        inputs=["a.jsonl", {"path": "sub/b.jsonl#train"}],
        models={"teacher": "scripted:script.yaml", "big": "gguf:model.gguf", "near": "embedded"},
        limits={"prices": "prices.yaml"},
        stages=[{"decontaminate": {"against": ["a.jsonl", "ifs-v1"]}}, {"answer_set": asks}],
    ).written_out()
    assert written_recipe["inputs"] == [
        {"path": str(far / "a.jsonl"), "from": "", "compat": ""},
        {"path": f"{far / 'sub/b.jsonl'}#train", "from": "", "compat": ""},
    ]
    assert written_recipe["models"] == {
        "teacher": f"scripted:{far / 'script.yaml'}",
        "big": f"gguf:{far / 'model.gguf'}",
        "near": "embedded",
    }
    written = yaml.safe_dump(written_recipe)
    assert written.count(str(far)) == 8
    assert "ifs-v1" in written


def test_seeds_lie_beside_the_recipe_too(far: Path) -> None:
    resolved = recipe(far, seeds="a.jsonl", models={"teacher": "embedded"}, rounds=["propose"])
    assert seeds_and_benchmarks(resolved, lambda _: None).seeds[0].instruction.startswith("far")


def test_what_is_typed_lies_in_the_working_directory(far: Path) -> None:
    (far / "r.yaml").write_text("name: x\nseeds: a.jsonl\nmodels: {teacher: embedded}\nrounds: [propose]\n")
    resolved = resolve(read_yaml(far / "r.yaml"), ["seeds=a.jsonl"])
    assert seeds_and_benchmarks(resolved, lambda _: None).seeds[0].instruction.startswith("here")


def test_an_arm_is_part_of_the_recipe(far: Path) -> None:
    text = "name: x\nseeds: builtin\nmodels: {teacher: embedded}\nrounds: [propose]\narms: {mine: [seeds=a.jsonl]}\n"
    (far / "r.yaml").write_text(text)
    [arm] = arms_of(read_yaml(far / "r.yaml"), [])
    assert arm.resolved.seeds == str(far / "a.jsonl")
    assert word_beside("inputs=[a.jsonl, builtin]", str(far / "r.yaml")) == f"inputs=[{far / 'a.jsonl'}, builtin]"
    assert word_beside("novelty.rouge_l_below=0.5", str(far / "r.yaml")) == "novelty.rouge_l_below=0.5"


def test_what_is_not_beside_it_stays_as_it_is(far: Path) -> None:
    (far / "builtin").mkdir()
    (far / "ifs-v1").mkdir()
    given = {
        "seeds": "builtin",
        "inputs": ["data/elsewhere.jsonl", "allenai/soda", str(far / "a.jsonl"), 7],
        "models": {"teacher": "openai:a.jsonl", "other": None},
        "stages": [{"score": {"judge": "ifs-v1", "prompts": "ifs-v1:dev"}}, "split", {"mix": None}],
    }
    assert found_beside(given, str(far / "r.yaml")) == given


def test_a_recipe_of_a_finished_run_means_what_its_words_meant(far: Path) -> None:
    words = ("curate", "a.jsonl", "--rules", "none", "-o", far / "run")
    assert command(*words).returncode == 0
    (far / "run" / "a.jsonl").write_text("{}\n")
    again = command("run", far / "run" / "recipe.yaml", "-o", far / "again")
    assert again.returncode == 0, again.stderr
    assert lines(far / "again" / "kept.jsonl") == lines(far / "run" / "kept.jsonl")


def test_the_recipes_of_a_starting_folder_use_its_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_folder(tmp_path / "mine")
    (tmp_path / "mine" / "seeds" / "self_instruct.jsonl").write_text(SEED * 9, encoding="utf-8")
    for place, name in (
        (tmp_path, "mine/pipelines"),
        (tmp_path / "mine", "pipelines"),
        (tmp_path / "mine/pipelines", "."),
    ):
        monkeypatch.chdir(place)
        for file in ("smoke.yaml", "quickstart.yaml", "self_instruct.yaml", "loop.yaml"):
            resolved = resolve(read_yaml(Path(name) / file))
            assert {seed.instruction for seed in seeds_and_benchmarks(resolved, lambda _: None).seeds} == {
                "Name a knot for a mooring line."
            }
    assert all("builtin" not in resolve(read_yaml(Path(name))).seeds for name in ("smoke.yaml", "loop.yaml"))


def test_a_starting_folder_can_be_that_of_a_trade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my seeds: few.jsonl").write_text(SEED * 3, encoding="utf-8")
    ended = command("init", "yard", "--seeds", "my seeds: few.jsonl", "--topic", 'a "boatyard": sails')
    assert ended.returncode == 0, ended.stderr
    resolved = resolve(read_yaml(Path("yard/pipelines/self_instruct.yaml")))
    assert len(seeds_and_benchmarks(resolved, lambda _: None).seeds) == 3
    assert {getattr(stage, "topic", None) for stage in resolved.rounds} == {None, 'a "boatyard": sails'}
    for file in Path("yard/pipelines").glob("*.yaml"):
        assert resolve(read_yaml(file)).seeds != "builtin"
    assert command("init", "other", "--seeds", "nothing.jsonl").returncode == 2
    assert not Path("other").exists()
