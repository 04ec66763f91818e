"""Echoes, empty lists and loops are what they are called."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.fragment.cuts import first_words, size
from selfinstruct.fragment.drafts import echo, empty_list, loop

PROMPT = "Name two long rivers of Spain. Then say where each of them ends."


@given(st.integers(0, 10_000))
def test_an_echo_says_nothing_that_the_prompt_does_not(seed: int) -> None:
    draft = echo(PROMPT, Random(seed), 40)
    said = draft.text.strip('"').lower().rstrip(".").split("\n")[0]
    assert said in PROMPT.lower()
    assert size(draft.text) == draft.least
    assert draft.least >= 6


@given(st.integers(0, 10_000))
def test_an_empty_list_holds_no_word_longer_than_a_letter_or_a_number(seed: int) -> None:
    draft = empty_list(Random(seed))
    assert draft.text.strip()
    assert not [run for run in draft.text.split() if sum(map(str.isalnum, run)) > 1]


@given(st.integers(0, 10_000), st.sampled_from(["The Ebro. It is long, they say, and old.", "No", "写一首诗"]))
def test_a_loop_still_repeats_itself_when_it_is_shortened_as_far_as_it_may(seed: int, unit: str) -> None:
    draft = loop(unit, Random(seed), 40)
    shortest = first_words(draft.text, draft.least)
    once = next(draft.text[:at] for at in range(1, len(draft.text)) if draft.text.count(draft.text[:at]) >= 4)
    assert shortest.count(once.strip()) >= 3
