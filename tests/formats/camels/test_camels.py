"""What holds for all twelve converters: samples in the published layouts go in, accountable tasks come out."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.formats.camels import CAMELS
from selfinstruct.formats.fields import BadRecord, Unreadable
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.read_sets import layout_names, read_set
from selfinstruct.records import Task


def lines(values: Iterable[Any], file: str) -> list[Line | BadRecord]:
    return [Line(f"{file}:{number}", value) for number, value in enumerate(values, 1)]


FILES = {
    "superni": "task001_capital_of_country.json",
    "cot": "cot_zsopt.jsonl",
    "flan_v2": "flan_v2_resampled_100k.jsonl",
    "dolly": "databricks-dolly-15k.jsonl",
    "oasst1": "2023-04-12_oasst_ready.trees.jsonl",
    "self_instruct": "all_instances_82K.jsonl",
    "unnatural": "core_data.jsonl",
    "alpaca": "alpaca_data.json",
    "code_alpaca": "code_alpaca_20k.json",
    "gpt4_alpaca": "alpaca_gpt4_data.json",
    "baize": "quora_chat_data.json",
    "sharegpt": "sg_90k_part1_html_cleaned.json",
}
ROW = {"instruction": "Name a stone.", "input": "that floats", "output": "Pumice."}
SAMPLES: dict[str, Any] = {
    "superni": {
        "Definition": ["Name the capital of the country you are given."],
        "Positive Examples": [{"input": "Peru", "output": "Lima", "explanation": "It is."}],
        "Instances": [{"id": "task001-1", "input": "Chad", "output": ["N'Djamena", "Ndjamena"]}],
    },
    "cot": {"inputs": "Is tea older than coffee? Think first.", "targets": "Tea was drunk earlier. So: yes."},
    "flan_v2": {"inputs": "Translate to Danish: bread", "targets": "brød", "task": "flan"},
    "dolly": {"instruction": "Who bakes?", "context": "", "response": "A baker.", "category": "open_qa"},
    "oasst1": {
        "message_tree_id": "t1",
        "prompt": {
            "message_id": "m1",
            "text": "How do I peel garlic?",
            "role": "prompter",
            "lang": "en",
            "replies": [
                {"message_id": "m2", "text": "Crush it.", "role": "assistant", "lang": "en", "replies": []},
            ],
        },
    },
    "self_instruct": ROW,
    "unnatural": {
        "instruction": "Name a stone.",
        "instances": [
            {"instruction_with_input": "", "input": "that floats", "constraints": "None.", "output": "Pumice."}
        ],
    },
    "alpaca": ROW,
    "code_alpaca": ROW,
    "gpt4_alpaca": ROW,
    "baize": {"topic": "Stones?", "input": "Two talk.\n[|Human|] Does it float?\n[|AI|] Pumice does.\n[|Human|] "},
    "sharegpt": {
        "id": "s1",
        "conversations": [{"from": "human", "value": "Does it float?"}, {"from": "gpt", "value": "Pumice does."}],
    },
}


def test_the_twelve_sets_are_there_each_under_its_own_name() -> None:
    assert list(CAMELS) == list(FILES)
    assert len(CAMELS) == 12
    for name, converter in CAMELS.items():
        assert converter.name == name
        assert converter.about


@pytest.mark.parametrize("name", CAMELS)
def test_a_sample_in_the_published_layout_becomes_one_task(name: str) -> None:
    [task] = CAMELS[name].convert(lines([SAMPLES[name]], FILES[name]), source=FILES[name])
    assert isinstance(task, Task)
    assert task.provenance.stage == "input"
    assert task.provenance.source == FILES[name]
    assert task.extra["dataset"] == name
    [pair] = task.instances
    assert pair.input == ""
    assert pair.output


@pytest.mark.parametrize("name", CAMELS)
def test_the_same_seed_gives_the_same_tasks(name: str) -> None:
    values = lines([SAMPLES[name]] * 7, FILES[name])
    first, second = (list(CAMELS[name].convert(values, source=FILES[name], seed=7)) for _ in range(2))
    assert first == second


WRONG: list[Any] = [
    None,
    3,
    "text",
    [],
    {},
    {"instruction": 3},
    {"inputs": []},
    {"conversations": [3]},
    {"prompt": {"role": 1}},
]


@pytest.mark.parametrize("name", CAMELS)
def test_values_of_another_shape_are_named_with_their_place_and_the_rest_goes_on(name: str) -> None:
    values = lines([*WRONG, SAMPLES[name]], FILES[name])
    tasks = list(CAMELS[name].convert(values, source=FILES[name]))
    unread = [item for item in tasks if isinstance(item, Unreadable)]
    assert [item.place for item in unread] == [line.place for line in values[:-1]]
    assert all(item.reason and item.problem for item in unread)
    assert len(tasks) == len(values)


@pytest.mark.parametrize("name", CAMELS)
def test_what_could_not_even_be_read_is_passed_on(name: str) -> None:
    broken = BadRecord("not JSON", reason="broken_json", place="x:1", fix="correct it", text="{")
    first, second = CAMELS[name].convert([broken, *lines([SAMPLES[name]], FILES[name])], source=FILES[name])
    assert first == broken.unreadable
    assert isinstance(second, Task)


@pytest.mark.parametrize("name", CAMELS)
def test_an_unknown_compat_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="compat 'camel'"):
        list(CAMELS[name].convert([], source="x", compat="camel"))


WORDS = (
    *("instruction", "input", "output", "context", "response", "inputs", "targets", "task", "instances", "constraints"),
    *("Definition", "Positive Examples", "Instances", "prompt", "text", "role", "replies", "conversations", "from"),
    *("value", "id", "deleted"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(list(CAMELS)), st.lists(json_values, max_size=4), st.sampled_from(["", "camels"]))
def test_no_json_whatever_is_more_than_unreadable(name: str, values: list[Any], compat: str) -> None:
    for task in CAMELS[name].convert(lines(values, FILES[name]), source=FILES[name], compat=compat):
        assert isinstance(task, Task | Unreadable)


def shape(name: str) -> str:
    """What a person writes behind `from`."""
    return name if f"camels/{name}" not in layout_names() else f"camels/{name}"


@pytest.mark.parametrize("name", CAMELS)
def test_each_set_is_read_from_its_file_by_name(name: str, tmp_path: Path) -> None:
    file = tmp_path / FILES[name]
    packed = [SAMPLES[name]] if file.suffix == ".json" and name != "superni" else SAMPLES[name]
    file.write_text(json.dumps(packed, indent=2 if file.suffix == ".json" else None), encoding="utf-8")
    [task] = read_set(str(file), layout=shape(name))
    assert isinstance(task, Task)
    assert task.extra["dataset"] == name


@pytest.mark.parametrize(
    ("recipe", "sets"),
    [
        ("camels_human", {"flan_v2", "cot", "dolly", "oasst1"}),
        ("camels_human_gpt", {"flan_v2", "cot", "dolly", "oasst1", "gpt4_alpaca", "code_alpaca", "sharegpt"}),
    ],
)
def test_the_recipes_of_the_two_mixtures_name_the_papers_sets(recipe: str, sets: set[str]) -> None:
    path = Path(__file__).parents[3] / "pipelines" / f"{recipe}.yaml"
    value = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {source["from"] for source in value["inputs"]} == {shape(name) for name in sets}
    assert value["stages"] == ["mix"], "plain concatenation"
    assert value["seed"] == 42
