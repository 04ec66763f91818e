"""The recipe of five sets and their mixture: samples in their layouts, as many tokens each, three seeds an arm."""

from pathlib import Path

from selfinstruct.formats.read_sets import read_set
from selfinstruct.records import Task
from selfinstruct.run.recipe.yaml_file import read_yaml
from selfinstruct.run.recipe_arms import arms_of

HOME = Path(__file__).parents[2]
SAMPLES = HOME / "pipelines" / "samples" / "camels"


def test_every_arm_is_a_set_or_the_mixture_under_one_of_three_seeds_and_the_base_is_asked_once() -> None:
    arms = arms_of(read_yaml(HOME / "pipelines" / "camels.yaml"), [])
    sets = ("dolly", "flan_v2", "oasst1", "gpt4_alpaca", "sharegpt", "mixture")
    assert [arm.name for arm in arms] == [f"{name}-{seed}" for name in sets for seed in (42, 43, 44)]
    assert [arm.resolved.recipe.seed for arm in arms[:4]] == [42, 43, 44, 42]
    assert [len(arm.resolved.recipe.inputs) for arm in arms[::3]] == [1, 1, 1, 1, 1, 5]
    measured = ("score", "suite", "knowledge", "shift")  # IFS and ifs_clean, SuperNI, facts kept, shifted tokens
    assert {tuple(one.name for one in arm.resolved.stages[-4:]) for arm in arms} == {measured}
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
        found = list(read_set(str(SAMPLES / file), shape=f"camels/{name}" if name == "sharegpt" else name))
        assert all(isinstance(one, Task) for one in found)
        assert len(found) == 40
        assert {one.extra["dataset"] for one in found if isinstance(one, Task)} == {name}


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
