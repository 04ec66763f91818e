"""What a rewrite must hold to be taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.simplification.simplify_by_model import (
    Bounds,
    facts_only_in,
    kept_facts,
    names,
    numbers,
    objection,
)

ORIGINAL = (
    "Well, Marie Curie, who was born in Warsaw in 1867, won two Nobel prizes, which is quite an achievement. "
    "She discovered `polonium` and radium, elements that were not known before."
)
ASKED = "Who was Marie Curie?"


def reason(rewrite: str, original: str = ORIGINAL, asked: str = ASKED) -> str:
    refusal = objection(original, rewrite, asked, Bounds())
    return refusal.reason if refusal else ""


def test_what_only_leaves_things_out_is_taken() -> None:
    assert not reason("Marie Curie, born in Warsaw in 1867, won two Nobel prizes and discovered `polonium` and radium.")


@pytest.mark.parametrize(
    ("rewrite", "expected"),
    [
        ("Marie Curie was born in 1868.", "new_number"),
        ("Marie Curie won three Nobel prizes.", "new_number"),
        ("Marie Curie was born in Paris.", "new_name"),
        ("Marie Curie discovered `plutonium`.", "new_code"),
        ("Marie Curie: see https://example.org.", "new_code"),
        ("- Marie Curie\n- born in Warsaw", "skeleton"),
        ("", "empty"),
        (" \n", "empty"),
        ("Curie.", "ratio"),
        (ORIGINAL + " She was a chemist.", "ratio"),
    ],
)
def test_what_adds_or_breaks_something_is_not(rewrite: str, expected: str) -> None:
    assert reason(rewrite) == expected


def test_the_instruction_may_lend_its_names_and_numbers() -> None:
    original = "It was signed in that year, by the heads of most of the states which were there at that time."
    assert not reason("The treaty of Rome was signed in 1957.", original, "When was the treaty of Rome signed? 1957?")


def test_a_word_that_opens_a_sentence_is_no_new_name_when_another_form_of_it_was_there() -> None:
    original = "You should be walking every day, and the drinking of water is healthy as well, as everybody knows."
    assert not reason("Walks every day are healthy. Drinking water is, too.", original, "How do I stay healthy?")


@pytest.mark.parametrize(
    ("layout", "broken"),
    [
        ("# Head\n\nText of it, which is long.", "Text of it."),
        ("- a b\n- c d\n- e f", "- a b\n- c d"),
        ("| a | b |\n| c | d |", "| a | b |"),
        ("```\na b c\n```\nAnd words.", "And words."),
    ],
)
def test_headings_items_tables_and_fences_stay(layout: str, broken: str) -> None:
    assert reason(broken, layout) == "skeleton"


@given(st.text(min_size=1, max_size=120))
def test_a_text_is_never_objected_to_as_its_own_rewrite(text: str) -> None:
    assert objection(text, text, "", Bounds()) is None or not text.strip()


@given(st.text(max_size=120))
def test_a_text_keeps_all_its_own_facts(text: str) -> None:
    kept, there = kept_facts(text, text)
    assert kept == there
    assert facts_only_in(text, text) == ()


@given(st.integers(0, 10**9))
def test_a_number_is_the_same_with_and_without_separators(value: int) -> None:
    assert numbers(f"about {value:,} of them") == numbers(f"about {value} of them") == (str(value),)


def test_numbers_that_mark_list_items_are_no_facts() -> None:
    assert numbers("1. salt\n2. pepper") == ()


def test_possessives_and_first_persons_are_told_from_names() -> None:
    assert names("It was Anna's idea, and I'm sure I said so.") == ("Anna",)
