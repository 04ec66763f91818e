"""The stage: who is asked what, what the numbers are made of, and that every answer is kept."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from rouge_score.rouge_scorer import RougeScorer

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.answer_set import AnswerSet
from selfinstruct.evaluate.score_files import Row, responses_of
from selfinstruct.records import Choice, Instance, Message, Provenance, Task
from selfinstruct.stage import Bench, Built, Kept, Measured, Outcome, Tone, Traits
from selfinstruct.stats import rule_of_three
from tests.evaluate.fakes import Marked, Speaker, text_of

INPUT = Provenance(stage="input")
RIVERS = ["Tay", "Spey", "Dee", "Don", "Nith", "Esk", "Ayr", "Add"]


def task(instruction: str, said: str, split: str = "", **more: Any) -> Task:
    extra: dict[str, Any] = {"split": split} if split else {}
    return Task(instruction=instruction, instances=(Instance("", said),), provenance=INPUT, extra=extra, **more)


def records() -> list[Task]:
    tested = [task(f"Name river {place}.", f"The {name} is a river.", "test") for place, name in enumerate(RIVERS)]
    sorted_ = [task(f"Is {name} a river?", "Yes", "test", is_classification=True) for name in RIVERS[:2]]
    return [*tested, task("Write a poem.", "Roses.", "train"), *sorted_]


def right(prompt: str) -> str:
    for record in records():
        if record.instruction == prompt:
            return record.instances[0].output
    return "I do not know that."


def run(
    stage: AnswerSet,
    folder: Path,
    *models: Speaker,
    judge: Tone | None = None,
    given: Sequence[Task] | None = None,
    benchmarks: dict[str, Sequence[Task]] | None = None,
) -> tuple[list[Outcome], dict[str, Any], list[dict[str, Any]]]:
    """Outcomes, evaluation.json and answers.jsonl."""
    bench = Bench(
        models=dict(zip(("student", "base", "teacher"), models, strict=False)),
        judges={} if judge is None else {"ifs-v1": judge},
        benchmarks=benchmarks or {},
        scratch=folder,
    )
    outcomes = list(stage(records() if given is None else given, bench))
    built = {outcome.name: outcome.path for outcome in outcomes if isinstance(outcome, Built)}
    page = json.loads(built["evaluation.json"].read_text(encoding="utf-8"))
    return (
        outcomes,
        page,
        [json.loads(line) for line in built["answers.jsonl"].read_text(encoding="utf-8").splitlines()],
    )


def test_only_the_test_split_is_asked_and_every_record_passes(tmp_path: Path) -> None:
    student = Speaker(right)
    outcomes, page, answers = run(AnswerSet(), tmp_path, student)
    assert [outcome.record for outcome in outcomes if isinstance(outcome, Kept)] == records()
    assert [text_of(request) for request in student.asked] == [
        record.instruction for record in records() if record.held_out
    ]
    assert {(request.temperature, request.max_tokens) for request in student.asked} == {(0.0, 256)}
    assert page["records"] == "test split"
    assert len(answers) == page["models"][0]["answered"] == 10
    agreement = page["models"][0]["agreement_with_teacher"]
    never = rule_of_three(10, 0.025)  # ten sources cannot rule out more
    assert agreement["rouge_l"] == {"value": 1.0, "low": pytest.approx(1 - never), "high": 1.0}
    assert agreement["exact_match"]["value"] == 1.0


def test_a_set_without_marks_is_asked_in_full(tmp_path: Path) -> None:
    given = [replace(record, extra={}) for record in records()]
    student = Speaker(right)
    _, page, _ = run(AnswerSet(), tmp_path, student, given=given)
    assert page["records"] == "all"
    assert len(student.asked) == len(given)


def test_the_numbers_are_means_of_what_the_library_gives(tmp_path: Path) -> None:
    plain, stemmed = RougeScorer(["rougeL"]), RougeScorer(["rougeL"], use_stemmer=True)
    _, page, answers = run(AnswerSet(), tmp_path, Speaker(lambda prompt: f"It is a running river: {prompt}"))
    agreement = page["models"][0]["agreement_with_teacher"]
    for name, scorer in (("rouge_l", plain), ("rouge_l_stemmed", stemmed)):
        wanted = [scorer.score(answer["references"][0], answer["response"])["rougeL"].fmeasure for answer in answers]
        assert [answer[name] for answer in answers] == wanted
        assert agreement[name]["value"] == pytest.approx(fmean(wanted), abs=1e-8)
        assert agreement[name]["low"] <= agreement[name]["value"] <= agreement[name]["high"]
    assert agreement["words"]["value"] == fmean(answer["words"] for answer in answers)
    assert agreement["unique_words"]["value"] == fmean(answer["unique_words"] for answer in answers)


def test_seeds_held_out_and_gold_tell_quality_and_the_set_imitation(tmp_path: Path) -> None:
    seeds, gold = [task("Name a lake.", "Ness")], [task("Name a hill.", "I do not know that.")]
    stage = AnswerSet(held_out_seeds="seeds.jsonl", gold="gold.jsonl")
    _, page, answers = run(stage, tmp_path, Speaker(right), benchmarks={"seeds.jsonl": seeds, "gold.jsonl": gold})
    assert page["questions"] == {"agreement_with_teacher": 10, "quality_on_held_out_seeds": 1, "quality_on_gold": 1}
    [model] = page["models"]
    assert model["quality_on_held_out_seeds"]["exact_match"]["value"] == 0.0
    assert model["quality_on_gold"]["exact_match"] == {"value": 1.0, "low": None, "high": None}
    assert [answer["against"] for answer in answers[-2:]] == ["quality_on_held_out_seeds", "quality_on_gold"]


def test_categories_add_up_and_rare_verbs_are_told_together(tmp_path: Path) -> None:
    _, page, _ = run(AnswerSet(), tmp_path, Speaker(right))
    by_category = page["models"][0]["agreement_with_teacher"]["by_category"]
    assert {kind: n["n"] for kind, n in by_category["kind"].items()} == {
        "undecided": 8,
        "classification": 2,
    }
    assert {verb: n["n"] for verb, n in by_category["verb"].items()} == {"name": 8, "other": 2}


def test_models_are_compared_on_the_questions_both_answered(tmp_path: Path) -> None:
    base = Speaker(lambda prompt: None if prompt == "Name river 0." else "No.", name="scripted:base")
    outcomes, page, answers = run(AnswerSet(beside=("base",)), tmp_path, Speaker(right), base)
    assert [model["answered"] for model in page["models"]] == [10, 9]
    [difference] = page["differences"]
    assert (difference["of"], difference["above"]) == ("scripted:base, chat", "scripted:speaker, chat")
    assert (difference["n"], difference["same_wrapper"]) == (9, True)
    assert difference["exact_match"]["value"] == -1.0
    assert len(answers) == 19
    [failure] = page["failures"]
    assert (failure["model"], failure["error"]) == ("scripted:base", "timeout")
    [measured] = [outcome.value for outcome in outcomes if isinstance(outcome, Measured)]
    assert isinstance(measured, dict)
    assert measured["failed"] == 1


def test_each_model_may_have_a_wrapper_of_its_own(tmp_path: Path) -> None:
    bare = Speaker(right, traits=Traits(chat=False), name="scripted:bare")
    _, page, _ = run(AnswerSet(beside=("base",)), tmp_path, Speaker(right), bare)
    assert [model["wrapper"] for model in page["models"]] == ["chat", "none"]
    assert not page["differences"][0]["same_wrapper"]
    tagged = Speaker(right)
    _, page, _ = run(AnswerSet(beside=("base",), wrappers=("tags", "suffix")), tmp_path, tagged, Speaker(right))
    assert [model["wrapper"] for model in page["models"]] == ["tags", "suffix"]
    assert text_of(tagged.asked[0]).startswith("<|user|>\nName river 0.")


def test_a_system_turn_goes_before_the_question(tmp_path: Path) -> None:
    given = [replace(task("Name a river.", "Tay"), system="Be brief.")]
    chat, bare = Speaker(lambda _: "Tay"), Speaker(lambda _: "Tay")

    class Turns(Speaker):
        def complete(self, requests: Any) -> Any:
            asked = list(requests)
            assert asked[0].prompt == (Message("system", "Be brief."), Message("user", "Name a river."))
            return chat.complete([replace(request, prompt="") for request in asked])

    run(AnswerSet(), tmp_path, Turns(lambda _: "Tay"), given=given)
    run(AnswerSet(wrappers=("none",)), tmp_path, bare, given=given)
    assert text_of(bare.asked[0]) == "Be brief.\n\nName a river."


def test_a_judge_tells_ifs_and_without_one_it_is_null(tmp_path: Path) -> None:
    def half(prompt: str) -> Choice:
        return Choice("The Tay." if prompt < "Name river 4" else "and so on", "stop" if prompt < "Name" else "length")

    _, page, answers = run(AnswerSet(), tmp_path, Speaker(half), judge=Marked())
    agreement = page["models"][0]["agreement_with_teacher"]
    assert page["judge"]["version"] == "marked/1"
    assert agreement["ifs"]["value"] == fmean(answer["answer_like"] for answer in answers) == 0.6
    assert agreement["ifs_clean"]["value"] == 0.2
    assert agreement["finish_reasons"] == {"length": 8, "stop": 2}
    _, page, answers = run(AnswerSet(), tmp_path, Speaker(half))
    assert page["judge"] is None
    assert page["models"][0]["agreement_with_teacher"]["ifs"] is None
    assert "answer_like" not in answers[0]


def test_answers_in_any_script_are_compared_and_those_beside_no_words_left_out_and_counted(tmp_path: Path) -> None:
    given = [task("Name a wall.", "长城"), task("Ask.", "???"), task("Name a river.", "Tay")]
    said = {"wall": "长城", "Ask": "???", "river": "Tay"}
    student = Speaker(lambda prompt: next(answer for key, answer in said.items() if key in prompt))
    _, page, answers = run(AnswerSet(), tmp_path, student, given=given)
    agreement = page["models"][0]["agreement_with_teacher"]
    assert (agreement["n"], agreement["n_rouge_l"], agreement["rouge_l"]["value"]) == (3, 2, 1.0)
    assert agreement["exact_match"]["value"] == 1.0
    assert [answer["rouge_l"] for answer in answers] == [1.0, None, 1.0]


def test_kept_answers_can_be_scored_again_without_a_model(tmp_path: Path) -> None:
    _, _, answers = run(AnswerSet(), tmp_path, Speaker(right))
    responses = list(responses_of(Row(f"answers.jsonl:{number}", answer) for number, answer in enumerate(answers, 1)))
    assert [response.text for response in responses] == [answer["response"] for answer in answers]
    assert responses[0].prompt == "Name river 0."


def test_the_same_answers_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run(AnswerSet(first=5), tmp_path / name, Speaker(right), judge=Marked())
    for name in ("evaluation.json", "answers.jsonl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert len((tmp_path / "a" / "answers.jsonl").read_text(encoding="utf-8").splitlines()) == 5


def test_nothing_to_ask_no_answer_at_all_and_a_missing_judge_are_bad_input(tmp_path: Path) -> None:
    bare = [Task(instruction="Name a river.", provenance=INPUT)]
    with pytest.raises(BadInput, match="no record with an answer"):
        run(AnswerSet(), tmp_path, Speaker(right), given=bare)
    with pytest.raises(BadInput, match="none of 10 questions"):
        run(AnswerSet(), tmp_path, Speaker(lambda _: None))
    with pytest.raises(BadInput, match="no judge 'mine'"):
        run(AnswerSet(judge="mine"), tmp_path, Speaker(right))


@pytest.mark.parametrize(
    "knobs",
    [{"wrappers": ("nothing",)}, {"wrappers": ()}, {"wrappers": ("none", "chat")}, {"max_tokens": 0}, {"first": -1}],
)
def test_knobs_that_measure_nothing_are_refused(knobs: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        AnswerSet(**knobs)
