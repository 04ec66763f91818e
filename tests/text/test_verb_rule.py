"""Root verb and object by the plain rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.text.verb_rule import Root, root_by_rule, singular


@pytest.mark.parametrize(
    ("instruction", "verb", "object_"),
    [
        ("Write a poem about rain.", "write", "poem"),
        ("Please, could you write a poem about rain?", "write", "poem"),
        ("I want you to act as a guide.", "act", ""),
        ("I'd like you to list five old rivers", "list", "river"),
        ("Your task is to sort the following words by length.", "sort", "word"),
        ("You are given two numbers. Add the numbers.", "add", "number"),
        ("Given a list of words, find the longest word.", "find", "word"),
        ("If the text is long, shorten it.", "shorten", ""),
        ("In one sentence, explain the water cycle.", "explain", "cycle"),
        ("Give me a recipe using only rice.", "give", "recipe"),
        ("Find out the capital of Chad", "find", "capital"),
        ("Summarize the article titled 'Bees'.", "summarize", "article"),
        ("Write an article discussing the tides.", "write", "article"),
        ("Build a machine learning model for tides.", "build", "model"),
        ("Describe the process briefly.", "describe", "process"),
        ("Discuss both sides of the question.", "discuss", "side"),
        ("Bring ideas for a party.", "bring", "idea"),
        ("What is the capital of Chad?", "what", ""),
        ("In which year did it begin?", "which", ""),
        ("Is the sentence true?", "is", ""),
        ("Do the sum.", "do", "sum"),
        ("Let's name three rivers!", "name", "river"),
        ("Step 3: divide nine by three.", "step", ""),
        ("The river is long.", "", ""),
        ("Writing letters to a friend", "", ""),
        ("写一首诗", "", ""),
        ("", "", ""),
    ],
)
def test_the_rule_finds_verb_and_object(instruction: str, verb: str, object_: str) -> None:
    assert root_by_rule(instruction) == Root(verb, object_)


@given(st.text())
def test_the_rule_reads_any_text_and_gives_an_object_only_with_a_verb(text: str) -> None:
    root = root_by_rule(text)
    assert root.verb or not root.object
    assert " " not in root.verb + root.object


@given(
    st.sampled_from(["Write a poem.", "List three rivers.", "Is it true?"]), st.sampled_from(["Please ", "Can you "])
)
def test_polite_words_in_front_change_no_root(instruction: str, polite: str) -> None:
    assert root_by_rule(polite + instruction[0].lower() + instruction[1:]) == root_by_rule(instruction)


@given(st.from_regex(r"[a-z]{1,9}", fullmatch=True))
def test_a_singular_stays_what_it_is(noun: str) -> None:
    assert len(singular(noun)) <= len(noun) + 1
    if not noun.endswith("s"):
        assert singular(noun) == singular(singular(noun))
