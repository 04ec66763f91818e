"""Verdicts on responses."""

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.records import Json
from selfinstruct.tone.response_verdicts import JudgedResponse, Response, Terms, judged
from tests.evaluate.fakes import Marked, verdicts


def verdict(text: str, **known: str | int) -> JudgedResponse:
    terms = Terms(tone_tokens=4, budget=20)
    [verdict] = verdicts(Response(prompt="Name a river.", text=text, **known), terms=terms)  # type: ignore[arg-type]  # fields by name
    return verdict


def test_the_judge_sees_the_prompt_and_the_first_tokens_alone() -> None:
    tone = Marked()
    list(judged([Response(prompt="Name a river.", text=" The Nile is a long river.")], tone, Terms(tone_tokens=4)))
    assert tone.shown == [("Name a river.", " The Nile is a")]


def test_a_cap_on_the_length_never_changes_the_tone_but_such_an_answer_did_not_stop() -> None:
    free, capped = (
        verdict("The Nile is long and", finish_reason="stop"),
        verdict("The Nile is long and", finish_reason="length"),
    )
    assert free.answer_like
    assert capped.answer_like
    assert (free.probability, free.truncated, free.clean) == (capped.probability, False, True)
    assert (capped.truncated, capped.clean) == (True, False)


def test_an_empty_response_is_no_answer_and_no_judge_is_asked_about_it() -> None:
    tone = Marked()
    [verdict] = judged([Response(prompt="Name a river.", text="1.\n2.\n")], tone)
    assert (verdict.probability, verdict.answer_like, verdict.empty, tone.shown) == (0.0, False, True, [])


def test_an_answer_that_goes_past_the_budget_is_not_clean_unless_no_more_was_asked_for() -> None:
    long = (
        "The Nile "
        + "flows on " * 2
        + "and then "
        + "it bends north, " * 2
        + "past hills, huts, palms, mills and towns."
    )
    assert verdict(long).clean is False
    assert verdict(long, asked_tokens=20, finish_reason="stop").clean is True
    assert verdict(long).answer_like


@pytest.mark.parametrize(
    "text", ["and a lake.", "The Nile.\n\nQ: And a lake?", "Name a river. The Nile.", "The Nile is long. " * 4, " "]
)
def test_what_carries_on_runs_on_echoes_loops_or_is_empty_is_not_clean(text: str) -> None:
    assert verdict(text, finish_reason="stop", asked_tokens=20).clean is False


def test_a_loop_that_was_asked_for_is_no_failure() -> None:
    [verdict] = verdicts(Response(prompt="Repeat this sentence four times.", text="The Nile is long. " * 4))
    assert not verdict.loop


def test_without_a_budget_nothing_is_said_about_clean_answers() -> None:
    [verdict] = verdicts(Response(prompt="Name a river.", text="The Nile."), terms=Terms(budget=0))
    assert verdict.clean is None


def test_the_users_own_fields_come_back_and_none_of_them_is_lost_to_ours() -> None:
    extra: dict[str, Json] = {"id": 7, "probability": "high", "sample": 0}
    [verdict] = verdicts(Response(prompt="Name a river.", text="The Nile.", extra=extra))
    line = verdict.as_json()
    assert (line["id"], line["given_probability"], line["probability"]) == (7, "high", 0.9)
    assert "given_sample" not in line


def test_a_judge_that_loses_a_pair_is_not_believed() -> None:
    class Lossy(Marked):
        def probabilities(self, pairs: object, whole: object = None) -> list[float]:  # noqa: ARG002
            del pairs
            return [0.5]

    with pytest.raises(RuntimeError, match="2 pairs"):
        list(judged([Response(prompt="A?", text="B"), Response(prompt="A?", text="C")], Lossy()))


@pytest.mark.parametrize(("tone_tokens", "budget"), [(0, 9), (48, 47)])
def test_terms_under_which_nothing_can_be_told_are_refused(tone_tokens: int, budget: int) -> None:
    with pytest.raises(BadInput):
        Terms(tone_tokens=tone_tokens, budget=budget)


@pytest.mark.parametrize(
    "text",
    [
        "<think>\nOkay, so they want a river. There is",
        "<think>The Nile?</think>\n",
        "Okay, so the user is asking for a river, and I have to work out which",
        "<|channel|>analysis<|message|>The user wants a river.",
        "[THINK]The Nile is one",
    ],
)
def test_thinking_without_an_answer_is_no_answer_and_no_judge_is_asked_about_it(text: str) -> None:
    tone = Marked()
    [verdict] = judged([Response(prompt="Name a river.", text=text)], tone)
    assert (verdict.probability, verdict.answer_like, verdict.clean, tone.shown) == (0.0, False, False, [])
    assert verdict.response.text == text


def test_the_judge_sees_what_was_said_after_the_thinking() -> None:
    tone = Marked()
    [verdict] = judged([Response(prompt="Name a river.", text="<think>\nwhich?\n</think>\n\nThe Nile.")], tone)
    assert tone.shown == [("Name a river.", "The Nile.")]
    assert (verdict.answer_like, verdict.clean) == (True, True)
