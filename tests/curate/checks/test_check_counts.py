"""How much was asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.checks.check_counts import CountLimit, counts, limits
from selfinstruct.curate.exchanges import Reply


def verdict(output: str, instruction: str) -> str:
    checked = counts(Reply("instance 0", instruction, "", output))
    return checked.verdict if checked else "silent"


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("Describe the sea in exactly three sentences.", "exactly 3 sentences"),
        ("Describe the sea in 3 sentences.", "exactly 3 sentences"),
        ("Summarize the text in a single sentence.", "exactly 1 sentences"),
        ("Describe the sea in at most 20 words.", "at most 20 words"),
        ("Describe the sea in 20 words or less.", "at most 20 words"),
        ("Describe the sea in less than 20 words.", "fewer than 20 words"),
        ("Write about the sea, using at least 50 words.", "at least 50 words"),
        ("Write a 500-word essay on the sea.", "about 500 words"),
        ("Write a 4-line poem.", "exactly 4 lines"),
        ("Explain the sea in five bullet points.", "exactly 5 items"),
        ("List ten rivers.", "exactly 10 items"),
        ("Give me at least 3 reasons to swim.", "at least 3 items"),
        ("Name up to five rivers.", "at most 5 items"),
        ("Sum up this 500-word article in two sentences.", "exactly 2 sentences"),
    ],
)
def test_an_instruction_sets_the_limit_it_states(instruction: str, expected: str) -> None:
    assert [str(limit) for limit in limits(instruction)] == [expected]


@pytest.mark.parametrize(
    "instruction",
    [
        "Summarize this 500-word article.",
        "Given a list of 5 words, make a sentence.",
        "If the text has less than three words, return it.",
        "Write two sentences each about the sea and the sky.",
        "List three rivers with two facts for each.",
        "Count the words in the sentence.",
        "What is the word for these two lines?",
        "Write a story.",
        "Name a river.",
        "Give 3 examples per category.",
    ],
)
def test_numbers_of_something_else_set_no_limit(instruction: str) -> None:
    assert list(limits(instruction)) == []


@pytest.mark.parametrize(
    ("instruction", "output", "expected"),
    [
        ("Describe a cat in one sentence.", "It purrs and sleeps.", "passed"),
        ("Describe a cat in one sentence.", "It purrs. It sleeps.", "failed"),
        ("Describe a cat in one sentence.", "Dr. Ames, e.g., calls it lazy.", "passed"),
        ("Describe a cat in one sentence.", 'She says "It purrs. It sleeps." of it.', "passed"),
        ("Describe a cat in two sentences.", "It purrs! It sleeps", "passed"),
        ("Describe a cat in at most 5 words.", "It is a small, lazy animal indeed.", "failed"),
        ("Describe a cat in at most 5 words.", "It's a well-known animal.", "passed"),
        ("Describe a cat in at least 5 words.", "It sleeps.", "failed"),
        ("Write a 100-word text about cats.", "They sleep. " * 10, "failed"),
        ("Write a 100-word text about cats.", "They sleep. " * 40, "passed"),
        ("List three rivers.", "1. Elbe\n2. Nile\n3. Po", "passed"),
        ("List three rivers.", "1. Elbe\n2. Nile\n3. Po\n4. Rhine", "failed"),
        ("List three rivers.", "- Elbe\n- Nile", "failed"),
        ("List three rivers.", "Here they are:\n- Elbe\n- Nile\n- Po", "passed"),
        ("List three rivers.", "The Elbe, the Nile and the Po.", "silent"),
        ("List three rivers.", "- Elbe\n  - long\n- Nile", "silent"),
        ("List three rivers.", "Big:\n- Nile\n\nSmall:\n- Po", "silent"),
        ("Write a Python function in 5 lines.", "def f():\n  pass", "silent"),
        ("Describe a cat in three sentences.", "- It purrs.\n- It sleeps.", "silent"),
        ("Write a 4-line poem.", "a b\nc d\ne f\ng h", "passed"),
        ("Write a 4-line poem.", "a b\nc d\ne f\ng h\ni j\nk l\nm n", "failed"),
    ],
)
def test_an_answer_is_held_to_the_limit_that_was_set(instruction: str, output: str, expected: str) -> None:
    assert verdict(output, instruction) == expected


@given(st.integers(1, 30), st.integers(1, 30))
def test_plain_sentences_are_counted_exactly(asked: int, written: int) -> None:
    if written > 4 and written % 5 == 0:
        written += 1
    text = " ".join(f"It is number {'a' * n}b." for n in range(1, written + 1))
    assert verdict(text, f"Describe it in exactly {asked} sentences.") == ("passed" if asked == written else "failed")


@given(st.integers(0, 40), st.integers(0, 40))
def test_relations_hold_as_they_say(number: int, count: int) -> None:
    assert CountLimit("at most", number, "words").holds(count, count) == (count <= number)
    assert CountLimit("fewer than", number, "words").holds(count, count) == (count < number)
    assert CountLimit("at least", number, "words").holds(count, count) == (count >= number)
    assert CountLimit("more than", number, "words").holds(count, count) == (count > number)
    assert CountLimit("exactly", number, "words").holds(count, count) == (count == number)


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_can_be_checked(instruction: str, output: str) -> None:
    assert verdict(output, f"List three {instruction}") in ("passed", "failed", "silent")
