"""The scorer of Super-NaturalInstructions beside the package itself; its task files and its prompt."""

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.superni import (
    CATEGORY_METRICS,
    NatInstExample,
    ScoredAnswer,
    exact_match,
    natinst_task,
    normalized,
    package_rouge_l,
    scored,
    superni_score,
    tk_prompt,
)

FILE = {
    "Categories": ["Word Analogy"],
    "Definition": ["Say the opposite."],
    "Positive Examples": [{"input": "hot", "output": "cold", "explanation": "They are opposites."}],
    "Negative Examples": [{"input": "hot", "output": "warm"}],
    "Instances": [{"id": "a-1", "input": "up", "output": ["down"]}, {"input": "in", "output": "out"}],
}


def test_a_public_task_file_is_read_whole() -> None:
    task = natinst_task(FILE, "opposites")
    assert (task.category, task.definition) == ("Word Analogy", "Say the opposite.")
    assert task.negative == (NatInstExample("hot", "warm"),)
    assert [(instance.id, instance.outputs) for instance in task.instances] == [
        ("a-1", ("down",)),
        ("opposites-2", ("out",)),
    ]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"Definition": []}, "Definition"),
        ({"Definition": 3}, "Definition"),
        ({"Instances": {"input": "x"}}, "'Instances'"),
        ({"Instances": [{"input": "x", "output": []}]}, "item 1, output"),
        ({"Instances": [{"output": ["x"]}]}, "item 1, input"),
        ({"Negative Examples": [{"input": "x"}]}, "Negative Examples, item 1"),
        ({"Categories": [1]}, "Categories"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_place(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint) as caught:
        natinst_task({**FILE, **change}, "t", place="t.json")
    assert str(caught.value).startswith("t.json: ")


def test_both_numbers_take_the_best_reference_and_keep_articles() -> None:
    assert exact_match("It's  BLUE!", ["red", "its blue"])
    assert not exact_match("the sky", ["sky"])
    assert package_rouge_l("cats ran", ["dog", "the cat runs"]) == pytest.approx(2 * 1 / 3 * 0.5 / (1 / 3 + 0.5))
    assert package_rouge_l("", ["x"]) == 0 == package_rouge_l("x", [])
    assert normalized("a-b  c") == "ab c"


def test_examples_that_would_make_a_prompt_too_long_are_dropped_from_the_end() -> None:
    long = [NatInstExample("one", "two"), NatInstExample("word " * 50, "x")]
    short = tk_prompt("Do it.", "in", long, most_words=40)
    assert "Positive Example 1" in short
    assert "Positive Example 2" not in short
    assert short.endswith("Input: in.\nOutput: ")


def test_without_a_definition_its_block_is_away() -> None:
    assert tk_prompt(" ", "in?") == "Now complete the following example -\nInput: in?\nOutput: "


def test_means_are_over_answers_and_intervals_by_task() -> None:
    answers = [ScoredAnswer("a", "X", 100.0, 50.0)] * 3 + [ScoredAnswer("b", "Y", 0.0, 10.0)]
    score = superni_score(answers)
    assert score is not None
    assert (score.exact_match.value, score.rouge_l.value) == (75.0, 40.0)
    assert (score.rouge_l.n, score.rouge_l.clusters) == (4, 2)
    assert score.by_category["X"].exact_match.low is None  # one task shows no spread
    analogies = superni_score([scored("a", "Word Analogy", "x", ["x"])])
    assert analogies is not None
    assert analogies.as_json()["by_category"]["Word Analogy"]["told_by"] == "exact_match"  # type: ignore[index,call-overload]
    assert superni_score([]) is None


def test_twelve_categories_six_of_each() -> None:
    assert sorted(CATEGORY_METRICS.values()) == ["exact_match"] * 6 + ["rouge_l"] * 6


def test_tasks_that_all_score_the_same_leave_room_for_those_that_were_not_seen() -> None:
    score = superni_score([ScoredAnswer(f"t{n}", "X", 0.0, 0.0) for n in range(30)])
    assert score is not None
    assert score.exact_match.high == pytest.approx(100 * (1 - 0.025 ** (1 / 30)))  # the rule of three, in points
