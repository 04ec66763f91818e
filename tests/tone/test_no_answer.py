"""Empty, echo, loop and running on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.tone.no_answer import asks_to_repeat, is_echo, is_empty, is_loop, run_on

CLEAN = [
    ("Name a river.", "The Nile."),
    ("What is 6 times 7?", "42"),
    ("Which operator adds?", "+"),
    ("List three trees.", "1. Oak\n2. Elm\n3. Ash"),
    ("Give me tips for saving money.", "- Make a list.\n- Write a budget every month.\n- Cook at home."),
    ("Explain how bread rises.", "## Yeast\nIt eats sugar.\n\n## Problem\nCold dough rises slowly."),
    ("Give me a recipe for toast.", "Ingredients:\n- bread\n\nInstructions:\n1. Cut it.\n2. Toast it."),
    ("Write a dialogue at a bakery.", "User: A loaf, please.\nBaker: Here.\nUser: Thanks."),
    ("Write a quiz on trees.", "Here you are.\n\nQ: Which tree has acorns?\nA: The oak."),
    ("Which is it: 1. Rome 2. Paris?", "The right one is:\n2. Paris"),
    ("Sum up the story.", "He came, and he saw, and he won, and then he went home again to his wife and children."),
    ("Wer schrieb den Faust?", "Goethe schrieb ihn, in zwei Teilen."),
    ("Continue the count 1, 2, 3.", "4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16"),
    ("What do I need?\n1.", " a tent\n2. a stove\n3. a map"),
    ("Is a Q: mark used?", "Q: is the usual mark of a question.\nQ: stands first."),
]

RUNNING_ON = [
    ("Name a river.", "The Nile.\n\n### Instruction:\nName a lake.\n\n### Response:\nVictoria.", "heading"),
    ("Name a river.", "The Nile.\n### Human: And a lake?", "heading"),
    ("Name a river.", "The Nile.\n\n## Question 2\nName a lake.", "heading"),
    ("Name a river.", "The Nile.\nUser: And a lake?\nAssistant: Victoria.", "field"),
    ("Name a river.", "The Nile.\n\nQ: Which is the longest?\nA: The Nile.", "field"),
    ("Name a river.", "The Nile.\n\nInstruction: Name a lake.", "field"),
    ("Name a river.", "The Nile.\nTask 2: Name a lake.", "field"),
    ("Name a river.", "The Nile.\n\nInput: Asia\nOutput: The Ob.", "field"),
    ("Name a river.", "The Nile.\n\n2. Name a lake.\n3. Name a hill.", "number"),
    ("Name a river.", "The Nile.<|im_end|>\n<|im_start|>user\nA lake?", "template"),
    ("Name a river.", "The Nile. [INST] Name a lake. [/INST]", "template"),
    ("What is the longest river?", "The Nile.\n\nWhat is the deepest lake?\n\nBaikal.", "prompt"),
    ("Name a river.", "The Nile.\n\nWrite a poem about rain.\n\nIt falls on stones.", "task"),
    ("Name a river.", "The Nile.\n\nYou will be given a list of words.\n\nSort them.", "task"),
]


@pytest.mark.parametrize(("prompt", "response"), CLEAN)
def test_an_answer_that_keeps_to_its_task_is_no_failure(prompt: str, response: str) -> None:
    assert run_on(prompt, response) is None
    assert [is_empty(response), is_echo(prompt, response), is_loop(response)] == [False] * 3


@pytest.mark.parametrize(("prompt", "response", "mark"), RUNNING_ON)
def test_something_new_after_an_answer_is_found_where_it_begins(prompt: str, response: str, mark: str) -> None:
    beginning = run_on(prompt, response)
    assert beginning is not None
    assert beginning.mark == mark
    assert response[: beginning.at].strip() in {"The Nile.", "The Nile"}


@pytest.mark.parametrize("prompt", ["Name a river.", "What is the longest river?"])
def test_a_mark_with_nothing_before_it_is_not_running_on(prompt: str) -> None:
    for response in ("### Response:\nThe Nile.", "Q: Which one?", "Input: Asia", "2. The Nile.", "\n\n" + prompt):
        assert run_on(prompt, response) is None


@given(st.sampled_from([response for _, response in CLEAN]), st.text(alphabet=" \n\t", max_size=5))
def test_white_space_around_a_response_changes_no_verdict(response: str, space: str) -> None:
    assert is_loop(space + response + space) == is_loop(response)
    assert is_empty(space + response + space) == is_empty(response)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_gets_a_verdict_and_a_place_within_it(prompt: str, response: str) -> None:
    beginning = run_on(prompt, response)
    assert beginning is None or 0 <= beginning.at < len(response)
    assert not (is_empty(response) and is_loop(response) and is_echo(prompt, response))


@given(
    st.lists(st.sampled_from(["oak", "elm", "ash", "fir", "yew"]), min_size=1, max_size=6),
    st.integers(14, 20),
    st.integers(0, 2),
)
def test_words_said_again_and_again_are_a_loop_wherever_a_cap_cuts_them(words: list[str], turns: int, cut: int) -> None:
    text = "It begins well. " + (" ".join(words) + " ") * turns
    assert is_loop(text[: len(text) - cut])


@pytest.mark.parametrize(
    "response",
    [
        "The sky is blue.\nThe sky is blue.\nThe sky is blue.\nThe sky is bl",
        "1. Drink water\n2. Drink water\n3. Drink water\n",
        "Yes.\nA: It is long.\nB: So?\nA: It is long.\nC: No?\n"
        + "A: It is long.\nD: What, again and again?\n" * 3
        + "End.",
        "长城很长。" * 4,
    ],
)
def test_lines_and_sentences_said_again_are_a_loop(response: str) -> None:
    assert is_loop(response)


def test_a_repetition_that_was_asked_for_is_known() -> None:
    assert asks_to_repeat("Repeat the word after me.")
    assert asks_to_repeat("Write 'sorry' 20 times.")
    assert not asks_to_repeat("How many times did she win?")


def test_an_echo_is_the_prompt_said_again_and_not_a_sentence_that_shares_its_words() -> None:
    long = "Write a short and friendly note to the neighbours about the noise on Saturday night."
    assert is_echo(long, long.upper())
    assert is_echo(long, " " + long[:-1] + " and how sorry we are.")
    assert not is_echo("Correct this: He go to school.", "He goes to school.")
    assert not is_echo("Hi there", "Hi there")
