"""Each condition of an ablation: what it shows, what it never shows, and when it cannot be made."""

import pytest

from selfinstruct.audit.ablate_conditions import (
    AGAINST,
    CONDITIONS,
    lesson,
    prompt,
    without_input,
    without_labels,
    wrong_answer,
)
from selfinstruct.audit.ablate_tasks import baselines, label_space, studied_task
from selfinstruct.superni import NatInstInstance, NatInstTask
from tests.audit.ablations import DEFINITION, LABELS, echoing, parity

PARITY, DOUBLED = studied_task(parity(), 0), studied_task(echoing(), 0)
SEVEN = PARITY.asked[7]


def put(condition: str, studied: object = PARITY, asked: NatInstInstance = SEVEN) -> str | None:
    return prompt(condition, studied, asked, shots=2, seed=1)  # type: ignore[arg-type]


def test_each_condition_of_a_task_with_labels() -> None:
    tail = "Now complete the following example -\nInput: 7.\nOutput:"
    assert put("original") == f"Definition: {DEFINITION}\n\n{tail}"
    assert put("simplified") == f"Definition: Possible labels: even, odd.\n\n{tail}"
    assert put("empty") == tail
    assert put("input_removed") == f"Definition: Say even if two divides it, else odd.\n\n{tail}"
    assert put("labels_removed") == (
        f"Definition: You are given a number. Say a label if two divides it, else a label.\n\n{tail}"
    )
    assert "Input: 2.\n Output: even.\n" in (put("right_examples") or "")
    assert "Input: 2.\n Output: odd.\n" in (put("delusive_examples") or "")
    assert "Input: 2.\n Output: odd.\n" in (put("wrong_pairing") or "")
    assert 'answer "odd" where "even" would be right; answer "even" where "odd" would be right' in (
        put("inverted") or ""
    )


def test_shuffled_words_are_the_same_words_in_another_order_and_the_same_order_every_time() -> None:
    first, again = put("shuffled_words"), put("shuffled_words", asked=PARITY.asked[3])
    assert first is not None
    assert again is not None
    words = first.split("\n\n")[0].removeprefix("Definition: ").removesuffix(".")
    assert words != DEFINITION.removesuffix(".")
    assert sorted(words.replace(".", "").split()) == sorted(DEFINITION.replace(".", "").split())
    assert first.split("\n\n")[0] == again.split("\n\n")[0]
    assert first != prompt("shuffled_words", PARITY, SEVEN, shots=2, seed=2)


def test_free_text_has_nothing_to_simplify_to_and_nothing_to_turn_round() -> None:
    asked = DOUBLED.asked[0]
    assert put("simplified", DOUBLED, asked) == put("empty", DOUBLED, asked)
    assert put("inverted", DOUBLED, asked) is None
    assert put("labels_removed", DOUBLED, asked) is None
    assert put("delusive_examples", DOUBLED, asked) is None  # it has no negative examples
    assert put("input_removed", DOUBLED, asked) is None  # it says nothing of its input
    other = lesson("wrong_pairing", DOUBLED, asked, shots=2, seed=1)
    assert other is not None
    assert other[1] in {request.outputs[0] for request in DOUBLED.asked} - {asked.outputs[0]}


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c"), ("a", "b", "c", "d", "e")])
def test_no_wrong_pair_is_right_by_chance(labels: tuple[str, ...]) -> None:
    asked = tuple(NatInstInstance(f"i{n}", str(n), (labels[n % len(labels)],)) for n in range(60))
    studied = studied_task(NatInstTask(name="t", definition="d", instances=asked, labels=labels), 0)
    wrong = [wrong_answer(studied, each.outputs, each.id, 0) for each in asked]
    assert all(answer in labels and answer not in each.outputs for answer, each in zip(wrong, asked, strict=True))
    learned = [lesson("wrong_pairing", studied, each, shots=2, seed=0) for each in asked]
    assert all(pair is not None and pair[0].startswith("Definition: d.") for pair in learned)
    assert {pair[1] for pair in learned if pair is not None} == set(labels)  # each stands for others now and then


def test_a_wrong_answer_is_none_of_several_right_ones_and_there_may_be_none() -> None:
    studied = studied_task(NatInstTask(name="t", definition="d", labels=("a", "b")), 0)
    assert wrong_answer(studied, ("A.", "b"), "i", 0) is None


def test_what_is_learned_under_every_other_condition_is_the_right_answer_to_its_prompt() -> None:
    for name in CONDITIONS:
        if name not in ("wrong_pairing", "inverted"):
            assert lesson(name, PARITY, SEVEN, shots=2, seed=1) == (put(name), "odd")
    assert set(AGAINST) == set(CONDITIONS) - {"original", "inverted"}


def test_a_label_space_is_as_the_file_says_or_as_the_answers_show() -> None:
    assert PARITY.labels == LABELS
    assert DOUBLED.labels == ()
    several = tuple(NatInstInstance(str(n), "", ("yes", "no")) for n in range(9))
    assert label_space(NatInstTask(name="t", definition="d", instances=several)) == ()
    once = tuple(NatInstInstance(str(n), "", (said,)) for n, said in enumerate(["yes"] * 9 + ["no"] * 9 + ["maybe"]))
    assert label_space(NatInstTask(name="t", definition="d", instances=once)) == ()
    long = tuple(NatInstInstance(str(n), "", ("one two three four five six" if n % 2 else "no",)) for n in range(12))
    assert label_space(NatInstTask(name="t", definition="d", instances=long)) == ()


def test_guessing_scores_one_in_so_many_labels_the_majority_its_share_and_a_copy_what_it_copies() -> None:
    guesses = baselines(PARITY)
    assert {score.exact_match for score in guesses["guess"]} == {50.0}
    assert sum(score.exact_match for score in guesses["majority"]) == 100 * 6
    assert {score.exact_match for score in guesses["copied_input"]} == {0.0}
    free = baselines(DOUBLED)
    assert "majority" not in free
    assert free["guess"] == free["copied_input"]
    assert free["copied_input"][0].rouge_l == pytest.approx(100 * 2 / 3)


def test_labels_within_longer_words_stay_and_slashed_lists_go() -> None:
    assert (
        without_labels("Is it true/false? It may be untrue.", ["true", "false"]) == "Is it a label? It may be untrue."
    )


def test_a_definition_of_its_input_alone_leaves_nothing() -> None:
    assert without_input("The input is a number.") == ""


def test_the_majority_is_that_of_the_task_and_not_of_the_few_that_are_asked() -> None:
    labels = ["a", "a", "b", "b", "b", "b", "b", "b"]
    asked = tuple(NatInstInstance(f"i{n}", str(n), (label,)) for n, label in enumerate(labels))
    few = studied_task(NatInstTask(name="t", definition="d", instances=asked), 2)
    assert [baseline.exact_match for baseline in baselines(few)["majority"]] == [0.0, 0.0]
