"""CoT and Flan V2: the newline rule, and the shares that are drawn."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.formats.camels.flan import COT, FLAN_V2, Flan, with_newline
from selfinstruct.formats.fields import Unreadable
from selfinstruct.formats.json_stream import Line
from selfinstruct.records import Task


def rows(count: int, **fields: str) -> list[dict[str, Any]]:
    return [{"inputs": f"Question {index}?", "targets": f"Answer {index}.", **fields} for index in range(count)]


def converted(rules: Flan, values: Iterable[Any], source: str = "x.jsonl", seed: int = 42) -> list[Task | Unreadable]:
    lines = [Line(f"{source}:{number}", value) for number, value in enumerate(values, 1)]
    return list(rules.convert(lines, source=source, seed=seed))


def drawn(tasks: Iterable[Task | Unreadable]) -> list[Task]:
    return [item for item in tasks if isinstance(item, Task)]


def test_the_published_shares_are_the_papers() -> None:
    families = Counter[str]()
    for part, share in FLAN_V2.shares.items():
        families[part.split("_")[0]] += share
    assert families == {"flan": 400, "t0": 320, "niv2": 200, "cot": 50, "dialog": 30}
    assert Counter(part.split("_")[0] for part in FLAN_V2.shares) == {
        "flan": 4,
        "t0": 4,
        "niv2": 2,
        "cot": 2,
        "dialog": 2,
    }
    assert (COT.quota("cot_zs_opt"), COT.quota("cot_fs_opt")) == (50_000, 50_000)
    assert sum(map(FLAN_V2.quota, FLAN_V2.shares)) == 100_000


@pytest.mark.parametrize(
    ("fields", "source", "part"),
    [
        ({}, "cot_zs_noopt.jsonl", "cot_zs_noopt"),
        ({}, "flan2021_fsopt.jsonl", "flan_fs_opt"),
        ({}, "t0_zsnoopt.jsonl.gz", "t0_zs_noopt"),
        ({}, "flan_v2_resampled_100k.jsonl", ""),
        ({"_task_source": "P3", "_template_type": "fs_opt"}, "part-0001.parquet", "t0_fs_opt"),
        ({"_task_source": "NIv2", "_template_type": "zs_opt"}, "part-0001.parquet", "niv2_zs_opt"),
        ({"task": "dialog"}, "dialog_fs_opt_train.jsonl", "dialog_fs_opt"),
        ({"task": "flan"}, "train.jsonl", ""),
    ],
)
def test_a_row_or_its_file_names_the_part(fields: dict[str, str], source: str, part: str) -> None:
    assert FLAN_V2.part(fields, source) == part


def test_each_part_gives_its_share() -> None:
    rules = replace(FLAN_V2, total=1000)
    sources = {"flan": "Flan2021", "t0": "P3", "niv2": "NIv2", "cot": "CoT", "dialog": "Dialog"}
    values = [
        row
        for part in (*rules.shares, "cot_zs_noopt")
        for row in rows(120, _task_source=sources[part.split("_")[0]], _template_type=part.split("_", 1)[1])
    ]
    task_or_fault = converted(rules, values)
    counts = Counter(f"{task.extra['_task_source']} {task.extra['_template_type']}" for task in drawn(task_or_fault))
    assert sum(counts.values()) == 1000
    assert counts["Flan2021 zs_opt"] == counts["NIv2 fs_opt"] == 100
    assert counts["P3 fs_noopt"] == 80
    assert counts["CoT fs_opt"] == 25
    assert counts["Dialog zs_opt"] == 15
    assert counts["CoT zs_noopt"] == 0
    left = [item for item in task_or_fault if isinstance(item, Unreadable)]
    assert {item.reason for item in left} == {"not_drawn"}
    assert len(left) + 1000 == len(values), "every row is accounted for"


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 20), st.integers(0, 5))
def test_a_part_gives_its_quota_or_all_it_has_in_the_order_of_the_file(
    zero: int, few: int, total: int, seed: int
) -> None:
    rules = replace(COT, total=total)
    values = [*rows(zero, _template_type="zs_opt"), *rows(few, _template_type="fs_opt")]
    task_or_fault = converted(rules, values, seed=seed)
    ways = [task.extra["_template_type"] for task in drawn(task_or_fault)]
    assert ways == ["zs_opt"] * min(zero, total // 2) + ["fs_opt"] * min(few, total // 2)
    assert len(task_or_fault) == zero + few
    assert len({(task.instruction, task.extra["_template_type"]) for task in drawn(task_or_fault)}) == len(ways)


def test_the_seed_decides_who_is_drawn_and_nothing_else_does() -> None:
    rules = replace(COT, total=20)
    values = rows(200)
    first = drawn(converted(rules, values, "cot_zsopt.jsonl"))
    assert first == drawn(converted(rules, values, "cot_zsopt.jsonl"))
    assert {task.instruction for task in first} != {
        task.instruction for task in drawn(converted(rules, values, "cot_zsopt.jsonl", seed=1))
    }


def test_every_row_has_the_same_chance() -> None:
    rules = replace(COT, total=20)
    seen = Counter(
        task.instruction for seed in range(300) for task in drawn(converted(rules, rows(40), "cot_fsopt.jsonl", seed))
    )
    assert sum(seen.values()) == 300 * 10
    assert min(seen.values()) > 75 - 4.5 * 7.5, "binomial(300, 1/4): 75 with a deviation of 7.5"
    assert max(seen.values()) < 75 + 4.5 * 7.5


def test_a_resampled_file_is_taken_as_it_is() -> None:
    task_or_fault = converted(FLAN_V2, rows(50, task="flan"), "flan_v2_resampled_100k.jsonl")
    assert [task.instances[0].output for task in drawn(task_or_fault)] == [f"Answer {index}." for index in range(50)]


def test_rows_with_and_without_a_part_do_not_mix() -> None:
    [odd, kept] = converted(FLAN_V2, [*rows(1, _task_source="CoT", _template_type="zs_opt"), *rows(1)])
    assert isinstance(kept, Task)
    assert isinstance(odd, Unreadable)
    assert odd.reason == "part"


@given(st.text())
def test_a_prompt_ends_in_a_newline_or_a_colon(prompt: str) -> None:
    ended = with_newline(prompt)
    assert ended.endswith("\n") or ended.rstrip().endswith(":")
    assert ended.removesuffix("\n") == prompt or ended == prompt
    assert with_newline(ended) == ended


def test_prompts_get_their_newline_and_answers_stay() -> None:
    values = [{"inputs": "Why? Think.", "targets": " So.\n"}, {"inputs": "Q: Why?\nA:", "targets": "So."}]
    first, second = drawn(converted(COT, values, "cot_zsopt.jsonl"))
    assert (first.instruction, first.instances[0].output) == ("Why? Think.\n", " So.\n")
    assert second.instruction == "Q: Why?\nA:"
