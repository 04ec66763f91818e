"""The recipe of five sets and their mixture: samples in their layouts, as many tokens each, three seeds an arm."""

import json
from pathlib import Path

import pytest

from selfinstruct.formats.read_sets import read_set
from selfinstruct.records import Task
from selfinstruct.run.recipe.yaml_file import read_yaml
from selfinstruct.run.recipe_arms import arms_of
from selfinstruct.run.score_without_run import compare_folders
from selfinstruct.run.seeds_and_benchmarks import SHIPPED_SETS
from tests.cli.typed import command
from tests.models import tiny_models

HOME = Path(__file__).parents[2]
SAMPLES = HOME / "pipelines" / "samples" / "camels"


def test_every_arm_is_a_set_or_the_mixture_under_one_of_three_seeds_and_the_base_is_asked_once() -> None:
    arms = arms_of(read_yaml(HOME / "pipelines" / "camels.yaml"), [])
    sets = ("dolly", "flan_v2", "oasst1", "gpt4_alpaca", "sharegpt", "mixture")
    assert [arm.name for arm in arms] == [f"{name}-{seed}" for name in sets for seed in (42, 43, 44)]
    assert [arm.resolved.recipe.seed for arm in arms[:4]] == [42, 43, 44, 42]
    assert [len(arm.resolved.recipe.inputs) for arm in arms[::3]] == [1, 1, 1, 1, 1, 5]
    measured = ("score", "suite", "knowledge", "shift")  # IFS and ifs_clean, SuperNI, facts kept, shifted tokens
    assert {tuple(stage.name for stage in arm.resolved.stages[-4:]) for arm in arms} == {measured}
    assert {file for arm in arms for stage in arm.resolved.stages for file in stage.needs.rows} <= {*SHIPPED_SETS}
    asked = [{role for stage in arm.resolved.stages for role in stage.needs.models} for arm in arms]
    assert asked == [{"student", "base"}, *({"student"} for _ in arms[1:])]


def test_every_sample_is_read_whole_by_the_converter_of_its_set() -> None:
    files = {
        "dolly": "dolly.jsonl",
        "flan_v2": "flan_v2.jsonl",
        "oasst1": "oasst1.jsonl",
        "gpt4_alpaca": "gpt4_alpaca.json",
        "sharegpt": "sharegpt.json",
    }
    for name, file in files.items():
        records = list(read_set(str(SAMPLES / file), layout=f"camels/{name}" if name == "sharegpt" else name))
        assert all(isinstance(record, Task) for record in records)
        assert len(records) == 40
        assert {record.extra["dataset"] for record in records if isinstance(record, Task)} == {name}


def test_the_table_of_the_papers_mixtures_adds_up() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (HOME / "pipelines" / "camels.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("|") and "---" not in line
    ]
    *sets, together = rows[1:]
    for column in (5, 6):
        taken = sum(int(row[column].replace(",", "")) for row in sets if row[column])
        assert f"{taken:,}" == together[column].strip("*")


@pytest.mark.slow
def test_two_arms_of_it_run_on_a_tiny_model_and_stand_in_one_table(tmp_path: Path) -> None:
    tiny = tiny_models.saved(tmp_path / "tiny")
    settings = json.loads((tiny / "config.json").read_text(encoding="utf-8"))
    (tiny / "config.json").write_text(json.dumps(settings | {"max_position_embeddings": 1024}), encoding="utf-8")
    small = {
        "models.base": f"hf:{tiny}",
        "mix.budget": "800",
        "score.first": "4",
        "score.budget": "0",
        "suite.instances": "1",
        "suite.max_tokens": "8",
        "knowledge.first": "8",
        "shift.first": "3",
        "shift.tokens": "8",
        "arms": '{dolly-42: ["inputs=[{path: samples/camels/dolly.jsonl, from: dolly}]"], '
        'mixture-42: ["score.beside=[]", "suite.beside=[]"]}',
    }
    words = [part for key, value in small.items() for part in ("--set", f"{key}={value}")]
    ended = command("run", HOME / "pipelines" / "camels.yaml", *words, "-o", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    assert "| SuperNI ROUGE-L | SuperNI EM | facts kept |" in (tmp_path / "out" / "arms.md").read_text(encoding="utf-8")
    table = compare_folders([tmp_path / "out"])
    assert [row.partition(":")[0] for row in table.rows] == ["dolly-42", "dolly-42", "mixture-42"]
    measures = {column.measure for column in table.columns}
    assert {"ifs", "superni rouge_l", "facts kept", "shifted tokens"} <= measures
