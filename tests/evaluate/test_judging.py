"""Judges of answers: what they are asked, which of them are believed, and what is told of what they say."""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.judging.answer_judges import DUMMIES, AnswerPair, LikelihoodJudge, ModelJudge, length
from selfinstruct.evaluate.judging.judge_answers import JudgeAnswers
from selfinstruct.evaluate.judging.judge_trial import JUDGE_CHECK, known_pairs, pairs_of, try_pair_judge
from selfinstruct.evaluate.judging.length_test import length_pairs, length_test
from selfinstruct.evaluate.judging.verdict_parsing import ASPECTS
from selfinstruct.evaluate.judging.win_rates import held_equal, over_models
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Built, TokenScorer, Traits
from selfinstruct.text import words
from selfinstruct.text.rouge_l import rouge_l
from tests.evaluate.fakes import Speaker, task, text_of

FILE = Path(__file__).parents[2] / "seeds" / "judge_check.jsonl"
ROWS = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
CHECK = known_pairs((("", row) for row in ROWS), FILE.name)
BETTER = {row["better"] for row in ROWS}
WORSE = {row["worse"] for row in ROWS}


def shown(prompt: str) -> list[str]:
    """The answers in a prompt of ours, in order."""
    body = prompt.partition("\nRequest:\n")[2]
    if "Answer A:\n" in body:
        first, _, rest = body.partition("Answer A:\n")[2].partition("\n\nAnswer B:\n")
        return [first, rest.partition("\n\nSay in one")[0]]
    return [body.partition("Answer:\n")[2].rpartition("\n\n")[0]]


def quality(answer: str) -> float:
    """What a good judge knows: answers that say `right` are right, and the known pairs by heart."""
    return 2.0 if answer in BETTER else 0.0 if answer in WORSE else 1.0 + ("right" in answer) * 0.5


def good(prompt: str) -> str:
    answers = shown(prompt)
    if len(answers) == 2:
        first, other = map(quality, answers)
        return f"It is so.\n[[{'C' if first == other else 'A' if first > other else 'B'}]]"
    score = 1 + round(2 * quality(answers[0]))
    if "JSON object" in prompt:
        return json.dumps({name: {"reason": "It is.", "score": score} for name in ASPECTS})
    return f"It is so.\n[[{'DCBA'[max(0, score - 2)]}]]"


def answers(models: Sequence[str] = ("student", "base"), questions: int = 30) -> tuple[Task, ...]:
    """The first model's are right and long, the others' short."""
    rows = [
        {
            "suite": "user_oriented",
            "id": f"q{number}",
            "source": f"u{number}",
            "model": model,
            "wrapper": "chat",
            "prompt": f"Do thing {number}.",
            "response": f"It is right {'indeed so ' * (number % 4 - 1)}{number}. That is it."
            if not place
            else f"No {'well ' * (number % 12)}{number}.",
        }
        for place, model in enumerate(models)
        for number in range(questions)
    ]
    return tuple(task(str(row["prompt"]), **row) for row in rows)


def run(stage: JudgeAnswers, folder: Path, judge: Speaker | None = None, given: tuple[Task, ...] | None = None) -> Any:
    notices: list[str] = []
    bench = Bench(
        models={"judge": judge} if judge else {},
        scorers={"likely": Likes()},
        benchmarks={"answers": given or answers(), JUDGE_CHECK: CHECK},
        scratch=folder,
        notice=notices.append,
    )
    built = {outcome.name: outcome.path for outcome in stage([task("Kept.")], bench) if isinstance(outcome, Built)}
    lines = built["judged.jsonl"].read_text(encoding="utf-8").splitlines()
    return json.loads(built["judged.json"].read_text(encoding="utf-8")), [json.loads(line) for line in lines], notices


class Likes(TokenScorer):
    """Finds short texts likely."""

    name = "hf:likes"

    def token_log_probabilities(self, prompt: str, continuation: str) -> Sequence[float]:
        assert prompt.endswith("\n\n")
        return [-float(length(continuation))] * 3


def test_the_pairs_are_ours_varied_and_in_half_of_them_the_longer_is_the_worse() -> None:
    pairs = pairs_of(CHECK)
    assert len(pairs) == len({pair.instruction for pair in pairs}) == 100
    assert sum(pair.longer_is_worse for pair in pairs) == 50
    assert list(ROWS[0]) == ["id", "instruction", "better", "worse", "fault"]
    assert len({row["fault"] for row in ROWS}) > 15
    texts = [pair.instruction for pair in pairs]
    closest = max(rouge_l(words(text), words(other)) for at, text in enumerate(texts) for other in texts[:at])
    assert closest < 0.65
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() in FILE.with_name("README.md").read_text(encoding="utf-8")


def test_a_judge_by_length_is_right_in_one_half_only_and_is_refused() -> None:
    trial = try_pair_judge(DUMMIES[1], pairs_of(CHECK))
    assert sum(trial.right) == 50
    assert not any(right for right, worse in zip(trial.right, trial.longer_is_worse, strict=True) if worse)
    assert not trial.passed
    assert "refused as a judge" in trial.summary


def test_both_orders_are_asked_and_a_judge_that_likes_what_comes_first_only_ties() -> None:
    speaker = Speaker(lambda _: "Hm.\n[[A]]")
    [preference] = ModelJudge(speaker, 100)([AnswerPair("Ask.", "one", "two")])
    assert [shown(text_of(request)) for request in speaker.asked] == [["one", "two"], ["two", "one"]]
    assert (preference.value, preference.consistent, preference.said) == (0.5, False, ("A", "A"))
    assert {(request.temperature, request.purpose) for request in speaker.asked} == {(0.0, "pairwise")}


def test_a_judge_that_passes_is_believed_and_stands_beside_the_dummies(tmp_path: Path) -> None:
    stage = JudgeAnswers(judge="judge", likelihood="likely", answers="answers", length_test=10)
    judge = Speaker(good)
    page, lines, notices = run(stage, tmp_path, judge)
    assert page["check"]["pairwise"]["passed"]
    assert page["by"] == "scripted:speaker"
    student, base = page["models"]
    numbers = student["pairwise"]["scripted:speaker"]
    assert (numbers["n_wins"], numbers["n_total"], numbers["win_rate"]["value"]) == (30, 30, 1.0)
    assert numbers["length_controlled_winrate"]["value"] > 0.5
    assert "pairwise" not in base
    assert [(judge["judge"], judge["believed"]) for judge in page["judges"]] == [
        ("scripted:speaker", True),
        ("dummy (more unique tokens)", False),
        ("dummy (longer)", False),
        ("likelihood (hf:likes)", False),
    ]
    padded = {judge["judge"]: judge["length_test"]["padded"]["longer_preferred"]["value"] for judge in page["judges"]}
    assert (padded["scripted:speaker"], padded["dummy (longer)"]) == (0.5, 1.0)
    assert [judge["length_test"]["prefers_length"] for judge in page["judges"]] == [False, True, True, False]
    assert page["over_models"]["says"].startswith("says little: 1 model")
    assert len(lines) == 30 * 4
    assert any("passed" in notice for notice in notices)
    assert len(judge.asked) == 2 * (100 + 30 + 10 + 10)


def test_a_judge_that_fails_is_refused_by_name_with_its_numbers_and_asked_no_more(tmp_path: Path) -> None:
    stage = JudgeAnswers(judge="judge", answers="answers", length_test=5)
    judge = Speaker(lambda _: "Both are nice.")
    page, lines, notices = run(stage, tmp_path, judge)
    trial = page["check"]["pairwise"]
    assert (trial["passed"], trial["right"]["value"], trial["faults"]) == (False, 0.0, {"no_verdict": 100})
    assert "scripted:speaker, pairwise: refused as a judge; right 0.00" in notices[0]
    assert (len(judge.asked), page["by"]) == (200, "dummy (more unique tokens)")
    assert {line["judge"] for line in lines} == {"dummy (more unique tokens)", "dummy (longer)"}


def test_five_aspects_are_told_with_reasons_and_prose_is_a_failure_of_that_name(tmp_path: Path) -> None:
    calls = Counter[str]()

    def says(prompt: str) -> str:
        calls["asked"] += 1
        return "A very helpful answer, 5 of 5." if "thing 3." in prompt else good(prompt)

    stage = JudgeAnswers(measures=("just_eval",), judge="judge", answers="answers")
    page, lines, _ = run(stage, tmp_path, Speaker(says))
    student = page["models"][0]["just_eval"]
    assert (student["rated"], student["faults"], student["factual"]["value"]) == (29, {"prose": 1}, 4.0)
    assert calls["asked"] == 200 + 60
    assert {line["fault"]: line["scores"] for line in lines}["prose"] is None
    assert lines[0]["reasons"]["deep"] == "It is."
    prose, lines, _ = run(stage, tmp_path / "prose", Speaker(lambda _: "It is good: 5/5."))
    assert (prose["check"]["just_eval"]["passed"], prose["check"]["just_eval"]["faults"]) == (False, {"prose": 200})
    assert ("just_eval" in prose["models"][0], lines) == (False, [])


def test_a_judge_that_can_be_held_to_a_schema_is(tmp_path: Path) -> None:
    judge = Speaker(good, traits=Traits(structured=True))
    run(JudgeAnswers(measures=("just_eval",), judge="judge", answers="answers", first=2), tmp_path, judge)
    assert {bool(request.json_schema) for request in judge.asked} == {True}
    assert len(judge.asked) == 200 + 4


def test_levels_are_given_to_answers_one_by_one(tmp_path: Path) -> None:
    stage = JudgeAnswers(measures=("user_oriented",), judge="judge", answers="answers")
    page, lines, _ = run(stage, tmp_path, Speaker(good))
    assert page["models"][0]["user_oriented"]["levels"] == {"A": 0, "B": 30, "C": 0, "D": 0}
    assert {line["level"] for line in lines if line["model"] == "base"} == {"C"}
    assert page["models"][1]["user_oriented"]["A_or_B"]["value"] == 0.0


def test_the_dummy_wins_by_length_alone_and_length_held_equal_takes_that_away() -> None:
    drawn = random.Random(1)
    apart = [drawn.randint(-20, 40) for _ in range(200)]
    sources = [str(at) for at in range(200)]
    by_length = held_equal([float(gap > 0) for gap in apart], apart, sources)
    assert by_length is not None
    assert abs(by_length.value - 0.5) < 0.1
    better = held_equal([float(drawn.random() < 0.8) for _ in apart], apart, sources)
    assert better is not None
    assert better.low is not None
    assert 0.7 < better.low < better.value < 0.9
    assert held_equal([1.0, 0.0, 1.0], [1, 2, 3], ["a", "b", "c"]) is None


def test_a_correlation_over_models_is_a_claim_from_twelve_models_on() -> None:
    few = {str(at): (at / 10, float(at)) for at in range(5)}
    assert (over_models(few)["claim"], over_models(few)["r"] is None) == (False, False)
    many = {str(at): (at / 20, at + (at % 3) / 2) for at in range(12)}
    assert (over_models(many)["claim"], over_models(many)["says"]) == (True, "")


def test_twins_depend_on_the_seed_alone_and_a_judge_that_reads_does_not_fall_for_them() -> None:
    given = [(f"s{at}", "Ask.", f"It is right {at}. Quite so. Indeed.") for at in range(40)]
    pairs, other = length_pairs(given, 20, 1), length_pairs(list(reversed(given)), 20, 1)
    assert pairs == other
    assert pairs != length_pairs(given, 20, 2)
    assert len(pairs["padded"]) == len(pairs["shortened"]) == 20
    lengths: Any = length_test(DUMMIES[0], pairs, 0)
    assert (lengths["prefers_length"], lengths["shortened"]["longer_preferred"]["value"]) == (True, 1.0)


def test_a_likelihood_judge_has_no_verdict_on_nothing() -> None:
    pairs = [AnswerPair("Ask.", "short", "much longer text"), AnswerPair("Ask.", "", "text")]
    assert [preference.value for preference in LikelihoodJudge(Likes())(pairs)] == [1.0, None]


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"measures": ("nothing",)}, "nothing"),
        ({"measures": ()}, "none is named"),
        ({"measures": ("just_eval",)}, "without a judge model"),
        ({"first": -1}, "too small"),
    ],
)
def test_knobs_that_judge_nothing_are_refused(knobs: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        JudgeAnswers(**knobs)


def test_answers_of_one_model_another_suite_or_an_unknown_reference_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="of one model"):
        run(JudgeAnswers(answers="answers"), tmp_path, given=answers(("student",)))
    with pytest.raises(BadInput, match="no answers of the suite ifeval"):
        run(JudgeAnswers(answers="answers", suite="ifeval"), tmp_path)
    with pytest.raises(BadInput, match="reference: no answers of 'gpt'"):
        run(JudgeAnswers(answers="answers", reference="gpt"), tmp_path)
    with pytest.raises(BadInput, match="lacks worse"):
        known_pairs([("pairs.jsonl:1", {"instruction": "a", "better": "b"})], "pairs.jsonl")
