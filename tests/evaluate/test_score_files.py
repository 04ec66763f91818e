"""Responses that exist already."""

from typing import Any

import pytest

from selfinstruct import ifs
from selfinstruct.errors import BadInput
from selfinstruct.evaluate.compare_models import table
from selfinstruct.evaluate.score_files import Row, responses_of, score_responses
from selfinstruct.stats import rule_of_three
from tests.evaluate.fakes import Marked


def rows(*fields: dict[str, Any]) -> list[Row]:
    return [Row(f"a.jsonl:{number}", each) for number, each in enumerate(fields, 1)]


def test_a_prompt_is_the_prompt_or_the_instruction_and_its_input() -> None:
    responses = responses_of(
        rows(
            {"prompt": "Add 1 and 2.", "response": "3"},
            {"instruction": "Add.", "input": "1 and 2", "response": "3"},
            {"instruction": "Add.", "input": "", "response": "3", "finish_reason": None},
        )
    )
    assert [response.prompt for response in responses] == ["Add 1 and 2.", "Add.\n\n1 and 2", "Add."]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"instruction": "Add."}, "a.jsonl:1: no field 'response'"),
        ({"response": "3"}, "a.jsonl:1: neither 'prompt' nor 'instruction'"),
        ({"prompt": "Add.", "response": None}, "a.jsonl:1: field 'response' is no text"),
        ({"prompt": 7, "response": "3"}, "a.jsonl:1: field 'prompt' is no text"),
        ({"prompt": "Add.", "response": "3", "whole": "yes"}, "a.jsonl:1: field 'whole' is neither true nor false"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_its_place(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as complaint:
        list(responses_of(rows(fields)))
    assert str(complaint.value).startswith(says)


def test_no_responses_are_a_complaint_and_no_score() -> None:
    with pytest.raises(BadInput, match="no responses"):
        score_responses([], Marked())


def side(model: str, answering: int, of: int = 40) -> list[dict[str, Any]]:
    said = [("The Nile." if number < answering else "and a lake") for number in range(of)]
    return [{"model": model, "prompt": f"Name river {number}.", "response": text} for number, text in enumerate(said)]


def test_models_stand_side_by_side_with_differences_in_pairs() -> None:
    scores = score_responses(rows(*side("base", 10), *side("tuned", 30)), Marked())
    assert [score.setting.model for score in scores.scored] == ["base", "tuned"]
    [pair] = scores.differences
    assert (pair.of, pair.above, pair.n, pair.same_wrapper) == ("tuned", "base", 40, True)
    ifs = pair.numbers["ifs"]
    assert ifs.value == 0.5
    assert ifs.low is not None
    assert 0.3 < ifs.low < 0.5


def test_a_difference_is_drawn_in_pairs_so_that_what_both_share_adds_no_spread() -> None:
    scores = score_responses(rows(*side("one", 20), *side("other", 20)), Marked())
    [pair] = scores.differences
    ifs = pair.numbers["ifs"]
    never = rule_of_three(40, 0.025)  # forty sources cannot rule out more
    assert [ifs.value, ifs.low, ifs.high] == pytest.approx([0.0, -never, never])


def test_only_prompts_that_both_answered_are_compared() -> None:
    scores = score_responses(rows(*side("one", 20), *side("other", 20, of=30)), Marked())
    assert [difference.n for difference in scores.differences] == [30]
    apart = rows({"model": "a", "prompt": "A?", "response": "B"}, {"model": "b", "prompt": "C?", "response": "D"})
    assert score_responses(apart, Marked()).differences == ()


def test_the_first_score_stands_at_the_top_and_all_of_them_below() -> None:
    page = score_responses(rows(*side("base", 10), *side("tuned", 30)), Marked()).as_json()
    assert page["ifs"] == 0.25
    assert isinstance(page["scores"], list)
    assert [score["ifs"] for score in page["scores"] if isinstance(score, dict)] == [0.25, 0.75]


def test_a_table_has_a_line_for_each_score_and_survives_a_pipe_in_a_name() -> None:
    text = table(score_responses(rows(*side("a|b", 10)), Marked()).scored)
    assert text.splitlines()[2].startswith("| a\\|b |  | 0.250 [0.")
    assert text.count("\n") == 3


def test_rows_without_a_model_take_the_name_that_is_handed_in() -> None:
    [response] = responses_of(rows({"prompt": "A?", "response": "B", "mine": [1]}), model="base.jsonl")
    assert (response.model, response.extra) == ("base.jsonl", {"mine": [1]})


@pytest.mark.parametrize(
    ("responses", "says"),
    [
        ([("a",)], "response 1: 1 value, and no pair of prompt and response; give pairs"),
        ([("a", "b"), ("a", "b", "c")], "response 2: 3 values, and no pair"),
        (["ab"], "response 1: a text alone, and no pair"),
        ([7], "response 1: an int, and no pair"),
        ([("a", 7)], "response 1: field 'response' is no text"),
        ([{"prompt": "a"}], "response 1: no field 'response'"),
    ],
)
def test_what_is_no_pair_is_one_clear_line(responses: list[Any], says: str) -> None:
    with pytest.raises(BadInput) as error:
        ifs(responses)
    assert str(error.value).startswith(says)
