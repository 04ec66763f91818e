"""The stage that scores models."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.score import Score
from selfinstruct.prompt_templates import wrapped
from selfinstruct.records import Choice, Instance, Json, Task
from selfinstruct.stage import Bench, Built, Kept, Measured, Outcome, Tone, Traits
from selfinstruct.tone.prompt_sets import first_half, ifs_tasks, own_prompts
from tests.evaluate.fakes import Marked, Speaker, Tried, task

PROMPTS = ifs_tasks(
    {"id": f"ifs-{number}", "instruction": f"Name river {number} of the north.", "cut": f"Name river {number} of"}
    for number in range(6)
)


def speaks(said: str) -> str:
    return "The Nile." if said.endswith(".") else " the south."


def bench(folder: Path, judges: Mapping[str, Tone] | None = None, **models: Speaker) -> Bench:
    return Bench(
        models=models,
        benchmarks={"ifs-v1": PROMPTS},
        judges={"ifs-v1": Marked()} if judges is None else judges,
        scratch=folder / "scratch",
        stage="score",
    )


def scored(stage: Score, made: Bench, *records: Task) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    outcomes = list(stage(records, made))
    built = {outcome.name: outcome.path for outcome in outcomes if isinstance(outcome, Built)}
    page = json.loads(built["score.json"].read_text(encoding="utf-8"))
    [measured] = [outcome.value for outcome in outcomes if isinstance(outcome, Measured)]
    assert measured == page
    lines = built["responses.jsonl"].read_text(encoding="utf-8").splitlines()
    return page, [json.loads(line) for line in lines]


@pytest.mark.parametrize(("split", "asked"), [("", 2), ("test", 1)])
def test_of_a_split_set_only_what_is_for_testing_is_asked(tmp_path: Path, split: str, asked: int) -> None:
    extra: dict[str, Json] = {"split": split} if split else {}
    records = [replace(task("Add one."), extra=extra), task("Say it.")]
    page, _ = scored(Score(prompts=""), bench(tmp_path, teacher=Speaker(speaks)), *records)
    assert page["n"] == asked


def test_a_base_model_answers_whole_prompts_and_carries_on_cut_ones(tmp_path: Path) -> None:
    page, lines = scored(Score(), bench(tmp_path, teacher=Speaker(speaks)))
    assert (page["ifs_full"], page["ifs_partial"], page["gap"], page["ifs"], page["n"]) == (1.0, 0.0, 1.0, 0.5, 12)
    assert (page["prompts"], page["judge"]["version"], page["wrapper"]) == ("ifs-v1", "marked/1", "none")
    assert len(lines) == 12
    assert {line["probability"] for line in lines} == {0.9, 0.1}
    assert lines[0]["prompt"] == "Name river 0 of the north."
    assert lines[0]["request"] == "key.0/0"


def test_a_task_with_an_input_is_asked_as_a_student_of_the_template_was_tuned(tmp_path: Path) -> None:
    sort = replace(task("Sort the words of this list."), instances=(Instance("b a c d e f g", ""),))
    speaker = Speaker(speaks)
    _, lines = scored(Score(prompts="", wrappers=("alpaca",)), bench(tmp_path, teacher=speaker), sort)
    whole, cut = (str(request.prompt) for request in speaker.asked)
    assert whole == wrapped("alpaca", "Sort the words of this list.", "b a c d e f g")
    assert "### Input:\nb a c d e f g\n" in whole
    assert "### Input:" not in cut
    assert [line["prompt"] for line in lines] == [
        "Sort the words of this list.\n\nb a c d e f g",
        "Sort the words of this list.",
    ]


def test_records_pass_through_unchanged(tmp_path: Path) -> None:
    records = [task("Name a lake."), task("Name a hill.")]
    outcomes: list[Outcome] = list(Score()(records, bench(tmp_path, teacher=Speaker(speaks))))
    assert [outcome.record for outcome in outcomes if isinstance(outcome, Kept)] == records


def test_wrappers_and_models_stand_side_by_side_on_the_same_prompts(tmp_path: Path) -> None:
    tuned = Speaker(lambda _: "The Nile.", name="scripted:tuned")
    stage = Score(beside=("student",), wrappers=("none", "chat"))
    page, lines = scored(stage, bench(tmp_path, teacher=Speaker(speaks), student=tuned))
    assert [(score["model"], score["wrapper"]) for score in page["scores"]] == [
        ("scripted:speaker", "none"),
        ("scripted:speaker", "chat"),
        ("scripted:tuned", "none"),
        ("scripted:tuned", "chat"),
    ]
    [same] = [
        difference
        for difference in page["differences"]
        if difference["of"] == "scripted:tuned, none" and difference["same_wrapper"]
    ]
    assert (same["ifs_partial"]["value"], same["ifs_full"]["value"], same["n"]) == (1.0, 0.0, 12)
    assert len(lines) == 48


def test_a_call_without_an_answer_is_listed_and_counts_in_no_share(tmp_path: Path) -> None:
    model = Speaker(lambda said: None if "river 3" in said else speaks(said))
    page, lines = scored(Score(), bench(tmp_path, teacher=model))
    assert (page["n"], page["failed"], page["ifs"], len(lines)) == (10, 2, 0.5, 10)
    assert {failure["prompt"] for failure in page["failures"]} == {"Name river 3 of the north.", "Name river 3 of"}


@pytest.mark.parametrize("kind", ["only_thinking", "empty_text"])
def test_a_model_that_comes_back_without_an_answer_has_not_answered(tmp_path: Path, kind: str) -> None:
    page, lines = scored(Score(), bench(tmp_path, teacher=Speaker(lambda _: None, fails=kind)))
    assert (page["ifs"], page["n"], page["failures"]) == (0.0, 12, [])
    assert {line["finish_reason"] for line in lines} == {kind}


def test_a_model_that_answers_nothing_has_no_score(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="none of 12 prompts got an answer: no answer"):
        list(Score()([], bench(tmp_path, teacher=Speaker(lambda _: None))))


def test_one_budget_is_asked_for_and_what_it_cuts_off_is_truncated(tmp_path: Path) -> None:
    model = Speaker(lambda _: Choice("The Nile", "length"))
    page, _ = scored(Score(budget=64), bench(tmp_path, teacher=model))
    assert {request.max_tokens for request in model.asked} == {64}
    assert (page["truncated"], page["ifs"], page["ifs_clean"]) == (1.0, 1.0, 0.0)
    page, _ = scored(Score(budget=0), bench(tmp_path, teacher=model))
    assert model.asked[-1].max_tokens == 48
    assert page["ifs_clean"] is None


def test_samples_are_told_apart(tmp_path: Path) -> None:
    model = Speaker(lambda _: ("The Nile.", "and so on"))
    page, lines = scored(Score(samples=2, temperature=0.7), bench(tmp_path, teacher=model))
    assert page["samples"] == {"mean": 0.5, "deviation": 0.5, "ifs": [1.0, 0.0]}
    assert (page["n"], page["sources"], [line["sample"] for line in lines[:3]]) == (24, 6, [0, 1, 0])


def test_the_judge_of_this_run_comes_before_the_shipped_one_and_a_named_one_before_both(tmp_path: Path) -> None:
    judges = {"ifs-v1": Marked("ifs-v1"), "judge": Tried("trained"), "other": Marked("other")}
    made = bench(tmp_path, judges, teacher=Speaker(speaks))
    page, _ = scored(Score(), made)
    assert page["judge"]["version"] == "trained"
    assert page["corrected"]["judge"]["whole"]["sensitivity"] == 0.9
    assert scored(Score(judge="other"), made)[0]["judge"]["version"] == "other"
    del judges["judge"]
    assert scored(Score(), made)[0]["judge"]["version"] == "ifs-v1"


def test_the_stages_own_records_are_prompts_whole_and_cut_in_half(tmp_path: Path) -> None:
    records = [task("Name a river in the north of Spain."), task("Name a lake.")]
    page, lines = scored(Score(prompts=""), bench(tmp_path, teacher=Speaker(speaks)), *records)
    assert [line["prompt"] for line in lines] == [
        "Name a river in the north of Spain.",
        "Name a river in",
        "Name a lake.",
    ]
    assert (page["prompts"], page["sources"]) == ("records", 2)


def test_only_the_first_sources_are_asked_where_a_number_is_given(tmp_path: Path) -> None:
    page, _ = scored(Score(first=2), bench(tmp_path, teacher=Speaker(speaks)))
    assert (page["sources"], page["n"]) == (2, 4)


def test_text_that_no_file_can_hold_is_written_all_the_same(tmp_path: Path) -> None:
    _, lines = scored(Score(first=1), bench(tmp_path, teacher=Speaker(lambda _: "The \ud800 Nile")))
    assert lines[0]["response"] == "The \ud800 Nile"


def test_a_model_beside_without_a_template_is_left_out_under_chat_and_that_is_told(tmp_path: Path) -> None:
    bare = Speaker(speaks, traits=Traits(chat=False), name="scripted:bare")
    stage = Score(beside=("base",), wrappers=("none", "chat"))
    page, _ = scored(stage, bench(tmp_path, teacher=Speaker(speaks), base=bare))
    asked = [(score["model"], score["wrapper"]) for score in page["scores"]]
    assert asked == [("scripted:speaker", "none"), ("scripted:speaker", "chat"), ("scripted:bare", "none")]
    [left_out] = page["left_out"]
    assert (left_out["model"], left_out["wrapper"]) == ("scripted:bare", "chat")


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        (Score(prompts="ifs-v9"), "no prompt set 'ifs-v9'"),
        (Score(judge="other"), "no judge 'other'"),
        (Score(prompts=""), "no prompts to score with"),
        (Score(wrappers=("chat",)), "no chat template"),
    ],
)
def test_what_is_not_there_is_named(stage: Score, says: str, tmp_path: Path) -> None:
    made = bench(tmp_path, teacher=Speaker(speaks, traits=Traits(chat=False)))
    with pytest.raises(BadInput, match=says):
        list(stage([], made))


@pytest.mark.parametrize(
    "knobs",
    [{"wrappers": ()}, {"wrappers": ("x",)}, {"samples": 0}, {"samples": 2}, {"budget": 7}, {"temperature": -1.0}],
)
def test_knobs_that_measure_nothing_are_refused(knobs: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Score(**knobs)


@pytest.mark.parametrize("row", [{}, {"id": "a", "instruction": "Go on now.", "cut": "Come on"}, {"id": "", "cut": ""}])
def test_a_row_of_a_prompt_set_without_its_cut_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="no instruction with its cut"):
        ifs_tasks([row], "mine.jsonl")


def test_half_of_a_text_is_its_beginning_word_for_word() -> None:
    texts: Sequence[str] = ["a b c d e f", "  one two\nthree four  five six seven", "aa a aa a aa a"]
    for text in texts:
        half = first_half(text)
        assert text.startswith(half)
        assert half.split() == text.split()[: len(text.split()) // 2]
    assert [prompt.whole for prompt in own_prompts([task("a b c d e")])] == [True]
