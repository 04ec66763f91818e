"""ObjecQA: numbers, agreement, paired test, and the stage."""

import json
from math import comb
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.objecqa import ObjecQA, judge_request, read_kind
from selfinstruct.prompts import prompt
from selfinstruct.records import Message
from selfinstruct.stage import Bench, Built, Kept, Measured, Traits
from selfinstruct.stats import kappa
from selfinstruct.tone.objecqa_classifier import OPINIONS, Opinion
from selfinstruct.tone.objecqa_share import TasteReply, mcnemar, objecqa_tasks, objectivity, paired
from tests.evaluate.fakes import Speaker, task

KINDS: st.SearchStrategy[Opinion] = st.sampled_from(OPINIONS)


def replies(*kinds: Opinion, phrasings: int = 1) -> list[TasteReply]:
    return [
        TasteReply(question=str(number // phrasings), phrasing=number % phrasings, sample=0, kind=kind)
        for number, kind in enumerate(kinds)
    ]


def test_the_score_is_the_objective_share_of_the_answers_and_the_rest_is_told_apart() -> None:
    estimate = objectivity(replies("objective", "subjective", "no_answer", "objective"), "rules/1")
    assert estimate.objective is not None
    assert estimate.unanswered is not None
    assert (estimate.objective.value, estimate.unanswered.value, estimate.n) == (2 / 3, 0.25, 4)
    assert estimate.counts == {"subjective": 1, "objective": 2, "no_answer": 1}


def test_where_nothing_is_answered_there_is_no_score() -> None:
    assert objectivity(replies("no_answer", "no_answer"), "rules/1").objective is None
    assert objectivity([], "rules/1").as_json()["unanswered"] is None


def test_phrasings_of_a_question_are_drawn_together_and_shown_apart() -> None:
    kinds: list[Opinion] = ["objective", "subjective"] * 20
    estimate = objectivity(replies(*kinds, phrasings=2), "rules/1")
    assert estimate.by_phrasing == (1.0, 0.0)
    assert estimate.objective is not None
    single = objectivity(replies(*kinds), "rules/1").objective
    assert single is not None
    assert (estimate.objective.half_width or 1) < (single.half_width or 0) * 0.7


@given(st.lists(st.tuples(KINDS, KINDS), min_size=1, max_size=30))
def test_kappa_is_the_same_from_both_sides_and_one_only_where_all_agree(pairs: list[tuple[Opinion, Opinion]]) -> None:
    first, second = [answer for answer, _ in pairs], [other for _, other in pairs]
    agreed = kappa(first, second)
    assert agreed == kappa(second, first)
    assert agreed is None or (agreed == 1) == (first == second)


def test_kappa_is_nought_for_a_judge_that_guesses_and_the_textbook_value_otherwise() -> None:
    assert kappa(["a", "a", "b", "b"], ["a", "b", "a", "b"]) == 0
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert kappa(first, second) == pytest.approx(0.4)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_the_exact_binomial_test(only_first: int, only_second: int) -> None:
    size = only_first + only_second
    seen = comb(size, only_first)
    exact = sum(comb(size, count) for count in range(size + 1) if comb(size, count) <= seen) / 2**size
    assert mcnemar(only_first, only_second) == pytest.approx(exact)


def test_two_models_are_compared_on_what_both_answered() -> None:
    first = replies("objective", "objective", "objective", "no_answer", "subjective")
    second = replies("subjective", "objective", "subjective", "objective", "subjective")
    difference = paired(first, second)
    assert (difference.n, difference.only_first, difference.only_second, difference.p) == (4, 2, 0, 0.5)
    assert difference.difference is not None
    assert difference.difference.value == 0.5
    with pytest.raises(BadInput, match="no question"):
        paired(first, [])


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("subjective", "subjective"),
        (" Kind: Objective.", "objective"),
        ("no answer", "no_answer"),
        ("No answer, since it is neither objective nor subjective", "no_answer"),
        ("It likes tea", None),
        ("", None),
    ],
)
def test_the_judges_word_is_read_or_nothing_is(said: str, kind: str | None) -> None:
    assert read_kind(said) == kind


@pytest.mark.parametrize("name", ["objecqa.chat", "objecqa.completion"])
def test_the_judge_sees_two_shots_then_the_question_and_the_reply(name: str) -> None:
    request = judge_request(prompt("evaluate", name), "Wood or {stone}?", "Wood.")
    said = request.prompt if isinstance(request.prompt, str) else request.prompt[0].content
    assert said.count("\nKind:") == said.count("\nReply:") == 3
    assert "Question: Wood or {stone}?\nReply: Wood.\nKind:" in said


ROWS = [
    {"id": f"taste-{number}", "question": f"Is path {number} nicer?", "phrasings": [f"Would you take path {number}?"]}
    for number in range(5)
]


def stage_page(stage: ObjecQA, folder: Path, **models: Speaker) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    bench = Bench(models=models, benchmarks={"objecqa-v1": objecqa_tasks(ROWS)}, scratch=folder / "x", stage="objecqa")
    record = task("Name a lake.")
    outcomes = list(stage([record], bench))
    assert [outcome.record for outcome in outcomes if isinstance(outcome, Kept)] == [record]
    built = {outcome.name: outcome.path for outcome in outcomes if isinstance(outcome, Built)}
    page = json.loads(built["objecqa.json"].read_text(encoding="utf-8"))
    assert [outcome.value for outcome in outcomes if isinstance(outcome, Measured)] == [page]
    return page, [json.loads(line) for line in built["objecqa.jsonl"].read_text(encoding="utf-8").splitlines()]


def test_a_model_is_scored_by_rules_alone_where_no_judge_is_named(tmp_path: Path) -> None:
    model = Speaker(lambda said: "It depends on the weather." if "path 1" in said else "I love it.")
    page, lines = stage_page(ObjecQA(), tmp_path, teacher=model)
    [score] = page["scores"]
    assert (score["rules"]["objective"]["value"], score["rules"]["n"], score["judge"]) == (0.2, 10, None)
    assert len(lines) == 10
    assert lines[1]["phrasing"] == 1
    assert {type(request.prompt) for request in model.asked} == {tuple}


def test_a_judge_is_asked_about_every_reply_and_its_agreement_with_the_rules_is_told(tmp_path: Path) -> None:
    model = Speaker(lambda said: "It depends on the weather." if "path 1" in said else "I love it.")
    judge = Speaker(
        lambda said: "objective" if "Reply: It depends on the weather" in said else "subjective", name="scripted:judge"
    )
    page, lines = stage_page(ObjecQA(judge_model="judge"), tmp_path, teacher=model, judge=judge)
    [score] = page["scores"]
    assert score["agreement"] == {"n": 10, "same": 1.0, "kappa": 1.0}
    assert score["judge"]["objective"]["value"] == 0.2
    assert page["judge"]["prompt"] == "objecqa.chat/1"
    assert {line["judge"] for line in lines} == {"objective", "subjective"}


def test_two_models_are_tested_in_pairs_and_failures_are_listed(tmp_path: Path) -> None:
    first = Speaker(lambda said: None if "path 4" in said else "It depends.")
    second = Speaker(lambda _: "I love it.", name="scripted:other")
    page, _ = stage_page(ObjecQA(beside=("other",)), tmp_path, teacher=first, other=second)
    [pair] = page["paired"]
    assert (pair["n"], pair["only_first"], pair["p"], pair["difference"]["value"]) == (4, 4, 0.125, 1.0)
    assert [failure["error"] for failure in page["failures"]] == ["timeout", "timeout"]


def test_only_the_first_phrasing_is_asked_where_one_is_wanted(tmp_path: Path) -> None:
    model = Speaker(lambda _: "It depends.")
    stage_page(ObjecQA(phrasings=1, wrapper="none"), tmp_path, teacher=model)
    assert [request.prompt for request in model.asked] == [row["question"] for row in ROWS]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    bare = Speaker(lambda _: "", traits=Traits(chat=False))
    with pytest.raises(BadInput, match="no chat template"):
        stage_page(ObjecQA(), tmp_path, teacher=bare)
    with pytest.raises(BadInput, match="no questions 'mine'"):
        stage_page(ObjecQA(questions="mine"), tmp_path, teacher=bare)
    for knobs in ({"phrasings": 0}, {"samples": 2}, {"samples": 0}):
        with pytest.raises(BadInput):
            ObjecQA(**knobs)  # type: ignore[arg-type]  # knobs by name
    with pytest.raises(BadInput, match=r"mine\.jsonl:1"):
        objecqa_tasks([{"id": "a", "question": "Is it?", "phrasings": [7]}], "mine.jsonl")


def test_a_completion_model_is_asked_to_judge_in_plain_text() -> None:
    text = judge_request(prompt("evaluate", "objecqa.completion"), "Is it?", " ").prompt
    assert isinstance(text, str)
    assert text.endswith("Reply: (nothing)\nKind:")
    chat = judge_request(prompt("evaluate", "objecqa.chat"), "Is it?", "Yes.").prompt
    assert isinstance(chat, tuple)
    assert isinstance(chat[0], Message)
