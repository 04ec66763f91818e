"""The story of a run says what happened in the order in which it happened."""

from dataclasses import replace
from pathlib import Path

import pytest

from selfinstruct.report.summary import RunSummary
from selfinstruct.run.main_loop import Walked, walk
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.yaml_file import parse_yaml
from selfinstruct.run.run_summary import _models, _one_turned, run_summary
from selfinstruct.store.run_folder import RunFolder
from tests.run.toys import Count, Sieve, resolved, runner_in


def summarised(folder: Path, what: Resolved) -> tuple[RunSummary, Walked]:
    walked = walk(what, runner_in(folder), (), 4)
    return run_summary(what, RunFolder(folder), walked, (), "mark"), walked


def test_the_target_stands_where_the_rounds_end_and_every_stage_adds_up(tmp_path: Path) -> None:
    what = replace(resolved(10, Count(per_request=7), Sieve(by=3)), stages=(Sieve(by=5), Sieve(by=2)))
    story, walked = summarised(tmp_path, what)
    assert walked.surplus
    assert [stage.name for stage in story.stages] == ["count", "sieve", "target", "sieve", "sieve"]
    assert story.complaints == ()
    _, _, target, first, second = story.stages
    assert (target.kept, target.rejections) == (10, len(walked.surplus))
    assert (first.received, first.kept) == (10, second.received)
    assert second.kept == story.published == len(walked.kept) < 10


def test_the_target_is_the_last_row_where_nothing_follows_the_rounds(tmp_path: Path) -> None:
    story, walked = summarised(tmp_path, resolved(10, Count(per_request=7), Sieve()))
    assert [stage.name for stage in story.stages] == ["count", "sieve", "target"]
    assert story.stages[-1].kept == story.published == len(walked.kept) == 10
    assert story.complaints == ()


def test_there_is_no_such_row_when_nothing_was_beyond_the_target(tmp_path: Path) -> None:
    story, walked = summarised(tmp_path, resolved(2, Count(per_request=1), Sieve(by=1000)))
    assert walked.surplus == ()
    assert [stage.name for stage in story.stages] == ["count", "sieve"]


@pytest.mark.parametrize(
    ("recipe", "models"),
    [
        (
            "rounds: [propose], stages: [{decontaminate: {against: [ifs-v1]}}, finetune, {score: {model: student}}]",
            ("embedded",),
        ),
        ("rounds: [propose], stages: [{simplify: {model: editor}}]", ("embedded", "openai:small")),
        (
            "inputs: [a.jsonl], stages: [{score: {model: base}}]",
            ("embedded", "hf:gemma", "built:student", "openai:small"),
        ),
    ],
)
def test_models_of_a_set_are_those_that_wrote_it_and_not_those_that_were_tuned_or_asked(
    recipe: str, models: tuple[str, ...]
) -> None:
    named = "{teacher: embedded, base: 'hf:gemma', student: 'built:student', editor: 'openai:small'}"
    resolved = resolve(parse_yaml(f"{{name: a, models: {named}, {recipe}}}".encode(), "test"))
    assert _models(resolved) == models


def test_a_student_that_teaches_is_among_them() -> None:
    text = (
        "{name: a, models: {teacher: embedded, base: embedded, student: 'built:student'}, cycles: 2, "
        "student_teaches: true, rounds: [propose], "
        "stages: [{decontaminate: {against: [ifs-v1]}}, finetune, "
        "{score: {model: student, prompts: 'ifs-v1:dev'}}, feedback]}"
    )
    assert _models(resolve(parse_yaml(text.encode(), "test"))) == ("embedded", "built:student")


def test_the_nearest_neighbour_of_a_rejected_record_is_another_one_and_not_its_own_answer() -> None:
    cut = _one_turned(
        "instances", {"id": "a", "reason": "truncated", "instruction": "Say.", "evidence": {"text": "I sa"}}
    )
    assert (cut.nearest, cut.rouge_l) == ("", None)
    assert cut.evidence == '{"text": "I sa"}'
    evidence = {"text": "Tell.", "rouge_l": 0.8, "nearest": "b"}
    near = _one_turned("novelty", {"id": "a", "reason": "too_similar", "instruction": "Say.", "evidence": evidence})
    assert (near.nearest, near.rouge_l, near.evidence) == ("Tell.", 0.8, "")
    twin = {"neighbour": "b", "neighbour_text": "Say!", "score": 1.0}
    same = _one_turned("exact", {"id": "a", "reason": "exact_duplicate", "instruction": "Say.", "evidence": twin})
    assert same.nearest == "Say!"
