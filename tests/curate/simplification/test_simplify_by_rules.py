"""Simplification by rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.exchanges import Reply
from selfinstruct.curate.simplification.simplify_by_rules import simplified

FACT = "Eggs keep for about a month in the refrigerator, in the box they came in."
ASKED = "How long do eggs keep?"
PIECES = [
    "Sure!",
    "Certainly, here is what you asked for:",
    "Great question!",
    "How long do eggs keep?",
    FACT,
    "They are best in the first two weeks.",
    "- keep them cool",
    "```\nprint('eggs')\n```",
    "As an AI language model, I cannot taste eggs.",
    "Please consult a doctor before you eat them.",
    "I hope this helps!",
    "Let me know if you have any other questions.",
    "| a | b |",
    "Der Hund lief weg.",
]


def plain(output: str, instruction: str = ASKED) -> str:
    return simplified(Reply("instance 0", instruction, "", output)).text


@pytest.mark.parametrize(
    "output",
    [
        f"Sure! {FACT}",
        f"Sure, here's what I know about it:\n\n{FACT}",
        f"Great question! {FACT}",
        f"Of course! I'd be happy to help with that. {FACT}",
        f"{FACT} I hope this helps!",
        f"{FACT}\n\nLet me know if you have any other questions.",
        f"{FACT} If you have any further questions, please feel free to ask.",
        f"{FACT} I hope that this information is helpful. Feel free to ask me for more!",
        f"How long do eggs keep? {FACT}",
        f"{FACT} {FACT}",
    ],
)
def test_what_only_surrounds_the_answer_goes(output: str) -> None:
    assert plain(output) == FACT


def test_a_sentence_that_goes_on_after_the_agreement_begins_with_a_capital() -> None:
    assert plain("Sure, the eggs are fine for a month if you keep them cool.").startswith("The eggs are fine")


def test_of_disclaimers_of_one_kind_the_first_stays() -> None:
    first = "As an AI language model, I cannot give medical advice."
    again = "As an AI language model, I am unable to do this."
    assert (
        plain(f"{first} It is the heart that pumps the blood. {again}")
        == f"{first} It is the heart that pumps the blood."
    )


def test_a_sentence_that_says_more_than_the_disclaimer_stays() -> None:
    text = (
        f"Please consult a doctor first. {FACT} The eggs of the farm were sold by a doctor to see a professional cook."
    )
    assert plain(text) == text


@pytest.mark.parametrize(
    ("instruction", "output"),
    [
        ("Is it safe to eat them?", f"Absolutely! {FACT}"),  # the agreement is the answer
        ("Write an e-mail to a guest.", f"{FACT} I hope this helps! Let me know if you have any questions."),
        ("Reply to the invitation.", "Sure, I will be there on time and bring the cake for all of you."),
        ("Repeat the sentence twice.", f"{FACT} {FACT}"),
        (ASKED, "Hoffe, das hilft! Ich habe es so gehört."),
        (ASKED, f"- {FACT}\n- {FACT}"),
        (ASKED, f"> {FACT}\n\n```\nI hope this helps!\n```"),
        (ASKED, "I hope this helps!"),
        (ASKED, "Sure!"),
        (ASKED, "Of course, that is only so for eggs of hens."[:11]),
        (ASKED, f"{FACT} Let me know if you have the 1994 edition of the book."),  # a number that stands nowhere else
        (ASKED, ""),
    ],
)
def test_what_may_be_the_answer_itself_stays(instruction: str, output: str) -> None:
    assert plain(output, instruction) == output


@pytest.mark.parametrize(
    "instruction",
    [
        "How do I fix a fridge in which eggs go off?",
        "What is to note about eggs in a fridge?",
        "Explain the first line of the table on eggs.",
        "Correct the date: eggs kep for a month in teh fridge.",
        "Convert a month to days, for eggs.",
        "Extract from the article how long eggs keep.",
        "What does the review say about eggs?",
        "Translate what this message says about eggs.",
        "Explain the phrase 'to walk on eggs'.",
        "Edit my words on eggs to be shorter.",
        "What error does this letter about eggs hold?",
    ],
)
def test_a_word_such_as_fix_or_note_in_a_request_makes_no_work_of_small_talk(instruction: str) -> None:
    for opener in (
        "Sure! I'd be happy to help you with that.",
        "Certainly, here's what I found:\n\n",
        "Great question!",
    ):
        assert plain(f"{opener} {FACT} I hope this helps!", instruction) == FACT


@pytest.mark.parametrize(
    ("instruction", "output"),
    [
        ("Correct the spelling: Sure! Id be hapy to help you with that.", f"Sure! I'd be happy to help you. {FACT}"),
        ("Rewrite: I am glad to assist you with eggs.", f"I'm happy to assist you with eggs. {FACT}"),
        ("Suggest a message to a guest who asks about eggs.", f"Sure! I'd be happy to help you. {FACT}"),
        ("Answer the e-mail of a guest who asks about eggs.", f"Of course! {FACT} I hope this helps!"),
        ("Give me a line for the hotel's chat about eggs.", f"Great question! {FACT}"),
    ],
)
def test_small_talk_that_the_text_asked_for_may_hold_stays(instruction: str, output: str) -> None:
    assert plain(output, instruction) == output


def test_what_was_cut_is_told_with_the_rule_that_cut_it() -> None:
    rewrite = simplified(Reply("instance 0", ASKED, "", f"Sure! {FACT} I hope this helps!"))
    assert [(cut.rule, cut.text) for cut in rewrite.cuts] == [("opener", "Sure!"), ("closer", "I hope this helps!")]


SEPARATORS = st.sampled_from([" ", "\n\n", "\n"])
REPLIES = st.lists(st.tuples(st.sampled_from(PIECES), SEPARATORS), max_size=9).map(
    lambda pairs: "".join(piece + separator for piece, separator in pairs)
)


@given(REPLIES, st.sampled_from([ASKED, "Is it so?", "Write a letter.", "Tell me about eggs."]))
def test_simplifying_twice_is_simplifying_once(output: str, instruction: str) -> None:
    once = plain(output, instruction)
    assert plain(once, instruction) == once


@given(REPLIES)
def test_lists_code_and_tables_are_never_touched_and_nothing_is_emptied(output: str) -> None:
    text = plain(output)
    for piece in ("- keep them cool", "```\nprint('eggs')\n```", "| a | b |"):
        assert text.count(piece) == output.count(piece)
    assert bool(text.strip()) == bool(output.strip())
    assert len(text) <= len(output)


@given(st.text(max_size=200))
def test_any_text_can_be_simplified(output: str) -> None:
    assert plain(plain(output)) == plain(output)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Certainly! Here is the note:\n\nTom, the boat is ready.", "Tom, the boat is ready."),
        ("Sure! Here's a note for Tom.\n\nTom, the boat is ready.", "Tom, the boat is ready."),
        ("Sure! Here's the boat.", "Sure! Here's the boat."),  # nothing would be left
        ("Okay! Here is spring again: the rooks are loud.", "Okay! Here is spring again: the rooks are loud."),
    ],
)
def test_two_sentences_that_agree_and_present_go_whatever_was_asked_for(text: str, plain: str) -> None:
    assert simplified(Reply("instance 0", "Write a note to Tom.", "", text)).text == plain
